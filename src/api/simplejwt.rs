//! `POST /api/token/` and `POST /api/token/refresh/`: the same as `/api/login` and `/api/refresh`, with the names of
//! djangorestframework-simplejwt.

use actix_web::{HttpResponse, http::StatusCode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{refresh::refresh, tokens::Tokens};
use crate::{
    accounts::SignIn,
    sessions::SessionRequest,
    web::{
        bearer::{Caller, answer},
        error::Problem,
        json::Json,
    },
};

/// The request of `/api/token/`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TokenRequest {
    username: String,
    password: SecretString,
}

/// The request of `/api/token/refresh/`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TokenRefreshRequest {
    refresh: String,
}

/// The answer of both.
#[derive(Debug, Serialize)]
struct TokenPair {
    access: String,
    refresh: String,
}

fn pair(tokens: Tokens) -> HttpResponse {
    answer(StatusCode::OK, &TokenPair { access: tokens.access_token, refresh: tokens.refresh_token })
}

/// `POST /api/token/`
pub(crate) async fn obtain(caller: Caller, Json(request): Json<TokenRequest>) -> Result<HttpResponse, Problem> {
    let sign_in = SignIn {
        login: request.username,
        password: request.password,
        devices: Vec::new(),
        session: SessionRequest::api(None),
    };
    match caller.state.accounts.authenticate(sign_in, &caller.client).await {
        Ok(signed_in) => Ok(pair(Tokens::of_sign_in(&caller, &signed_in).await?)),
        Err(error) => caller.reject(error, "username"),
    }
}

/// `POST /api/token/refresh/`
pub(crate) async fn refresh_pair(
    caller: Caller,
    Json(request): Json<TokenRefreshRequest>,
) -> Result<HttpResponse, Problem> {
    if request.refresh.is_empty() {
        return Err(Problem::Token(crate::web::error::TokenProblem::Missing));
    }
    Ok(pair(refresh(&caller, &request.refresh).await?))
}
