//! What sign-in, registration and refresh answer: a pair of tokens.

use actix_web::{HttpResponse, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::user::User;
use crate::{
    accounts::SignedIn,
    sessions::{RefreshToken, Session},
    web::{
        bearer::{Caller, answer},
        error::{Problem, TokenProblem},
    },
};

/// An access token and the refresh token that replaces it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Tokens {
    /// For `Authorization: Bearer`.
    pub(crate) access_token: String,
    /// Always `Bearer`.
    #[schema(value_type = String, example = "Bearer")]
    token_type: &'static str,
    /// Seconds until the access token expires.
    #[schema(example = 600)]
    expires_in: u64,
    /// Good once, for `POST /api/refresh`.
    pub(crate) refresh_token: String,
    /// Seconds until the refresh token expires if it is not used.
    #[schema(example = 604_800)]
    refresh_expires_in: u64,
    /// The account, after a sign-in or registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<User>,
}

impl Tokens {
    /// Issues the tokens of a session that was just created.
    pub(crate) async fn of_sign_in(caller: &Caller, signed_in: &SignedIn) -> Result<Self, Problem> {
        let sessions = &caller.state.sessions;
        // Another request may have ended it at once.
        let session = sessions.find(signed_in.session.id()).await?.ok_or(Problem::Token(TokenProblem::Revoked))?;
        let refresh_token = sessions.refresh_token(&session);
        let user = Some(User::of(&session));
        Ok(Self { user, ..Self::issue(caller, &session, refresh_token, true).await? })
    }

    /// Issues the tokens of a session whose refresh token was replaced.
    pub(crate) async fn of_refresh(
        caller: &Caller,
        session: &Session,
        refresh_token: RefreshToken,
    ) -> Result<Self, Problem> {
        Self::issue(caller, session, refresh_token, false).await
    }

    async fn issue(
        caller: &Caller,
        session: &Session,
        refresh_token: RefreshToken,
        fresh: bool,
    ) -> Result<Self, Problem> {
        let (tokens, now) = (&caller.state.access_tokens, caller.state.core.clock.now());
        Ok(Self {
            access_token: tokens.issue(session, fresh).await?,
            token_type: "Bearer",
            expires_in: tokens.lifetime().as_secs(),
            refresh_expires_in: refresh_token.expires_at.since(now).as_secs(),
            refresh_token: refresh_token.text,
            user: None,
        })
    }

    /// Answers with the tokens.
    pub(crate) fn answer(&self, status: StatusCode) -> HttpResponse {
        answer(status, self)
    }
}
