//! `/account/delete`: deleting the account.

use std::sync::Arc;

use actix_web::HttpResponse;
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    accounts::DeleteAccount,
    pages::logout::redirect_to_login_clearing_data,
    web::{error::Problem, flash::Flash, form::Form, guard::CurrentUser, layout::Layout, render::FormErrors},
};

/// The path of the page.
pub(crate) const PATH: &str = "/account/delete";

#[derive(Template)]
#[template(path = "account/delete.html")]
struct DeletePage<'a> {
    layout: Layout,
    username: String,
    confirm: &'a str,
    errors: FormErrors,
}

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DeleteForm {
    confirm: String,
    current_password: SecretString,
}

fn page<'a>(user: &CurrentUser, confirm: &'a str, errors: FormErrors) -> DeletePage<'a> {
    let username = user.session.account.username.as_str().to_owned();
    DeletePage { layout: user.layout(), username, confirm, errors }
}

/// `GET /account/delete`
pub(crate) async fn get(user: CurrentUser) -> Result<HttpResponse, Problem> {
    user.render(&page(&user, "", FormErrors::default()))
}

/// `POST /account/delete`
pub(crate) async fn post(user: CurrentUser, Form(form): Form<DeleteForm>) -> Result<HttpResponse, Problem> {
    let deletion = DeleteAccount {
        confirm: form.confirm.clone(),
        current_password: form.current_password,
        devices: user.known_devices(),
    };
    match user.state.accounts.delete(deletion, Arc::clone(&user.session), &user.client).await {
        Ok(()) => {
            let mut response = redirect_to_login_clearing_data(&user, Flash::AccountDeleted)?;
            user.forget_account(&mut response, user.session.account.id)?;
            Ok(response)
        }
        Err(error) => user.reject(error, |errors| page(&user, &form.confirm, errors)),
    }
}
