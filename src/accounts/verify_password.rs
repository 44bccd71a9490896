//! The one place where a password is verified. Every use case that asks for a password calls it, so that no path is
//! without limits (Vaultwarden's CVE-2026-43914 was one).

use std::sync::Arc;

use secrecy::SecretString;

use super::{
    AccountId, Accounts, Device, Error, FieldError, LoginName, Rejection,
    store::{self, Credential},
    validation::parse_current_password,
};
use crate::{
    client::Client,
    db::{AnyConnection, QueryResult},
    events::EventKind,
    passwords::{Password, Priority, Verification},
    sessions::{ActingSession, PreviousSignIn, Session},
    throttle::{Attempt, Budgets, Subject, Throttle, Throttled},
    transaction::Transaction,
};

/// Whose password is verified.
pub(super) enum Target {
    /// The account with this user name or e-mail address. If there is none, the hashes name the failure counters.
    Login(LoginName, Vec<[u8; 32]>),
    /// The owner of a session, to confirm a change.
    Account(AccountId),
}

impl Target {
    fn is_sign_in(&self) -> bool {
        matches!(self, Self::Login(..))
    }

    /// Returns a name for whom the attempt is for, whether there is such an account or not.
    fn name(&self) -> Vec<u8> {
        match self {
            Self::Login(login, _) => login.canonical().into_bytes(),
            Self::Account(id) => id.as_bytes().to_vec(),
        }
    }

    fn find(&self, conn: &mut AnyConnection) -> QueryResult<(Option<Credential>, Subject)> {
        match self {
            Self::Login(login, hashes) => {
                let credential = store::find(conn, login)?;
                // Also for a known name, so that the response time does not disclose which names exist.
                let unknown = Throttle::unknown(conn, hashes)?;
                let subject = credential.as_ref().map_or(unknown, |credential| Subject::Account(credential.id));
                Ok((credential, subject))
            }
            Self::Account(id) => Ok((store::find_by_id(conn, *id)?, Subject::Account(*id))),
        }
    }
}

impl Credential {
    /// Whether `device` has signed in to this account since the password was last changed.
    fn knows(&self, device: &Device) -> bool {
        device.account == self.id && device.signed_in_at >= self.devices_trusted_since
    }
}

/// What is known before a password is verified.
struct Checked {
    credential: Option<Credential>,
    budgets: Budgets,
    throttled: Option<Throttled>,
    /// Why even the right password is refused. Not disclosed to a client that has a wrong one.
    success_throttled: Option<Throttled>,
}

/// A password that was right. Counts as a failure until [`VerifiedPassword::commit`].
pub(super) struct VerifiedPassword {
    credential: Credential,
    budgets: Budgets,
    upgraded_hash: Option<String>,
}

impl VerifiedPassword {
    /// Returns the account.
    pub(super) fn account(&self) -> AccountId {
        self.credential.id
    }

    /// Resets the failure counters, counts the success and stores an upgraded hash, in the transaction that makes use
    /// of the password. Returns the previous sign-in, with the failures since, or [`Rejection::Conflict`] if the
    /// password changed since it was verified. If the transaction rolls back, the attempt stays counted.
    pub(super) fn commit(&self, tx: &mut Transaction<'_>) -> Result<PreviousSignIn, Error> {
        let mut previous = store::lock(tx, &self.credential)?.ok_or(Rejection::Conflict)?;
        if let Some(hash) = &self.upgraded_hash {
            store::replace_hash(tx, self.credential.id, hash)?;
        }
        let failures = self.budgets.record_success(tx.conn, tx.now)??;
        let stored = previous.failures;
        previous.failures = stored.saturating_add(failures.count).max(0);
        if failures.are_reset && previous.failures != stored {
            store::set_failures(tx, self.credential.id, previous.failures)?;
        }
        Ok(previous)
    }
}

