//! `/account/password`: changing it.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use askama::Template;

use crate::web::layout::Layout;
use serde::Deserialize;

use crate::{
    accounts::PasswordChange,
    pages::{Errors, Page, add_cookie, devices, refused, show, show_again},
    passwords::Password,
    web::messages,
    web::state::App,
    web::{
        cookies::Name,
        error::Problem,
        flash::Flash,
        form::Form,
        guard::{self, Member},
    },
};

/// Its address.
pub const PATH: &str = "/account/password";

#[derive(Template)]
#[template(path = "account/password.html")]
struct PasswordPage<'a> {
    layout: Layout,
    csrf_token: String,
    username: String,
    password_hint: String,
    errors: &'a Errors,
}

impl Page for PasswordPage<'_> {
    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordForm {
    // For password managers, which want to know whose password it is; of no use here.
    #[serde(rename = "username")]
    _username: String,
    current_password: String,
    password: String,
    password_confirm: String,
}

fn page<'a>(app: &App, req: &HttpRequest, member: &Member, errors: &'a Errors) -> PasswordPage<'a> {
    PasswordPage {
        layout: Layout::member(app, req.headers(), &member.session, PATH),
        csrf_token: member.form_token(app),
        username: member.session.owner.username.clone(),
        password_hint: messages::password_hint(app.accounts.min_password_length()),
        errors,
    }
}

/// `GET /account/password`
pub async fn get(app: Data<App>, req: HttpRequest, member: Member) -> Result<HttpResponse, Problem> {
    show(&app, StatusCode::OK, &page(&app, &req, &member, &Errors::default()))
}

/// `POST /account/password`
pub async fn post(
    app: Data<App>,
    req: HttpRequest,
    member: Member,
    Form(form): Form<PasswordForm>,
) -> Result<HttpResponse, Problem> {
    let change = PasswordChange {
        current: Password::parse(&form.current_password).ok(),
        password: Password::parse(&form.password).ok(),
        confirm: Password::parse(&form.password_confirm).ok(),
        devices: devices(&app, &req),
    };
    match app.accounts.change_password(change, Arc::clone(&member.session), &member.client).await? {
        Ok(session) => {
            let mut response = guard::see_other("/account");
            let token = app.sessions.token(&session);
            add_cookie(&mut response, &app.jar.write(Name::Session, token, session.keep_for))?;
            add_cookie(&mut response, &Flash::PasswordChanged.cookie(app.jar, &app.keys, app.clock.now()))?;
            Ok(response)
        }
        Err(why) => {
            let (status, retry_after, errors) = refused(why);
            let page = page(&app, &req, &member, &errors);
            show_again(&app, &req, status, retry_after, &page, &errors, &member.client)
        }
    }
}

/// `GET /.well-known/change-password`, where password managers look (W3C, A Well-Known URL for Changing Passwords).
pub async fn well_known() -> HttpResponse {
    guard::see_other(PATH)
}
