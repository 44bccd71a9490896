//! `GET /api/user` and `GET /api/protected`: the account that a token is for.

use actix_web::{HttpResponse, http::StatusCode};
use serde::Serialize;

use crate::{
    accounts::{AccountId, Email, Username},
    clock::rfc3339,
    identity::Role,
    sessions::Session,
    web::bearer::{AuthenticatedCaller, answer},
};

/// An account, for its owner.
#[derive(Debug, Serialize)]
pub(crate) struct User {
    /// The same as `sub` in tokens.
    id: AccountId,
    username: Username,
    /// `null` if the account has none.
    email: Option<Email>,
    roles: Vec<Role>,
    /// RFC 3339, UTC.
    created_at: Option<String>,
    /// When user name, e-mail address or roles were last changed.
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
#[derive(Debug, Serialize)]
struct Greeting {
    message: String,
}

/// `GET /api/user`
pub(crate) async fn get(caller: AuthenticatedCaller) -> HttpResponse {
    answer(StatusCode::OK, &User::of(&caller.session))
}

/// `GET /api/protected`: whether a token is accepted.
pub(crate) async fn protected(caller: AuthenticatedCaller) -> HttpResponse {
    let message = format!("Hello, {}", caller.session.account.username.as_str());
    answer(StatusCode::OK, &Greeting { message })
}
