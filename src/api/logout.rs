//! `POST /api/logout`: ends the session of an access or refresh token, and so all its tokens.

use std::sync::Arc;

use actix_web::HttpResponse;
use serde::Deserialize;

use crate::{
    sessions::{REFRESH_TOKEN_PREFIX, Session},
    web::{
        bearer::Caller,
        error::{Problem, TokenProblem},
        json::Json,
    },
};

/// The request has no members.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogoutRequest {}

/// Returns the session of a token, or `None` if it has ended.
async fn session(caller: &Caller, token: &str) -> Result<Option<Arc<Session>>, Problem> {
    if token.starts_with(REFRESH_TOKEN_PREFIX) {
        let session = caller.state.sessions.of_refresh_token(token, &caller.client).await?;
        return Ok(session.map(Arc::new));
    }
    match caller.session(token).await {
        Err(Problem::Token(TokenProblem::Revoked)) => Ok(None),
        found => found.map(Some),
    }
}

/// End the session and all its tokens
///
/// Takes an access token or a refresh token. Signing out twice is no error.
#[utoipa::path(
    post, path = "/api/logout", operation_id = "logout",
    security(("access_token" = []), ("refresh_token" = [])),
    responses(
        (status = 204, description = "The session has ended"),
        (status = 401, description = "No token, or one that is not good"),
    )
)]
pub(crate) async fn post(caller: Caller, Json(_): Json<LogoutRequest>) -> Result<HttpResponse, Problem> {
    if let Some(session) = session(&caller, caller.token()?).await? {
        caller.state.sessions.sign_out(session, &caller.client).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}
