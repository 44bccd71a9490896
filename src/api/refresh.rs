//! `POST /api/refresh`: new tokens for a refresh token.

use actix_web::{HttpResponse, http::StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::tokens::Tokens;
use crate::{
    sessions::{RefreshError, Refreshed},
    web::{
        bearer::Caller,
        error::{Problem, TokenProblem},
        form::present,
        json::Json,
    },
};

/// The request, for clients that do not send the token in `Authorization`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefreshRequest {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String)]
    refresh_token: Option<String>,
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Invalid => Self::Token(TokenProblem::Invalid),
            RefreshError::Expired => Self::Token(TokenProblem::Expired),
            RefreshError::Ended => Self::Token(TokenProblem::Revoked),
            RefreshError::Database(error) => error.into(),
        }
    }
}

/// Replaces a refresh token.
pub(super) async fn refresh(caller: &Caller, token: &str) -> Result<Tokens, Problem> {
    let Refreshed { session, refresh_token } = caller.state.sessions.refresh(token, &caller.client).await?;
    Tokens::of_refresh(caller, &session, refresh_token).await
}

/// New tokens for a refresh token
///
/// The refresh token is in the body or in `Authorization: Bearer`. It is good once: if it is used again later, the
/// session ends.
#[utoipa::path(
    post, path = "/api/refresh", operation_id = "refresh", request_body = RefreshRequest,
    security((), ("refresh_token" = [])),
    responses(
        (status = 200, body = Tokens),
        (status = 401, description = "No token, or one that is not good"),
        (status = 403, description = "The application does not admit the account any more"),
    )
)]
pub(crate) async fn post(caller: Caller, Json(request): Json<RefreshRequest>) -> Result<HttpResponse, Problem> {
    let token = caller.token_or(request.refresh_token.as_deref())?;
    Ok(refresh(&caller, token).await?.answer(StatusCode::OK))
}
