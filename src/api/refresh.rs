//! `POST /api/refresh`: new tokens for a refresh token.

use actix_web::{HttpResponse, http::StatusCode};
use serde::Deserialize;

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
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RefreshRequest {
    #[serde(deserialize_with = "present")]
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

/// `POST /api/refresh`
pub(crate) async fn post(caller: Caller, Json(request): Json<RefreshRequest>) -> Result<HttpResponse, Problem> {
    let token = match (&request.refresh_token, caller.token()) {
        (Some(token), Err(_)) => token,
        (None, Ok(token)) => token,
        (None, Err(missing)) => return Err(missing),
        (Some(_), Ok(_)) => return Err(Problem::MalformedJson),
    };
    Ok(refresh(&caller, token).await?.answer(StatusCode::OK))
}
