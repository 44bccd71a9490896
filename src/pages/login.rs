//! `/login`: by user name or e-mail address.

use actix_web::{HttpResponse, web::Query};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    accounts::SignIn,
    sessions::SessionRequest,
    web::{error::Problem, form::Form, guard::Visitor, layout::Layout, render::FormErrors, return_to::ReturnTo},
};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    layout: Layout,
    register_url: Option<String>,
    form: &'a LoginForm,
    errors: FormErrors,
}

/// The query of the page. Other parameters are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LoginQuery {
    /// Where to go after signing in; not validated yet.
    pub next: String,
}

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LoginForm {
    login: String,
    password: SecretString,
    remember: String,
    next: String,
}

fn page<'a>(visitor: &Visitor, form: &'a LoginForm, errors: FormErrors) -> LoginPage<'a> {
    LoginPage {
        layout: visitor.guest_layout(ReturnTo::query_of("/login", &form.next)),
        register_url: visitor.state.accounts.registration_open().then(|| ReturnTo::query_of("/register", &form.next)),
        form,
        errors,
    }
}

/// `GET /login`
pub(crate) async fn get(visitor: Visitor, query: Option<Query<LoginQuery>>) -> Result<HttpResponse, Problem> {
    let next = query.map(|query| query.into_inner().next).unwrap_or_default();
    visitor.render(&page(&visitor, &LoginForm { next, ..LoginForm::default() }, FormErrors::default()))
}

/// `POST /login`
pub(crate) async fn post(visitor: Visitor, Form(form): Form<LoginForm>) -> Result<HttpResponse, Problem> {
    let known = visitor.known_devices();
    let sign_in = SignIn {
        login: form.login.clone(),
        password: form.password.clone(),
        devices: known.clone(),
        roles: Vec::new(),
        session: SessionRequest::browser(!form.remember.is_empty(), visitor.session.clone()),
    };
    match visitor.state.accounts.authenticate(sign_in, &visitor.client).await {
        Ok(signed_in) => visitor.start_session(&signed_in, &known, &form.next),
        Err(error) => visitor.reject(error, |errors| page(&visitor, &form, errors)),
    }
}
