//! `GET /api/user` and `GET /api/protected`: the account that a token is for.

use actix_web::{HttpResponse, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    accounts::{AccountId, Email, Username},
    clock::rfc3339,
    identity::Role,
    sessions::Session,
    web::bearer::{AuthenticatedCaller, answer},
};

/// An account, for its owner.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct User {
    /// The same as `sub` in tokens.
    #[schema(value_type = String, format = "uuid")]
    id: AccountId,
    #[schema(value_type = String, example = "zoe")]
    username: Username,
    /// `null` if the account has none.
    #[schema(value_type = Option<String>, example = "zoe@example.org")]
    email: Option<Email>,
    #[schema(value_type = Vec<String>, example = json!(["staff"]))]
    roles: Vec<Role>,
    #[schema(format = "date-time", example = "2026-11-22T00:00:00Z")]
    created_at: Option<String>,
    /// When user name, e-mail address or roles were last changed.
    #[schema(format = "date-time", example = "2026-11-22T00:00:00Z")]
    updated_at: Option<String>,
}

impl User {
    /// Returns the owner of a session.
    pub(crate) fn of(session: &Session) -> Self {
        let account = session.account.clone();
        Self {
            id: account.id,
            username: account.username,
            email: account.email,
            roles: account.roles,
            created_at: rfc3339(account.created_at),
            updated_at: rfc3339(account.updated_at),
        }
    }
}

/// The answer of `/api/protected`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Greeting {
    #[schema(example = "Hello, zoe")]
    message: String,
}

/// The account that the token is for
#[utoipa::path(
    get, path = "/api/user", operation_id = "user", security(("access_token" = [])),
    responses((status = 200, body = User), (status = 401, description = "No token, or one that is not good"))
)]
pub(crate) async fn get(caller: AuthenticatedCaller) -> HttpResponse {
    let session = &caller.session;
    let json = || serde_json::to_string(&User::of(session)).expect("texts and lists of them are JSON");
    let json = session.account_json.get_or_init(json);
    HttpResponse::Ok().content_type("application/json").body(json.clone())
}

/// Whether the token is accepted
#[utoipa::path(
    get, path = "/api/protected", operation_id = "protected", security(("access_token" = [])),
    responses((status = 200, body = Greeting), (status = 401, description = "No token, or one that is not good"))
)]
pub(crate) async fn protected(caller: AuthenticatedCaller) -> HttpResponse {
    let message = format!("Hello, {}", caller.session.account.username.as_str());
    answer(StatusCode::OK, &Greeting { message })
}
