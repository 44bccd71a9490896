//! Signing in.

use std::sync::Arc;

use super::{
    Accounts, Device, Error, SignedIn, store,
    verify_password::{Passage, Whom},
};
use crate::{
    client::Client,
    db::AnyConnection,
    events::{self, Kind},
    passwords::Password,
    sessions::Session,
    throttle::Throttled,
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
    /// The accounts that the browser has signed in to before.
    pub devices: Vec<Device>,
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
    Throttled(Throttled),
    /// Too much to do right now.
    Busy,
}

impl Accounts {
    /// Signs somebody in, under a new session.
    pub async fn authenticate(&self, sign_in: SignIn, client: &Client) -> Result<SignInOutcome, Error> {
        let passed = match self.compare(Whom::Login(&sign_in.login), sign_in.password, sign_in.devices, client).await? {
            Passage::Passed(passed) => passed,
            Passage::Wrong => return Ok(SignInOutcome::Wrong),
            Passage::Throttled(refusal) => return Ok(SignInOutcome::Throttled(refusal)),
            Passage::Busy => return Ok(SignInOutcome::Busy),
        };
        let account = passed.credential.id;
        let (sessions, owner, now) = (Arc::clone(&self.sessions), client.clone(), self.clock.now());
        let replaces = sign_in.replaces;
        let forget = self.sessions.forgetting(replaces.as_ref().map(|session| session.owner.id));
        let open = move |conn: &mut AnyConnection| {
            let Some(previously) = passed.settle(conn, now)? else {
                return Ok(None);
            };
            store::note_sign_in(conn, account, &owner, now)?;
            events::record(conn, Kind::SignedIn, Some(account), &owner, now)?;
            sessions.open(conn, account, sign_in.remember, &previously, replaces.as_deref(), &owner).map(Some)
        };
        let Some(session) = self.database.write_then(open, forget).await? else {
            // The password was changed while it was being compared: not wrong, but no longer good. Trying again will tell.
            return Ok(SignInOutcome::Busy);
        };
        Ok(SignInOutcome::Welcome(SignedIn::new(Kind::SignedIn, account, session, client)))
    }
}
