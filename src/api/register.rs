//! `POST /api/register`: a new account, and tokens for it.

use actix_web::{HttpResponse, http::StatusCode};
use secrecy::SecretString;
use serde::Deserialize;

use super::tokens::Tokens;
use crate::{
    accounts::{Error, Register, SignedIn},
    sessions::SessionRequest,
    web::{bearer::Caller, error::Problem, json::Json},
};

/// The request.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RegisterRequest {
    username: String,
    email: String,
    password: SecretString,
    /// The token of an invitation.
    invite: String,
}

async fn register(caller: &Caller, request: RegisterRequest) -> Result<SignedIn, Error> {
    let accounts = &caller.state.accounts;
    let registration = Register {
        admission: accounts.admit(&request.invite).await?,
        username: request.username,
        email: request.email,
        // A program does not mistype.
        password_confirm: request.password.clone(),
        password: request.password,
        language: None,
        session: SessionRequest::api(None),
    };
    accounts.register(registration, &caller.client).await
}

/// `POST /api/register`
pub(crate) async fn post(caller: Caller, Json(request): Json<RegisterRequest>) -> Result<HttpResponse, Problem> {
    match register(&caller, request).await {
        Ok(signed_in) => Ok(Tokens::of_sign_in(&caller, &signed_in).await?.answer(StatusCode::CREATED)),
        Err(error) => caller.reject(error, "login"),
    }
}
