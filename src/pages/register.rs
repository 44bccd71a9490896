//! `/register`: creating an account. The set-up page shows the same form.

use actix_web::{HttpResponse, web::Query};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    accounts::{Admission, Error, Register},
    web::{
        error::Problem, flash::Flash, form::Form, guard::Visitor, language, layout::Layout, render::FormErrors,
        return_to::ReturnTo,
    },
};

#[derive(Template)]
#[template(path = "register.html")]
pub(super) struct RegisterPage<'a> {
    pub(super) layout: Layout,
    /// The address of the form.
    pub(super) action: &'static str,
    pub(super) heading: &'static str,
    /// What the form is for, if the heading does not say it.
    pub(super) introduction: &'static str,
    /// Names and values of the hidden fields. Empty ones are left out.
    pub(super) hidden: [(&'static str, &'a str); 2],
    pub(super) login_url: Option<String>,
    pub(super) password_hint: String,
    pub(super) username: &'a str,
    pub(super) email: &'a str,
    pub(super) errors: FormErrors,
}

/// The query of the page. Other parameters are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RegisterQuery {
    next: String,
    invite: String,
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
    invite: String,
}

fn page<'a>(visitor: &Visitor, form: &'a RegisterForm, errors: FormErrors) -> RegisterPage<'a> {
    let return_to = if form.invite.is_empty() {
        ReturnTo::query_of("/register", &form.next)
    } else {
        format!("/register?invite={}", form.invite)
    };
    let layout = visitor.guest_layout(return_to);
    RegisterPage {
        action: "/register",
        heading: layout.messages.create_an_account,
        introduction: "",
        hidden: [("next", &form.next), ("invite", &form.invite)],
        login_url: Some(ReturnTo::query_of("/login", &form.next)),
        password_hint: (layout.messages.password_hint)(visitor.state.accounts.min_password_length()),
        username: &form.username,
        email: &form.email,
        errors,
        layout,
    }
}

/// `GET /register`
pub(crate) async fn get(visitor: Visitor, query: Option<Query<RegisterQuery>>) -> Result<HttpResponse, Problem> {
    let RegisterQuery { next, invite } = query.map(Query::into_inner).unwrap_or_default();
    let form = RegisterForm { next, invite, ..RegisterForm::default() };
    match visitor.state.accounts.admit(&form.invite).await {
        Ok(_) => visitor.render(&page(&visitor, &form, FormErrors::default())),
        Err(error) => visitor.reject(error, |errors| page(&visitor, &form, errors)),
    }
}

/// `POST /register`
pub(crate) async fn post(visitor: Visitor, Form(form): Form<RegisterForm>) -> Result<HttpResponse, Problem> {
    let created = match visitor.state.accounts.admit(&form.invite).await {
        Ok(admission) => register(&visitor, &form, admission).await,
        Err(error) => Err(error),
    };
    match created {
        Ok(response) => response,
        Err(error) => visitor.reject(error, |errors| page(&visitor, &form, errors)),
    }
}

async fn register(
    visitor: &Visitor,
    form: &RegisterForm,
    admission: Admission,
) -> Result<Result<HttpResponse, Problem>, Error> {
    let names = (form.username.clone(), form.email.clone());
    let passwords = (form.password.clone(), form.password_confirm.clone());
    sign_up(visitor, names, passwords, admission, &form.next).await
}

/// Creates an account and signs its owner in.
pub(super) async fn sign_up(
    visitor: &Visitor,
    (username, email): (String, String),
    (password, password_confirm): (SecretString, SecretString),
    admission: Admission,
    next: &str,
) -> Result<Result<HttpResponse, Problem>, Error> {
    let registration = Register {
        username,
        email,
        password,
        password_confirm,
        language: language::chosen(visitor.request.headers(), visitor.state.cookies),
        admission,
        replaces: visitor.session.clone(),
    };
    let signed_in = visitor.state.accounts.register(registration, &visitor.client).await?;
    Ok(visitor.start_session(&signed_in, &visitor.known_devices(), next).and_then(|mut response| {
        visitor.set_flash(&mut response, Flash::Registered)?;
        Ok(response)
    }))
}
