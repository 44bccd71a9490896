//! `/account`: user name and e-mail address.

use std::sync::Arc;

use actix_web::HttpResponse;
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    accounts::ChangeProfile,
    web::{error::Problem, flash::Flash, form::Form, guard::CurrentUser, layout::Layout, render::FormErrors},
};

/// The path of the page.
pub(crate) const PATH: &str = "/account";

#[derive(Template)]
#[template(path = "account/profile.html")]
struct ProfilePage<'a> {
    layout: Layout,
    form: &'a ProfileForm,
    ask_password: bool,
    errors: FormErrors,
}

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ProfileForm {
    username: String,
    email: String,
    current_password: SecretString,
}

fn page<'a>(user: &CurrentUser, form: &'a ProfileForm, errors: FormErrors) -> ProfilePage<'a> {
    let ask_password = !user.state.accounts.recently_authenticated(&user.session);
    ProfilePage { layout: user.layout(), form, ask_password, errors }
}

/// `GET /account`
pub(crate) async fn get(user: CurrentUser) -> Result<HttpResponse, Problem> {
    let account = &user.session.account;
    let form = ProfileForm {
        username: account.username.as_str().to_owned(),
        email: account.email.as_str().to_owned(),
        current_password: SecretString::default(),
    };
    user.render(&page(&user, &form, FormErrors::default()))
}

/// `POST /account`
pub(crate) async fn post(user: CurrentUser, Form(form): Form<ProfileForm>) -> Result<HttpResponse, Problem> {
    let change = ChangeProfile {
        username: form.username.clone(),
        email: form.email.clone(),
        current_password: form.current_password.clone(),
        devices: user.known_devices(),
    };
    match user.state.accounts.change_profile(change, Arc::clone(&user.session), &user.client).await {
        Ok(renewed) => {
            let mut response = user.redirect(PATH, Flash::ProfileChanged)?;
            if let Some(session) = renewed {
                user.set_session(&mut response, &session)?;
            }
            Ok(response)
        }
        Err(error) => user.reject(error, |errors| page(&user, &form, errors)),
    }
}
