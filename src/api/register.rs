//! `POST /api/register`: a new account, and tokens for it.

use actix_web::{HttpResponse, http::StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::tokens::Tokens;
use crate::{
    accounts::{Error, Register, SignedIn},
    sessions::SessionRequest,
    web::{bearer::Caller, error::Problem, json::Json},
};

/// The request.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterRequest {
    #[serde(default)]
    #[schema(example = "zoe", required = true)]
    username: String,
    #[serde(default)]
    #[schema(example = "zoe@example.org", required = true)]
    email: String,
    #[serde(default)]
    #[schema(value_type = String, format = Password, required = true)]
    password: SecretString,
    /// The token of an invitation.
    #[serde(default)]
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

/// A new account, and tokens for it
///
/// Also at `POST /api/registration`.
#[utoipa::path(
    post, path = "/api/register", operation_id = "register", request_body = RegisterRequest,
    responses(
        (status = 201, body = Tokens),
        (status = 403, description = "Registration is closed, or needs an invitation"),
        (status = 422, description = "Fields are missing, not valid or taken"),
        (status = 429, description = "Too many registrations from this network"),
    )
)]
pub(crate) async fn post(caller: Caller, Json(request): Json<RegisterRequest>) -> Result<HttpResponse, Problem> {
    match register(&caller, request).await {
        Ok(signed_in) => Ok(Tokens::of_sign_in(&caller, &signed_in).await?.answer(StatusCode::CREATED)),
        Err(error) => caller.reject(error, "login"),
    }
}
