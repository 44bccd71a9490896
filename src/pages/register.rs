//! `/register`: creating an account.

use actix_web::{HttpResponse, web::Query};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use super::login::LoginQuery;
use crate::{
    accounts::Register,
    web::{
        error::Problem, flash::Flash, form::Form, guard::Visitor, language, layout::Layout, render::FormErrors,
        return_to::ReturnTo,
    },
};

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage<'a> {
    layout: Layout,
    login_url: String,
    password_hint: String,
    form: &'a RegisterForm,
    errors: FormErrors,
}

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RegisterForm {
    username: String,
    email: String,
    password: SecretString,
    password_confirm: SecretString,
    next: String,
}

fn page<'a>(visitor: &Visitor, form: &'a RegisterForm, errors: FormErrors) -> RegisterPage<'a> {
    RegisterPage {
        layout: visitor.guest_layout(ReturnTo::query_of("/register", &form.next)),
        login_url: ReturnTo::query_of("/login", &form.next),
        password_hint: (visitor.messages().password_hint)(visitor.state.accounts.min_password_length()),
        form,
        errors,
    }
}

/// `GET /register`
pub(crate) async fn get(visitor: Visitor, query: Option<Query<LoginQuery>>) -> Result<HttpResponse, Problem> {
    if !visitor.state.accounts.registration_open() {
        return Err(Problem::RegistrationClosed);
    }
    let next = query.map(|query| query.into_inner().next).unwrap_or_default();
    visitor.render(&page(&visitor, &RegisterForm { next, ..RegisterForm::default() }, FormErrors::default()))
}

/// `POST /register`
pub(crate) async fn post(visitor: Visitor, Form(form): Form<RegisterForm>) -> Result<HttpResponse, Problem> {
    if !visitor.state.accounts.registration_open() {
        return Err(Problem::RegistrationClosed);
    }
    let registration = Register {
        username: form.username.clone(),
        email: form.email.clone(),
        password: form.password.clone(),
        password_confirm: form.password_confirm.clone(),
        language: language::chosen(visitor.request.headers(), visitor.state.cookies),
        replaces: visitor.session.clone(),
    };
    match visitor.state.accounts.register(registration, &visitor.client).await {
        Ok(signed_in) => {
            let mut response = visitor.start_session(&signed_in, &visitor.known_devices(), &form.next)?;
            visitor.set_flash(&mut response, Flash::Registered)?;
            Ok(response)
        }
        Err(error) => visitor.reject(error, |errors| page(&visitor, &form, errors)),
    }
}
