//! Signing in.

use std::sync::Arc;

use super::{Accounts, Device, Error, SignedIn, gate::Passage, store};
use crate::{
    client::Client,
    events::{self, Kind},
    passwords::Password,
    sessions::{Session, Sessions},
    throttle::Refusal,
};

/// Somebody wants to sign in.
#[derive(Debug)]
pub struct SignIn {
    /// User name or e-mail address, as typed.
    pub login: String,
    /// The password.
    pub password: Password,
    /// “Keep me signed in”.
    pub remember: bool,
    /// The browser, if it has signed in before.
    pub device: Option<Device>,
    /// The session that the browser has now; it ends when the new one begins (ASVS 7.2.4).
    pub replaces: Option<Arc<Session>>,
}

/// What came of it.
#[derive(Debug)]
pub enum SignInOutcome {
    /// Signed in.
    Welcome(SignedIn),
    /// No such account, or another password; nobody is told which.
    Wrong,
    /// Too many attempts.
    Throttled(Refusal),
    /// Too much to do right now.
    Busy,
}

impl Accounts {
    /// Signs somebody in, under a new session.
    pub async fn authenticate(&self, sign_in: SignIn, client: &Client) -> Result<SignInOutcome, Error> {
        let passed = match self.compare(&sign_in.login, sign_in.password, sign_in.device, client).await? {
            Passage::Passed(passed) => passed,
            Passage::Wrong => return Ok(SignInOutcome::Wrong),
            Passage::Throttled(refusal) => return Ok(SignInOutcome::Throttled(refusal)),
            Passage::Busy => return Ok(SignInOutcome::Busy),
        };
        let account = passed.credential.id;
        let replaced = sign_in.replaces.as_ref().map(|session| session.owner.id);
        let (sessions, client, now) = (Arc::clone(&self.sessions), client.clone(), self.clock.now());
        let opened = self
            .database
            .write(move |conn| {
                if !passed.settle(conn, now)? {
                    return Ok(None);
                }
                if let Some(old) = &sign_in.replaces {
                    Sessions::close(conn, old, &client, now)?;
                }
                let previous = store::note_sign_in(conn, account, now)?;
                events::record(conn, Kind::SignedIn, Some(account), &client, now)?;
                sessions.open(conn, account, sign_in.remember, previous, &client).map(Some)
            })
            .await?;
        if let Some(replaced) = replaced {
            self.sessions.forget(replaced);
        }
        // The password was changed while it was being compared: not wrong, but no longer good. Trying again will tell.
        Ok(opened.map_or(SignInOutcome::Busy, |session| SignInOutcome::Welcome(SignedIn { account, session })))
    }
}
