//! `/admin/apps`: the applications that use Gatehouse, and adding one.

use std::sync::Arc;

use actix_web::{HttpResponse, web::Query};
use askama::Template;
use clap::ValueEnum;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::url;
use crate::{
    accounts::{AppForm, Authorization},
    apps::{App, AppId, TokenFormat},
    config::PublicUrl,
    sessions::NewSession,
    web::{error::Problem, flash::Flash, form::Form, guard::CurrentUser, layout::Layout, render::FormErrors},
};

/// The path of the page.
pub(crate) const PATH: &str = "/admin/apps";
/// Applications on a page.
const PAGE_ROWS: usize = 25;

#[derive(Template)]
#[template(path = "admin/apps.html")]
struct AppsPage {
    layout: Layout,
    apps: Vec<App>,
    next: Option<String>,
    fields: AppFields,
    errors: FormErrors,
}

/// The query of the page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct AppsQuery {
    /// Shows applications after this one.
    after: Option<String>,
}

/// The form of an application.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SentApp {
    /// Only of a new application.
    pub(super) id: String,
    name: String,
    url: String,
    /// The roles that may enter, separated by spaces.
    role: String,
    /// The origins whose scripts may call the JSON API, separated by spaces.
    cors: String,
    tokens: String,
    hs256_secret: SecretString,
    current_password: SecretString,
}

impl SentApp {
    /// Returns what to make of the application `id`.
    pub(super) fn form(&self, id: &str) -> AppForm {
        AppForm {
            id: id.to_owned(),
            name: self.name.clone(),
            url: self.url.clone(),
            roles: self.role.clone(),
            cors: self.cors.clone(),
            tokens: self.tokens.clone(),
            hs256_secret: self.hs256_secret.clone(),
        }
    }

    pub(super) fn authorization(&self, user: &CurrentUser) -> Authorization {
        Authorization {
            current_password: self.current_password.clone(),
            devices: user.known_devices(),
            session: Arc::clone(&user.session),
        }
    }
}

/// The values of `templates/admin/app_fields.html`.
pub(super) struct AppFields {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) url: String,
    pub(super) role: String,
    pub(super) cors: String,
    pub(super) tokens: String,
    pub(super) formats: &'static [TokenFormat],
    /// Shown beside the field of the secret, if no other error is.
    secret_notice: &'static str,
    pub(super) ask_password: bool,
}

impl AppFields {
    /// Returns the fields as they were sent. A secret is not sent back, so the person is told that it is to be typed
    /// again: without it, the next form would keep the old one.
    pub(super) fn sent(user: &CurrentUser, sent: SentApp) -> Self {
        let is_secret_lost = !sent.hs256_secret.expose_secret().is_empty();
        Self {
            id: sent.id,
            name: sent.name,
            url: sent.url,
            role: sent.role,
            cors: sent.cors,
            tokens: sent.tokens,
            formats: TokenFormat::value_variants(),
            secret_notice: if is_secret_lost { user.messages().admin.app_secret_lost } else { "" },
            ask_password: !user.state.accounts.recently_authenticated(&user.session),
        }
    }

    /// Returns the error of the field of the secret; empty if there is none.
    pub(super) fn secret_error<'a>(&self, errors: &'a FormErrors) -> &'a str {
        let error = errors.get("hs256_secret");
        if error.is_empty() { self.secret_notice } else { error }
    }

    /// Returns the fields of an application.
    pub(super) fn of(user: &CurrentUser, app: &App) -> Self {
        let sent = SentApp {
            name: app.name.clone(),
            url: app.url.as_ref().map(PublicUrl::origin).unwrap_or_default().to_owned(),
            role: joined(&app.roles),
            cors: joined(&app.cors),
            tokens: app.tokens.as_ref().map(|tokens| tokens.format().to_string()).unwrap_or_default(),
            ..SentApp::default()
        };
        Self::sent(user, sent)
    }
}

fn joined<T: ToString>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

async fn page(user: &CurrentUser, after: Option<AppId>, sent: SentApp) -> Result<AppsPage, Problem> {
    // One more than the page shows, to know whether there are more.
    let mut apps = user.state.apps.list_after(after, PAGE_ROWS + 1).await?;
    let has_more = apps.len() > PAGE_ROWS;
    apps.truncate(PAGE_ROWS);
    let last = apps.last().filter(|_| has_more).map(|last| last.id.to_string());
    Ok(AppsPage {
        layout: user.layout_at(PATH),
        apps,
        next: last.map(|last| url(PATH, &[("after", &last)])),
        fields: AppFields::sent(user, sent),
        errors: FormErrors::default(),
    })
}

/// `GET /admin/apps`
pub(crate) async fn get(user: CurrentUser, query: Option<Query<AppsQuery>>) -> Result<HttpResponse, Problem> {
    let after = query.and_then(|query| query.into_inner().after?.parse().ok());
    user.render(&page(&user, after, SentApp::default()).await?)
}

/// `POST /admin/apps`
pub(crate) async fn post(user: CurrentUser, Form(sent): Form<SentApp>) -> Result<HttpResponse, Problem> {
    let (form, authorization) = (sent.form(&sent.id), sent.authorization(&user));
    match user.state.accounts.add_app_as(&user.state.apps, form, authorization, &user.client).await {
        Ok(session) => redirect(&user, PATH, Flash::AppAdded, session.as_ref()),
        Err(error) => {
            let page = page(&user, None, sent).await?;
            user.reject(error, |errors| AppsPage { errors, ..page })
        }
    }
}

/// Answers a change that was made.
pub(super) fn redirect(
    user: &CurrentUser,
    path: &str,
    flash: Flash,
    session: Option<&NewSession>,
) -> Result<HttpResponse, Problem> {
    let mut response = user.redirect(path, flash)?;
    if let Some(session) = session {
        user.set_session(&mut response, session)?;
    }
    Ok(response)
}
