//! What sign-in, registration and refresh answer: a pair of tokens.

use std::sync::Arc;

use actix_web::{HttpResponse, http::StatusCode};
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

use super::user::User;
use crate::{
    accounts::SignedIn,
    apps::{App, TokenFacts, UnreadableSecret},
    sessions::{RefreshToken, Session},
    tokens::AccessTokens,
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

impl From<UnreadableSecret> for Problem {
    fn from(error: UnreadableSecret) -> Self {
        error!(%error, "request failed");
        Self::Internal
    }
}

/// Returns the application of a session, if there is one. Fails if it is gone, or does not admit the account any more.
fn application(caller: &Caller, session: &Session) -> Result<Option<Arc<App>>, Problem> {
    let Some(id) = &session.application else { return Ok(None) };
    let app = caller.state.apps.get(id.as_str()).ok_or(Problem::NotAdmitted)?;
    if app.admits(&session.account.roles) { Ok(Some(app)) } else { Err(Problem::NotAdmitted) }
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
        let own_format = application(caller, session)?.and_then(|app| app.tokens.clone());
        let access_token = match own_format {
            None => tokens.issue(session, fresh).await?,
            Some(format) => {
                let account = &session.account;
                format.sign(&TokenFacts {
                    account: account.id,
                    legacy_id: account.legacy_id.as_deref(),
                    username: &account.username,
                    roles: &account.roles,
                    session: &String::from(session.id),
                    id: &AccessTokens::new_id(),
                    is_fresh: fresh,
                    now,
                    lifetime: tokens.lifetime(),
                })?
            }
        };
        Ok(Self {
            access_token,
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
