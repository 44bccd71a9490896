//! `/account/delete`: being gone.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use askama::Template;

use crate::web::layout::Layout;
use serde::Deserialize;

use crate::{
    accounts::Deletion,
    pages::{Errors, Page, add_cookie, devices, logout, refused, show, show_again},
    passwords::Password,
    web::state::App,
    web::{cookies::Name, error::Problem, flash::Flash, form::Form, guard::Member},
};

/// Its address.
pub const PATH: &str = "/account/delete";

#[derive(Template)]
#[template(path = "account/delete.html")]
struct DeletePage<'a> {
    layout: Layout,
    csrf_token: String,
    username: String,
    confirm: &'a str,
    errors: &'a Errors,
}

impl Page for DeletePage<'_> {
    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeleteForm {
    confirm: String,
    current_password: String,
}

fn page<'a>(app: &App, req: &HttpRequest, member: &Member, confirm: &'a str, errors: &'a Errors) -> DeletePage<'a> {
    DeletePage {
        layout: Layout::member(app, req.headers(), &member.session, PATH),
        csrf_token: member.form_token(app),
        username: member.session.owner.username.clone(),
        confirm,
        errors,
    }
}

/// `GET /account/delete`
pub async fn get(app: Data<App>, req: HttpRequest, member: Member) -> Result<HttpResponse, Problem> {
    show(&app, StatusCode::OK, &page(&app, &req, &member, "", &Errors::default()))
}

/// `POST /account/delete`
pub async fn post(
    app: Data<App>,
    req: HttpRequest,
    member: Member,
    Form(form): Form<DeleteForm>,
) -> Result<HttpResponse, Problem> {
    let deletion = Deletion {
        confirm: form.confirm.clone(),
        current: Password::parse(&form.current_password).ok(),
        devices: devices(&app, &req),
    };
    if let Err(why) = app.accounts.delete(deletion, Arc::clone(&member.session), &member.client).await? {
        let (status, retry_after, errors) = refused(why);
        let page = page(&app, &req, &member, &form.confirm, &errors);
        return show_again(&app, &req, status, retry_after, &page, &errors, &member.client);
    }
    let mut response = logout::leave();
    app.jar.clear(Name::Session, response.headers_mut());
    app.jar.clear(Name::Device, response.headers_mut());
    add_cookie(&mut response, &Flash::Deleted.cookie(app.jar, &app.keys, app.clock.now()))?;
    Ok(response)
}
