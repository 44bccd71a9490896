//! `/setup`: the first administrator, with the link that `gatehouse serve` prints while there is none.

use actix_web::{HttpResponse, web::Query};
use secrecy::SecretString;
use serde::Deserialize;

use super::register::{RegisterPage, welcome};
use crate::{
    accounts::{Admission, LinkToken, Register},
    sessions::SessionRequest,
    web::{error::Problem, form::Form, guard::Visitor, language, render::FormErrors},
};

/// The path of the page.
pub(crate) const PATH: &str = "/setup";

/// The query of the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SetupQuery {
    token: String,
}

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SetupForm {
    token: String,
    username: String,
    email: String,
    password: SecretString,
    password_confirm: SecretString,
}

fn page<'a>(visitor: &Visitor, form: &'a SetupForm, errors: FormErrors) -> RegisterPage<'a> {
    let layout = visitor.layout_for(format!("{PATH}?token={}", form.token));
    RegisterPage {
        action: PATH,
        heading: layout.messages.create_administrator,
        introduction: layout.messages.create_administrator_text,
        hidden: [("token", &form.token), ("", "")],
        login_url: None,
        password_hint: (layout.messages.password_hint)(visitor.state.accounts.min_password_length()),
        username: &form.username,
        email: &form.email,
        errors,
        layout,
    }
}

/// Fails unless this is the link of this process, and there is no administrator yet.
async fn check(visitor: &Visitor, token: &str) -> Result<(), Problem> {
    let is_known = LinkToken::parse(token).is_some_and(|token| token.is_same(&visitor.state.setup_token));
    if !is_known || visitor.state.accounts.has_administrator().await? {
        return Err(Problem::LinkInvalid);
    }
    Ok(())
}

/// `GET /setup?token=…`
pub(crate) async fn get(visitor: Visitor, query: Option<Query<SetupQuery>>) -> Result<HttpResponse, Problem> {
    let SetupQuery { token } = query.map(Query::into_inner).unwrap_or_default();
    check(&visitor, &token).await?;
    visitor.render(&page(&visitor, &SetupForm { token, ..SetupForm::default() }, FormErrors::default()))
}

/// `POST /setup`
pub(crate) async fn post(visitor: Visitor, Form(form): Form<SetupForm>) -> Result<HttpResponse, Problem> {
    check(&visitor, &form.token).await?;
    let registration = Register {
        username: form.username.clone(),
        email: form.email.clone(),
        password: form.password.clone(),
        password_confirm: form.password_confirm.clone(),
        language: language::chosen(visitor.request.headers(), visitor.state.cookies),
        admission: Admission::FirstAdministrator,
        session: SessionRequest::browser(false, visitor.session.clone()),
    };
    match visitor.state.accounts.register(registration, &visitor.client).await {
        Ok(signed_in) => welcome(&visitor, &signed_in, ""),
        Err(error) => visitor.reject(error, |errors| page(&visitor, &form, errors)),
    }
}
