//! `/account/password`: changing the password.

use std::sync::Arc;

use actix_web::HttpResponse;
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use super::profile;
use crate::{
    accounts::ChangePassword,
    web::{
        error::Problem, flash::Flash, form::Form, guard::CurrentUser, layout::Layout, render::FormErrors,
        return_to::see_other,
    },
};

/// The path of the page.
pub(crate) const PATH: &str = "/account/password";

#[derive(Template)]
#[template(path = "account/password.html")]
struct PasswordPage {
    layout: Layout,
    username: String,
    password_hint: String,
    errors: FormErrors,
}

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PasswordForm {
    // Password managers need the user name; this page does not.
    #[serde(rename = "username")]
    _username: String,
    current_password: SecretString,
    password: SecretString,
    password_confirm: SecretString,
}

fn page(user: &CurrentUser, errors: FormErrors) -> PasswordPage {
    PasswordPage {
        layout: user.layout(),
        username: user.session.account.username.as_str().to_owned(),
        password_hint: (user.messages().password_hint)(user.state.accounts.min_password_length()),
        errors,
    }
}

/// `GET /account/password`
pub(crate) async fn get(user: CurrentUser) -> Result<HttpResponse, Problem> {
    user.render(&page(&user, FormErrors::default()))
}

/// `POST /account/password`
pub(crate) async fn post(user: CurrentUser, Form(form): Form<PasswordForm>) -> Result<HttpResponse, Problem> {
    let change = ChangePassword {
        current_password: form.current_password,
        password: form.password,
        password_confirm: form.password_confirm,
        devices: user.known_devices(),
    };
    match user.state.accounts.change_password(change, Arc::clone(&user.session), &user.client).await {
        Ok(forgotten) => {
            let mut response = user.redirect(profile::PATH, Flash::PasswordChanged)?;
            user.keep_device(&mut response, &forgotten)?;
            Ok(response)
        }
        Err(error) => user.reject(error, |errors| page(&user, errors)),
    }
}

/// `GET /.well-known/change-password`, where password managers look (W3C, A Well-Known URL for Changing Passwords).
pub(crate) async fn well_known() -> HttpResponse {
    see_other(PATH)
}
