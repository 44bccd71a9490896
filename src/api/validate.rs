//! `POST /api/validate`: whether an access token is still good, for applications that ask.

use actix_web::{HttpResponse, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    accounts::{AccountId, Username},
    identity::Role,
    sessions::SessionId,
    web::{
        bearer::{Caller, answer},
        error::Problem,
        form::present,
        json::Json,
    },
};

/// The request, for applications that do not send the token in `Authorization`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValidateRequest {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String)]
    token: Option<String>,
}

/// Whether a token is good; if so, what it says.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Validity {
    active: bool,
    #[serde(flatten)]
    #[schema(inline)]
    claims: TokenClaims,
}

/// What a good token says.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct TokenClaims {
    /// The id of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = "uuid")]
    sub: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, example = "zoe")]
    username: Option<Username>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, example = json!(["staff"]))]
    roles: Option<Vec<Role>>,
    /// The id of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    sid: Option<SessionId>,
    /// When the token was issued, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64)]
    iat: Option<i64>,
    /// When it expires, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64)]
    exp: Option<i64>,
}

/// Whether an access token is still good
///
/// For applications that ask. The token is in the body or in `Authorization: Bearer`.
#[utoipa::path(
    post, path = "/api/validate", operation_id = "validate", request_body = ValidateRequest,
    security((), ("access_token" = [])),
    responses((status = 200, body = Validity), (status = 401, description = "There is no token"))
)]
pub(crate) async fn post(caller: Caller, Json(request): Json<ValidateRequest>) -> Result<HttpResponse, Problem> {
    let token = caller.token_or(request.token.as_deref())?;
    let session = match caller.session(token).await {
        Ok(session) => session,
        Err(Problem::Token(_)) => return Ok(answer(StatusCode::OK, &Validity::default())),
        Err(problem) => return Err(problem),
    };
    let Some((issued_at, expires_at)) = caller.state.access_tokens.times(token.as_bytes()).await? else {
        return Ok(answer(StatusCode::OK, &Validity::default()));
    };
    let claims = TokenClaims {
        sub: Some(session.account.id),
        username: Some(session.account.username.clone()),
        roles: Some(session.account.roles.clone()),
        sid: Some(session.id),
        iat: Some(issued_at.as_seconds()),
        exp: Some(expires_at.as_seconds()),
    };
    Ok(answer(StatusCode::OK, &Validity { active: true, claims }))
}
