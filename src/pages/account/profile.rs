//! `/account`: user name and e-mail address. The pages below it have files of their own.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use askama::Template;

use crate::web::layout::Layout;
use serde::Deserialize;

use crate::pages::{Errors, Page, add_cookie, devices, refused, show, show_again};
use crate::{
    accounts::ProfileChange,
    passwords::Password,
    web::state::App,
    web::{
        error::Problem,
        flash::Flash,
        form::Form,
        guard::{self, Member},
    },
};

#[derive(Template)]
#[template(path = "account/profile.html")]
struct Profile<'a> {
    layout: Layout,
    csrf_token: String,
    username: &'a str,
    email: &'a str,
    ask_password: bool,
    errors: &'a Errors,
}

impl Page for Profile<'_> {
    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileForm {
    username: String,
    email: String,
    current_password: String,
}

fn page<'a>(
    app: &App,
    req: &HttpRequest,
    member: &Member,
    (username, email): (&'a str, &'a str),
    errors: &'a Errors,
) -> Profile<'a> {
    Profile {
        layout: Layout::member(app, req.headers(), &member.session, "/account"),
        csrf_token: member.form_token(app),
        username,
        email,
        ask_password: !app.accounts.is_recent(&member.session),
        errors,
    }
}

/// `GET /account`
pub async fn get(app: Data<App>, req: HttpRequest, member: Member) -> Result<HttpResponse, Problem> {
    let owner = &member.session.owner;
    let errors = Errors::default();
    let page = page(&app, &req, &member, (&owner.username, &owner.email), &errors);
    show(&app, StatusCode::OK, &page)
}

/// `POST /account`
pub async fn post(
    app: Data<App>,
    req: HttpRequest,
    member: Member,
    Form(form): Form<ProfileForm>,
) -> Result<HttpResponse, Problem> {
    let change = ProfileChange {
        username: form.username.clone(),
        email: form.email.clone(),
        current: Password::parse(&form.current_password).ok(),
        devices: devices(&app, &req),
    };
    if let Err(why) = app.accounts.change_profile(change, Arc::clone(&member.session), &member.client).await? {
        let (status, retry_after, errors) = refused(why);
        let page = page(&app, &req, &member, (&form.username, &form.email), &errors);
        return show_again(&app, &req, status, retry_after, &page, &errors, &member.client);
    }
    let mut response = guard::see_other("/account");
    add_cookie(&mut response, &Flash::ProfileChanged.cookie(app.jar, &app.keys, app.clock.now()))?;
    Ok(response)
}
