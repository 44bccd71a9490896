//! `/login`: by user name or e-mail address.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Query},
};
use askama::Template;

use crate::web::layout::Layout;
use serde::Deserialize;

use super::{Errors, Page, devices, go_on, show, show_again};
use crate::{
    accounts::{SignIn, SignInOutcome},
    passwords::Password,
    web::messages,
    web::state::App,
    web::{error::Problem, form::Form, guard::Visitor, return_to::Next},
};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    layout: Layout,
    register: Option<String>,
    login: &'a str,
    remember: bool,
    next: &'a str,
    errors: &'a Errors,
}

impl Page for LoginPage<'_> {
    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// Where to go afterwards; anything else in the query is nobody's business.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// A path on this origin, or what somebody would like to pass for one.
    pub next: String,
}

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoginForm {
    login: String,
    password: String,
    remember: String,
    next: String,
}

fn page<'a>(app: &App, req: &HttpRequest, form: &'a LoginForm, errors: &'a Errors) -> LoginPage<'a> {
    let next = Next::parse(&form.next);
    let register = match next {
        Some(next) => next.carried_by("/register"),
        None => "/register".to_owned(),
    };
    LoginPage {
        layout: Layout::guest(app, req.headers()),
        register: app.accounts.is_open().then_some(register),
        login: &form.login,
        remember: !form.remember.is_empty(),
        next: &form.next,
        errors,
    }
}

/// `GET /login`
pub async fn get(app: Data<App>, req: HttpRequest, wanted: Option<Query<Wanted>>) -> Result<HttpResponse, Problem> {
    let form =
        LoginForm { next: wanted.map(|wanted| wanted.into_inner().next).unwrap_or_default(), ..LoginForm::default() };
    show(&app, StatusCode::OK, &page(&app, &req, &form, &Errors::default()))
}

/// `POST /login`
pub async fn post(
    app: Data<App>,
    req: HttpRequest,
    visitor: Visitor,
    Form(form): Form<LoginForm>,
) -> Result<HttpResponse, Problem> {
    let again = |status, retry_after, errors: &Errors| {
        show_again(&app, &req, status, retry_after, &page(&app, &req, &form, errors), errors, &visitor.client)
    };
    let password = match check(&form) {
        Ok(password) => password,
        Err(errors) => return again(StatusCode::UNPROCESSABLE_ENTITY, None, &errors),
    };
    let sign_in = SignIn {
        login: form.login.clone(),
        password,
        remember: !form.remember.is_empty(),
        devices: devices(&app, &req),
        replaces: visitor.session.clone(),
    };
    match app.accounts.authenticate(sign_in, &visitor.client).await? {
        SignInOutcome::Welcome(signed_in) => go_on(&app, &req, &signed_in, &form.next),
        SignInOutcome::Wrong => {
            again(StatusCode::UNPROCESSABLE_ENTITY, None, &Errors::of_field("login", messages::WRONG))
        }
        SignInOutcome::Throttled(refusal) => again(
            StatusCode::TOO_MANY_REQUESTS,
            Some(messages::retry_after(refusal)),
            &Errors::of_form(messages::sign_in_refused(refusal)),
        ),
        SignInOutcome::Busy => again(
            StatusCode::SERVICE_UNAVAILABLE,
            Some(messages::RETRY_SECONDS.into()),
            &Errors::of_form(messages::BUSY),
        ),
    }
}

/// What can be told without looking anybody up.
fn check(form: &LoginForm) -> Result<Password, Errors> {
    let mut errors = Errors::default();
    if form.login.trim().is_empty() {
        errors.fields.push(("login", messages::LOGIN_MISSING.into()));
    }
    let password = Password::parse(&form.password).ok();
    match &password {
        None => errors.fields.push(("password", messages::PASSWORD_TOO_LONG.into())),
        Some(password) if password.is_empty() => errors.fields.push(("password", messages::PASSWORD_MISSING.into())),
        Some(_) => {}
    }
    match password {
        Some(password) if errors.is_empty() => Ok(password),
        _ => Err(errors),
    }
}
