//! `/register`: creating an account. The set-up page shows the same form.

use actix_web::{HttpResponse, web::Query};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    accounts::{Admission, Register, SignedIn},
    sessions::SessionRequest,
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

impl RegisterForm {
    fn registration(&self, visitor: &Visitor, admission: Admission) -> Register {
        Register {
            username: self.username.clone(),
            email: self.email.clone(),
            password: self.password.clone(),
            password_confirm: self.password_confirm.clone(),
            language: language::chosen(visitor.request.headers(), visitor.state.cookies),
            admission,
            session: SessionRequest::browser(false, visitor.session.clone()),
        }
    }
}

/// `POST /register`
pub(crate) async fn post(visitor: Visitor, Form(form): Form<RegisterForm>) -> Result<HttpResponse, Problem> {
    let accounts = &visitor.state.accounts;
    let registered = match accounts.admit(&form.invite).await {
        Ok(admission) => accounts.register(form.registration(&visitor, admission), &visitor.client).await,
        Err(error) => Err(error),
    };
    match registered {
        Ok(signed_in) => welcome(&visitor, &signed_in, &form.next),
        Err(error) => visitor.reject(error, |errors| page(&visitor, &form, errors)),
    }
}

/// Redirects a person who has just registered.
pub(super) fn welcome(visitor: &Visitor, signed_in: &SignedIn, next: &str) -> Result<HttpResponse, Problem> {
    let mut response = visitor.start_session(signed_in, &visitor.known_devices(), next)?;
    visitor.set_flash(&mut response, Flash::Registered)?;
    Ok(response)
}
