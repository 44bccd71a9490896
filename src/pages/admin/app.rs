//! `/admin/apps/{id}`: one application, its change and its removal.

use std::sync::Arc;

use actix_web::{HttpResponse, web::Path};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use super::apps::{self, AppFields, SentApp, redirect};
use crate::{
    accounts::Authorization,
    apps::{App, AppId},
    web::{
        display_time::DisplayTime, error::Problem, flash::Flash, form::Form, guard::CurrentUser, layout::Layout,
        render::FormErrors,
    },
};

#[derive(Template)]
#[template(path = "admin/app.html")]
struct AppPage {
    layout: Layout,
    app: App,
    added_at: DisplayTime,
    fields: AppFields,
    errors: FormErrors,
}

#[derive(Template)]
#[template(path = "admin/remove_app.html")]
struct RemovalPage {
    layout: Layout,
    app: App,
    ask_password: bool,
    errors: FormErrors,
}

/// The form of a removal.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RemovalForm {
    current_password: SecretString,
}

/// Returns the application with this id.
async fn find(user: &CurrentUser, id: &str) -> Result<App, Problem> {
    let id: AppId = id.parse().map_err(|_| Problem::NotFound)?;
    user.state.apps.find(id).await?.ok_or(Problem::NotFound)
}

fn path_of(id: &AppId) -> String {
    format!("{}/{id}", apps::PATH)
}

fn page(user: &CurrentUser, app: App, fields: AppFields, errors: FormErrors) -> AppPage {
    let added_at = user.messages().time(app.created_at, user.state.core.clock.now());
    AppPage { layout: user.layout_at(&path_of(&app.id)), app, added_at, fields, errors }
}

/// `GET /admin/apps/{id}`
pub(crate) async fn get(user: CurrentUser, id: Path<String>) -> Result<HttpResponse, Problem> {
    let app = find(&user, &id).await?;
    let fields = AppFields::of(&user, &app);
    user.render(&page(&user, app, fields, FormErrors::default()))
}

/// `POST /admin/apps/{id}`
pub(crate) async fn post(
    user: CurrentUser,
    id: Path<String>,
    Form(sent): Form<SentApp>,
) -> Result<HttpResponse, Problem> {
    let app = find(&user, &id).await?;
    if !sent.id.is_empty() {
        // The id of an application does not change: its proxy and its tokens name it.
        return Err(Problem::Malformed);
    }
    let (form, authorization) = (sent.form(app.id.as_str()), sent.authorization(&user));
    match user.state.accounts.set_app_as(&user.state.apps, form, authorization, &user.client).await {
        Ok(session) => redirect(&user, &path_of(&app.id), Flash::AppChanged, session.as_ref()),
        Err(error) => user.reject(error, |errors| page(&user, app, AppFields::sent(&user, sent), errors)),
    }
}

fn removal_page(user: &CurrentUser, app: App, errors: FormErrors) -> RemovalPage {
    RemovalPage {
        layout: user.layout_at(&format!("{}/remove", path_of(&app.id))),
        app,
        ask_password: !user.state.accounts.recently_authenticated(&user.session),
        errors,
    }
}

/// `GET /admin/apps/{id}/remove`
pub(crate) async fn removal(user: CurrentUser, id: Path<String>) -> Result<HttpResponse, Problem> {
    let app = find(&user, &id).await?;
    user.render(&removal_page(&user, app, FormErrors::default()))
}

/// `POST /admin/apps/{id}/remove`
pub(crate) async fn remove(
    user: CurrentUser,
    id: Path<String>,
    Form(form): Form<RemovalForm>,
) -> Result<HttpResponse, Problem> {
    let app = find(&user, &id).await?;
    let authorization = Authorization {
        current_password: form.current_password,
        devices: user.known_devices(),
        session: Arc::clone(&user.session),
    };
    match user.state.accounts.remove_app_as(app.id.clone(), authorization, &user.client).await {
        Ok(session) => redirect(&user, apps::PATH, Flash::AppRemoved, session.as_ref()),
        Err(error) => user.reject(error, |errors| removal_page(&user, app, errors)),
    }
}
