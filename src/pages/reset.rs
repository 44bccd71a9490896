//! `/reset`: a new password, with a link that an operator made.

use actix_web::{HttpResponse, web::Query};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    accounts::{LinkToken, ResetPassword},
    web::{error::Problem, flash::Flash, form::Form, guard::Visitor, layout::Layout, render::FormErrors},
};

/// The path of the page.
pub(crate) const PATH: &str = "/reset";

#[derive(Template)]
#[template(path = "reset.html")]
struct ResetPage {
    layout: Layout,
    token: String,
    password_hint: String,
    errors: FormErrors,
}

/// The query of the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ResetQuery {
    token: String,
}

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ResetForm {
    token: String,
    password: SecretString,
    password_confirm: SecretString,
}

fn page(visitor: &Visitor, token: &LinkToken, errors: FormErrors) -> ResetPage {
    let token = token.expose();
    ResetPage {
        layout: visitor.layout_for(format!("{PATH}?token={token}")),
        token,
        password_hint: (visitor.messages().password_hint)(visitor.state.accounts.min_password_length()),
        errors,
    }
}

/// `GET /reset?token=…`. Does not use the link up: mail programs open links to preview them.
pub(crate) async fn get(visitor: Visitor, query: Option<Query<ResetQuery>>) -> Result<HttpResponse, Problem> {
    let token = query.map(|query| query.into_inner().token).unwrap_or_default();
    let token = LinkToken::parse(&token).ok_or(Problem::LinkInvalid)?;
    if !visitor.state.accounts.is_reset_link(&token).await? {
        return Err(Problem::LinkInvalid);
    }
    visitor.render(&page(&visitor, &token, FormErrors::default()))
}

/// `POST /reset`
pub(crate) async fn post(visitor: Visitor, Form(form): Form<ResetForm>) -> Result<HttpResponse, Problem> {
    let token = LinkToken::parse(&form.token).ok_or(Problem::LinkInvalid)?;
    let reset =
        ResetPassword { token: token.clone(), password: form.password, password_confirm: form.password_confirm };
    match visitor.state.accounts.reset_password(reset, &visitor.client).await {
        Ok(()) => visitor.redirect("/login", Flash::PasswordReset),
        Err(error) => visitor.reject(error, |errors| page(&visitor, &token, errors)),
    }
}
