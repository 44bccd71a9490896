//! The one place where a password is verified. Every use case that asks for a password calls it, so that no path is
//! without limits (Vaultwarden's CVE-2026-43914 was one).

use super::{
    AccountId, Accounts, Device, Error, FieldError, LoginName, Rejection,
    store::{self, Credential},
};
use crate::{
    client::Client,
    db::QueryResult,
    events::EventKind,
    passwords::{Password, Verification},
    sessions::PreviousSignIn,
    throttle::{Attempt, Budgets, Subject, Throttled},
    transaction::Transaction,
};

/// Whose password is verified.
pub(super) enum Target<'a> {
    /// The account with this user name or e-mail address.
    Login(&'a str),
    /// The owner of a session, to confirm a change.
    Account(AccountId),
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

    /// Resets the failure counters and stores an upgraded hash, in the transaction that makes use of the password.
    /// Returns the previous sign-in, or [`Rejection::Conflict`] if the password changed since it was verified. If the
    /// transaction rolls back, the attempt stays counted.
    pub(super) fn commit(&self, tx: &mut Transaction<'_>) -> Result<PreviousSignIn, Error> {
        let previous = store::lock(tx.conn, &self.credential)?.ok_or(Rejection::Conflict)?;
        if let Some(hash) = &self.upgraded_hash {
            store::replace_hash(tx, self.credential.id, hash)?;
        }
        self.budgets.reset(tx.conn, tx.now)?;
        Ok(previous)
    }
}

impl Accounts {
    /// Verifies `password` against that of `target`. An account that does not exist is looked up, counted, delayed and
    /// hashed for like one that does (ASVS 6.3.8). A wrong password is [`Rejection::WrongCredentials`].
    pub(super) async fn verify_password(
        &self,
        target: Target<'_>,
        password: Password,
        devices: Vec<Device>,
        client: &Client,
    ) -> Result<VerifiedPassword, Error> {
        let permit = self.hasher.try_reserve(client.network()).ok_or(Rejection::Overloaded)?;
        let (login, unknown, failed_kind, throttled_kind) = match target {
            Target::Login(login) => {
                let login = LoginName::parse(login);
                let unknown = Subject::Unknown(self.name_hash(&login.canonical()));
                (Some(login), unknown, EventKind::SignInFailed, EventKind::SignInThrottled)
            }
            Target::Account(id) => {
                let subject = Subject::Account(id);
                (None, subject, EventKind::ReauthenticationFailed, EventKind::ReauthenticationThrottled)
            }
        };
        let (throttle, network, now) = (self.throttle, client.network(), self.core.clock.now());
        let budgets_of = move |credential: Option<&Credential>, with_device: bool| {
            throttle.budgets(&Attempt {
                subject: credential.map_or(unknown, |credential| Subject::Account(credential.id)),
                network,
                device: devices
                    .iter()
                    .find(|device| with_device && credential.is_some_and(|found| found.id == device.account))
                    .map(|device| device.id),
            })
        };

        // Checking costs no write, so an attempt that is refused here does not wait for the one writer.
        let (credential, budgets, throttled) = self
            .core
            .database
            .read(move |conn| {
                let credential = match (&login, unknown) {
                    (Some(login), _) => store::find(conn, login)?,
                    (None, Subject::Account(id)) => store::find_by_id(conn, id)?,
                    (None, Subject::Unknown(_)) => None,
                };
                let mut budgets = budgets_of(credential.as_ref(), true);
                let mut throttled = budgets.check(conn, now)?;
                if throttled == Some(Throttled::LockedOut) && budgets.with_device() {
                    // A locked-out device falls back to the account's budget, which an administrator can unlock.
                    budgets = budgets_of(credential.as_ref(), false);
                    throttled = budgets.check(conn, now)?;
                }
                Ok((credential, budgets, throttled))
            })
            .await?;
        let counted = if let Some(throttled) = throttled {
            Err(throttled)
        } else {
            let budgets = budgets.clone();
            self.core.database.write(move |conn| budgets.record_failure(conn, now)).await?
        };
        let account = credential.as_ref().map(|credential| credential.id);
        if let Err(throttled) = counted {
            self.core.events.count(throttled_kind, account, client);
            return Err(throttled.into());
        }

        let stored = credential.as_ref().map(|credential| credential.password_hash.clone());
        let verification = permit.verify(password, stored).await?;
        if let (Verification::Match { upgrade }, Some(credential)) = (verification, credential) {
            return Ok(VerifiedPassword { credential, budgets, upgraded_hash: upgrade });
        }
        let record = move |tx: &mut Transaction<'_>| -> QueryResult<()> {
            // Also for an unknown account: a missing statement would show in the time of the answer.
            if failed_kind == EventKind::SignInFailed {
                store::count_failed_sign_in(tx.conn, account.unwrap_or(AccountId::NONE))?;
            }
            tx.record(failed_kind, account)
        };
        self.core.transactions.run(client, move |tx| record(tx).map_err(Error::from)).await?;
        Err(Rejection::WrongCredentials.into())
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
