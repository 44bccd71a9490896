//! `POST /api/login`: tokens for a user name or e-mail address and a password.

use actix_web::{HttpResponse, http::StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::tokens::Tokens;
use crate::{
    accounts::{Error, FieldError, Rejection, SignIn, SignedIn},
    sessions::SessionRequest,
    web::{bearer::Caller, error::Problem, form::present, json::Json},
};

/// The request. The name has one of four names, as in the systems whose clients come here; each may hold a user name or
/// an e-mail address.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginRequest {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, example = "zoe")]
    login: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String)]
    username: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String)]
    email: Option<String>,
    #[serde(default, rename = "usernameOrEmail", deserialize_with = "present")]
    #[schema(value_type = String)]
    username_or_email: Option<String>,
    #[serde(default)]
    #[schema(value_type = String, format = Password, required = true)]
    password: SecretString,
    #[serde(default, deserialize_with = "present")]
    /// The application whose tokens are asked for.
    #[schema(value_type = String)]
    app: Option<String>,
}

impl LoginRequest {
    /// Returns the name and what the request calls it.
    fn login(&self) -> Result<(&'static str, &str), Problem> {
        let names = [
            ("login", &self.login),
            ("username", &self.username),
            ("email", &self.email),
            ("usernameOrEmail", &self.username_or_email),
        ];
        let mut sent = names.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        match (sent.next(), sent.next()) {
            (None, _) => Ok(("login", "")),
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(Problem::MalformedJson),
        }
    }
}

/// Signs a program in, for the tokens of an application if one is given.
pub(super) async fn sign_in(
    caller: &Caller,
    login: String,
    password: SecretString,
    app: Option<&str>,
) -> Result<SignedIn, Error> {
    let app = match app {
        None => None,
        Some(id) => {
            let app = caller.state.apps.get(id);
            Some(app.ok_or(Rejection::Invalid(vec![FieldError::ApplicationUnknown]))?)
        }
    };
    let sign_in = SignIn {
        login,
        password,
        devices: Vec::new(),
        roles: app.as_ref().map(|app| app.roles.clone()).unwrap_or_default(),
        session: SessionRequest::api(app.map(|app| app.id.clone())),
    };
    caller.state.accounts.authenticate(sign_in, &caller.client).await
}

/// Tokens for a user name or e-mail address and a password
///
/// The name is a user name or an e-mail address, in one of `login`, `username`, `email` and `usernameOrEmail`.
#[utoipa::path(
    post, path = "/api/login", operation_id = "login", request_body = LoginRequest,
    responses(
        (status = 200, body = Tokens),
        (status = 401, description = "Wrong name or password"),
        (status = 403, description = "The account lacks the role that the application asks for"),
        (status = 422, description = "Fields are missing or not valid"),
        (status = 429, description = "Too many attempts"),
    )
)]
pub(crate) async fn post(caller: Caller, Json(request): Json<LoginRequest>) -> Result<HttpResponse, Problem> {
    let (name, login) = request.login()?;
    match sign_in(&caller, login.to_owned(), request.password.clone(), request.app.as_deref()).await {
        Ok(signed_in) => Ok(Tokens::of_sign_in(&caller, &signed_in).await?.answer(StatusCode::OK)),
        Err(error) => caller.reject(error, name),
    }
}
