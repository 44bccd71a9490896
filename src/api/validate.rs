//! `POST /api/validate`: whether an access token is still good, for applications that ask.

use actix_web::{HttpResponse, http::StatusCode};
use serde::{Deserialize, Serialize};

use crate::{
    accounts::{AccountId, Username},
    identity::Role,
    sessions::{SessionId, TokenStatus},
    web::{
        bearer::{Caller, answer},
        error::Problem,
        form::present,
        json::Json,
    },
};

/// The request, for applications that do not send the token in `Authorization`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ValidateRequest {
    #[serde(deserialize_with = "present")]
    token: Option<String>,
}

/// The answer. Without `active`, there is nothing else.
#[derive(Debug, Default, Serialize)]
struct Validity {
    active: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    claims: Option<Claims>,
}

/// What an active token says.
#[derive(Debug, Serialize)]
struct Claims {
    sub: AccountId,
    username: Username,
    roles: Vec<Role>,
    sid: SessionId,
    iat: i64,
    exp: i64,
}

/// `POST /api/validate`
pub(crate) async fn post(caller: Caller, Json(request): Json<ValidateRequest>) -> Result<HttpResponse, Problem> {
    let token = match (&request.token, caller.token()) {
        (Some(token), Err(_)) => token,
        (None, Ok(token)) => token,
        (None, Err(missing)) => return Err(missing),
        (Some(_), Ok(_)) => return Err(Problem::MalformedJson),
    };
    let TokenStatus::Active(session) = caller.check(token).await? else {
        return Ok(answer(StatusCode::OK, &Validity::default()));
    };
    let Some((issued_at, expires_at)) = caller.state.access_tokens.times(token.as_bytes()).await? else {
        return Ok(answer(StatusCode::OK, &Validity::default()));
    };
    let claims = Claims {
        sub: session.account.id,
        username: session.account.username.clone(),
        roles: session.account.roles.clone(),
        sid: session.id,
        iat: issued_at.as_seconds(),
        exp: expires_at.as_seconds(),
    };
    Ok(answer(StatusCode::OK, &Validity { active: true, claims: Some(claims) }))
}
