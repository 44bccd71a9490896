//! `/account`: user name, e-mail address and language.

use std::sync::Arc;

use actix_web::HttpResponse;
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    accounts::{ChangeProfile, Email},
    language::Language,
    web::{
        error::Problem,
        flash::Flash,
        form::{Form, present},
        guard::CurrentUser,
        layout::Layout,
        render::FormErrors,
    },
};

/// The path of the page.
pub(crate) const PATH: &str = "/account";

#[derive(Template)]
#[template(path = "account/profile.html")]
struct ProfilePage {
    layout: Layout,
    username: String,
    email: String,
    has_email: bool,
    ask_password: bool,
    errors: FormErrors,
}

/// The form. A field that is absent stays unchanged.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ProfileForm {
    #[serde(deserialize_with = "present")]
    username: Option<String>,
    #[serde(deserialize_with = "present")]
    email: Option<String>,
    #[serde(deserialize_with = "present")]
    language: Option<Language>,
    current_password: SecretString,
}

impl ProfileForm {
    fn username(&self, user: &CurrentUser) -> String {
        self.username.clone().unwrap_or_else(|| user.session.account.username.as_str().to_owned())
    }

    fn email(&self, user: &CurrentUser) -> String {
        let own = user.session.account.email.as_ref();
        self.email.clone().unwrap_or_else(|| own.map_or("", Email::as_str).to_owned())
    }
}

fn page(user: &CurrentUser, form: &ProfileForm, errors: FormErrors) -> ProfilePage {
    ProfilePage {
        layout: user.layout(),
        username: form.username(user),
        email: form.email(user),
        has_email: user.session.account.email.is_some(),
        ask_password: !user.state.accounts.recently_authenticated(&user.session),
        errors,
    }
}

/// `GET /account`
pub(crate) async fn get(user: CurrentUser) -> Result<HttpResponse, Problem> {
    user.render(&page(&user, &ProfileForm::default(), FormErrors::default()))
}

/// `POST /account`
pub(crate) async fn post(user: CurrentUser, Form(form): Form<ProfileForm>) -> Result<HttpResponse, Problem> {
    let change = ChangeProfile {
        username: form.username(&user),
        email: form.email(&user),
        language: form.language,
        current_password: form.current_password.clone(),
        devices: user.known_devices(),
    };
    match user.state.accounts.change_profile(change, Arc::clone(&user.session), &user.client).await {
        Ok(renewed) => {
            let mut response = user.redirect(PATH, Flash::ProfileChanged)?;
            if let Some(session) = renewed {
                user.set_session(&mut response, &session)?;
            }
            if let Some(language) = form.language {
                // The cookie takes precedence over the account.
                user.set_language(&mut response, language)?;
            }
            Ok(response)
        }
        Err(error) => user.reject(error, |errors| page(&user, &form, errors)),
    }
}
