//! `POST /api/token/` and `POST /api/token/refresh/`: the same as `/api/login` and `/api/refresh`, with the names of
//! djangorestframework-simplejwt.

use actix_web::{HttpResponse, http::StatusCode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{login::sign_in, refresh::refresh, tokens::Tokens};
use crate::web::{
    bearer::{Caller, answer},
    error::{Problem, TokenProblem},
    json::Json,
};

/// The request of `/api/token/`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRequest {
    /// A user name or an e-mail address.
    #[serde(default)]
    #[schema(example = "zoe", required = true)]
    username: String,
    #[serde(default)]
    #[schema(value_type = String, format = Password, required = true)]
    password: SecretString,
}

/// The request of `/api/token/refresh/`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenRefreshRequest {
    #[serde(default)]
    #[schema(required = true)]
    refresh: String,
}

/// The answer of both.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenPair {
    /// The access token.
    access: String,
    /// The refresh token.
    refresh: String,
}

fn pair(tokens: Tokens) -> HttpResponse {
    answer(StatusCode::OK, &TokenPair { access: tokens.access_token, refresh: tokens.refresh_token })
}

/// `POST /api/token/`
/// Tokens for a name and a password, as simplejwt has it
#[utoipa::path(
    post, path = "/api/token/", operation_id = "token", request_body = TokenRequest,
    responses(
        (status = 200, body = TokenPair),
        (status = 401, description = "Wrong name or password"),
        (status = 422, description = "Fields are missing or not valid"),
        (status = 429, description = "Too many attempts"),
    )
)]
pub(crate) async fn obtain(caller: Caller, Json(request): Json<TokenRequest>) -> Result<HttpResponse, Problem> {
    match sign_in(&caller, request.username, request.password, None).await {
        Ok(signed_in) => Ok(pair(Tokens::of_sign_in(&caller, &signed_in).await?)),
        Err(error) => caller.reject(error, "username"),
    }
}

/// `POST /api/token/refresh/`
/// New tokens for a refresh token, as simplejwt has it
#[utoipa::path(
    post, path = "/api/token/refresh/", operation_id = "token_refresh", request_body = TokenRefreshRequest,
    responses(
        (status = 200, body = TokenPair),
        (status = 401, description = "No token, or one that is not good"),
        (status = 403, description = "The application does not admit the account any more"),
    )
)]
pub(crate) async fn refresh_pair(
    caller: Caller,
    Json(request): Json<TokenRefreshRequest>,
) -> Result<HttpResponse, Problem> {
    if request.refresh.is_empty() {
        return Err(Problem::Token(TokenProblem::Missing));
    }
    Ok(pair(refresh(&caller, &request.refresh).await?))
}