impl Accounts {
    /// Verifies `password` against that of `target`. An account that does not exist is looked up, counted, delayed and
    /// hashed for like one that does (ASVS 6.3.8). A wrong password is [`Rejection::WrongCredentials`].
    pub(super) async fn verify_password(
        &self,
        target: Target,
        password: Password,
        devices: Vec<Device>,
        client: &Client,
    ) -> Result<VerifiedPassword, Error> {
        let (is_sign_in, name) = (target.is_sign_in(), target.name());
        let (failed_kind, throttled_kind) = if is_sign_in {
            (EventKind::SignInFailed, EventKind::SignInThrottled)
        } else {
            (EventKind::ReauthenticationFailed, EventKind::ReauthenticationThrottled)
        };
        let (throttle, network, now) = (self.throttle.clone(), client.network(), self.core.clock.now());

        // Checking costs no write, so an attempt that is refused here does not wait for the one writer.
        let Checked { credential, budgets, throttled, success_throttled } = self
            .core
            .database
            .read(move |conn| {
                let (credential, subject) = target.find(conn)?;
                let known = devices.iter().find(|device| credential.as_ref().is_some_and(|found| found.knows(device)));
                let budgets_of = |device| throttle.budgets(&Attempt { subject, network, device, is_sign_in });
                let mut budgets = budgets_of(known.map(|device| device.id));
                let mut throttled = budgets.check(conn, now)?;
                if throttled == Some(Throttled::LockedOut) && budgets.with_device() {
                    // A locked-out device falls back to the account's budget, which an administrator can unlock.
                    budgets = budgets_of(None);
                    throttled = budgets.check(conn, now)?;
                }
                let success_throttled = budgets.check_success(conn, now)?;
                Ok(Checked { credential, budgets, throttled, success_throttled })
            })
            .await?;
        let account = credential.as_ref().map(|credential| credential.id);
        let counted = if let Some(throttled) = throttled {
            Err(throttled)
        } else {
            let priority =
                account.filter(|_| budgets.with_device()).map_or(Priority::UnknownDevice, Priority::KnownDevice);
            // Before the attempt is counted, because one that finds the queue full is no failure.
            let permit = self.hasher.try_reserve(client.network(), priority).ok_or(Rejection::Overloaded)?;
            let budgets = budgets.clone();
            let counted = self.core.database.write(move |conn| budgets.record_failure(conn, now)).await?;
            counted.map(|()| permit)
        };
        let permit = match counted {
            Ok(permit) => permit,
            Err(throttled) => {
                self.core.events.count(throttled_kind, account, client);
                return Err(throttled.into());
            }
        };

        let expected = self.expected(credential.as_ref(), &name).await?;
        let verification = permit.verify(password, expected).await?;
        // A disabled account is answered like a wrong password, after the same work.
        let credential = credential.filter(Credential::is_enabled);
        if let (Verification::Match { upgrade }, Some(credential)) = (verification, credential) {
            if let Some(throttled) = success_throttled {
                self.core.database.write(move |conn| budgets.reset(conn, now)).await?;
                self.core.events.count(EventKind::PasswordUseThrottled, account, client);
                return Err(throttled.into());
            }
            return Ok(VerifiedPassword { credential, budgets, upgraded_hash: upgrade });
        }
        // Not for a sign-in: a write only for existing accounts would disclose them by the response time.
        if let (Some(account), false) = (account, is_sign_in) {
            self.core.database.write(move |conn| store::exclude_failure(conn, account)).await?;
        }
        // In memory, for the same reason: the index entry of an event costs more with an account than without one.
        self.core.events.count(failed_kind, account, client);
        Err(Rejection::WrongCredentials.into())
    }

    /// Verifies the password of the owner of `session` if they did not give it recently (ASVS 7.5.1). `current` is the
    /// field of the form.
    pub(super) async fn confirm(
        &self,
        session: &Session,
        current: &SecretString,
        devices: Vec<Device>,
        client: &Client,
    ) -> Result<Option<VerifiedPassword>, Error> {
        if self.recently_authenticated(session) {
            return Ok(None);
        }
        let current = parse_current_password(current).map_err(|error| Rejection::Invalid(vec![error]))?;
        self.reauthenticate(session.account.id, current, devices, client).await.map(Some)
    }

    /// Runs a change that the owner of `session` asked for in one transaction, and counts the success of the password
    /// that confirmed it, if one did. If the change is refused, its transaction rolls back and with it the success, so
    /// the success is committed alone: the password was right, and must not count as a failure.
    pub(super) async fn run_confirmed<T: Send + 'static>(
        &self,
        verified: Option<VerifiedPassword>,
        session: &Arc<Session>,
        client: &Client,
        mut change: impl FnMut(&mut Transaction<'_>, &ActingSession<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let Some(verified) = verified.map(Arc::new) else {
            return self.sessions.run_as(session, client, change).await;
        };
        let confirmed = Arc::clone(&verified);
        let outcome = self
            .sessions
            .run_as(session, client, move |tx, acting| {
                confirmed.commit(tx)?;
                change(tx, acting)
            })
            .await;
        if let Err(Error::Rejected(_)) = outcome {
            self.sessions.run_as(session, client, move |tx, _| verified.commit(tx)).await?;
        }
        outcome
    }

    /// Verifies the password that the owner of a session gave to confirm a change. A wrong one is an error of its
    /// field.
    pub(super) async fn reauthenticate(
        &self,
        account: AccountId,
        password: Password,
        devices: Vec<Device>,
        client: &Client,
    ) -> Result<VerifiedPassword, Error> {
        self.verify_password(Target::Account(account), password, devices, client).await.map_err(|error| match error {
            Error::Rejected(Rejection::WrongCredentials) => {
                Rejection::Invalid(vec![FieldError::CurrentPasswordMismatch]).into()
            }
            error => error,
        })
    }
}
