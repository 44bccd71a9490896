//! `/register`: making an account.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Query},
};
use askama::Template;

use crate::web::layout::Layout;
use serde::Deserialize;

use super::{Errors, Page, add_cookie, go_on, login::Wanted, show, show_again};
use crate::{
    accounts::{RegisterOutcome, Registration},
    passwords::Password,
    web::messages,
    web::state::App,
    web::{error::Problem, flash::Flash, form::Form, guard::Visitor, return_to::Next},
};

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage<'a> {
    layout: Layout,
    login: String,
    password_hint: String,
    username: &'a str,
    email: &'a str,
    next: &'a str,
    errors: &'a Errors,
}

impl Page for RegisterPage<'_> {
    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegisterForm {
    username: String,
    email: String,
    password: String,
    password_confirm: String,
    next: String,
}

fn page<'a>(app: &App, req: &HttpRequest, form: &'a RegisterForm, errors: &'a Errors) -> RegisterPage<'a> {
    RegisterPage {
        layout: Layout::guest(app, req.headers()),
        login: Next::parse(&form.next).map_or_else(|| "/login".to_owned(), |next| next.carried_by("/login")),
        password_hint: messages::password_hint(app.accounts.min_password_length()),
        username: &form.username,
        email: &form.email,
        next: &form.next,
        errors,
    }
}

/// `GET /register`
pub async fn get(app: Data<App>, req: HttpRequest, wanted: Option<Query<Wanted>>) -> Result<HttpResponse, Problem> {
    let form = RegisterForm {
        next: wanted.map(|wanted| wanted.into_inner().next).unwrap_or_default(),
        ..RegisterForm::default()
    };
    if !app.accounts.is_open() {
        return Err(Problem::RegistrationClosed);
    }
    show(&app, StatusCode::OK, &page(&app, &req, &form, &Errors::default()))
}

/// `POST /register`
pub async fn post(
    app: Data<App>,
    req: HttpRequest,
    visitor: Visitor,
    Form(form): Form<RegisterForm>,
) -> Result<HttpResponse, Problem> {
    let again = |status, retry_after, errors: &Errors| {
        show_again(&app, &req, status, retry_after, &page(&app, &req, &form, errors), errors, &visitor.client)
    };
    if !app.accounts.is_open() {
        return Err(Problem::RegistrationClosed);
    }
    let registration = Registration {
        username: form.username.clone(),
        email: form.email.clone(),
        password: Password::parse(&form.password).ok(),
        password_confirm: Password::parse(&form.password_confirm).ok(),
        replaces: visitor.session.clone(),
    };
    match app.accounts.register(registration, &visitor.client).await? {
        RegisterOutcome::Welcome(signed_in) => {
            let mut response = go_on(&app, &req, &signed_in, &form.next)?;
            add_cookie(&mut response, &Flash::Welcome.cookie(app.jar, &app.keys, app.clock.now()))?;
            Ok(response)
        }
        RegisterOutcome::Refused(mistakes) => {
            let errors = Errors::of_mistakes(mistakes);
            again(StatusCode::UNPROCESSABLE_ENTITY, None, &errors)
        }
        RegisterOutcome::Throttled(refusal) => again(
            StatusCode::TOO_MANY_REQUESTS,
            Some(messages::retry_after(refusal)),
            &Errors::of_form(messages::registration_refused(refusal)),
        ),
        RegisterOutcome::Busy => again(
            StatusCode::SERVICE_UNAVAILABLE,
            Some(messages::RETRY_SECONDS.into()),
            &Errors::of_form(messages::BUSY),
        ),
    }
}
