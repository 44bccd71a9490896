//! The one place where a password is compared with an account's. Every page that asks for a password comes through here,
//! so that there is no side door without a limit (Vaultwarden's CVE-2026-43914 was one).

use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use super::{Accounts, Device, Email, Error, Mistake, Refused, Username, store};
use crate::{
    client::Client,
    clock::Timestamp,
    db::AnyConnection,
    events::{self, Kind},
    keys::Purpose,
    passwords::{Password, Verification},
    sessions::Previously,
    throttle::{Attempt, Budgets, Subject, Throttle, Throttled},
};

/// What came of comparing.
pub(super) enum Passage {
    /// The password is right. What was counted for the attempt stands until [`Passed::settle`].
    Passed(Passed),
    /// The password is wrong, or there is no such account.
    Wrong,
    /// Too many attempts; the password was not looked at.
    Throttled(Throttled),
    /// Too many passwords wait already; this one was not looked at.
    Busy,
}

/// Whose password is to be compared.
pub(super) enum Whom<'a> {
    /// Whoever has this user name or e-mail address.
    Login(&'a str),
    /// The owner of a session.
    Account(Uuid),
}

/// A right password, not yet made use of.
pub(super) struct Passed {
    pub(super) credential: store::Credential,
    throttle: Throttle,
    budgets: Budgets,
    upgrade: Option<String>,
}

impl Passed {
    /// Ends the row of failures and stores a better hash, in the transaction that makes use of the right password. Tells
    /// what there was before; `None` if the password is no longer the one that was compared, and then the caller must do
    /// nothing.
    pub(super) fn settle(&self, conn: &mut AnyConnection, now: Timestamp) -> diesel::QueryResult<Option<Previously>> {
        let Some(previously) = store::lock(conn, &self.credential)? else {
            return Ok(None);
        };
        if let Some(better) = &self.upgrade {
            store::replace_hash(conn, self.credential.id, better)?;
        }
        self.throttle.reset(conn, &self.budgets, now)?;
        Ok(Some(previously))
    }
}

impl Accounts {
    /// Compares `password` with that of `whom`. An account that does not exist is looked for, counted, delayed and hashed
    /// for like one that does (ASVS 6.3.8).
    pub(super) async fn compare(
        &self,
        whom: Whom<'_>,
        password: Password,
        devices: Vec<Device>,
        client: &Client,
    ) -> Result<Passage, Error> {
        let Some(permit) = self.hasher.try_reserve(client.network()) else {
            return Ok(Passage::Busy);
        };
        let (name, otherwise) = match whom {
            Whom::Login(login) => {
                let name = Name::parse(login);
                let unknown = Subject::Unknown(self.name_hash(&name.spelling()));
                (Some(name), unknown)
            }
            Whom::Account(id) => (None, Subject::Account(id)),
        };
        let (throttle, network, now) = (self.throttle, client.network(), self.clock.now());
        let attempt = move |credential: Option<&store::Credential>| Attempt {
            subject: credential.map_or(otherwise, |credential| Subject::Account(credential.id)),
            network,
            device: devices
                .iter()
                .find(|device| credential.is_some_and(|credential| credential.id == device.account))
                .map(|device| device.id),
        };

        // A look costs no write; an attempt that is refused here leaves the one writer to others.
        let (credential, budgets, refusal) = self
            .database
            .read(move |conn| {
                let credential = match (&name, otherwise) {
                    (Some(name), _) => store::find(conn, name)?,
                    (None, Subject::Account(id)) => store::find_by_id(conn, id)?,
                    (None, Subject::Unknown(_)) => None,
                };
                let mut attempt = attempt(credential.as_ref());
                let mut budgets = throttle.budgets(&attempt);
                let mut refusal = throttle.check(conn, &budgets, now)?;
                if refusal == Some(Throttled::LockedOut) && attempt.device.take().is_some() {
                    // A known browser that has used up its trust is a stranger, for whom an administrator can open.
                    budgets = throttle.budgets(&attempt);
                    refusal = throttle.check(conn, &budgets, now)?;
                }
                Ok((credential, budgets, refusal))
            })
            .await?;
        let counted = if let Some(refusal) = refusal {
            Err(refusal)
        } else {
            let budgets = budgets.clone();
            self.database.write(move |conn| throttle.record_failure(conn, &budgets, now)).await?
        };
        let account = credential.as_ref().map(|credential| credential.id);
        if let Err(refusal) = counted {
            self.notes.note(Kind::SignInThrottled, account, client);
            return Ok(Passage::Throttled(refusal));
        }

        let stored = credential.as_ref().map(|credential| credential.password_hash.clone());
        let verification = permit.verify(password, stored).await?;
        if let (Verification::Match { upgrade }, Some(credential)) = (verification, credential) {
            return Ok(Passage::Passed(Passed { credential, throttle, budgets, upgrade }));
        }
        let stranger = client.clone();
        let fail = move |conn: &mut AnyConnection| {
            // Also for nobody: one statement more would tell by its time that there is somebody.
            store::note_failure(conn, account.unwrap_or_default())?;
            events::record(conn, Kind::SignInFailed, account, &stranger, now)
        };
        self.database.write(fail).await?;
        events::log(Kind::SignInFailed, account, client);
        Ok(Passage::Wrong)
    }

    /// Compares the password that somebody gave to confirm a change with that of their own account.
    pub(super) async fn confirm(
        &self,
        account: Uuid,
        current: Password,
        devices: Vec<Device>,
        client: &Client,
    ) -> Result<Result<Passed, Refused>, Error> {
        Ok(match self.compare(Whom::Account(account), current, devices, client).await? {
            Passage::Passed(passed) => Ok(passed),
            Passage::Wrong => Err(Refused::Mistakes(vec![Mistake::CurrentWrong])),
            Passage::Throttled(refusal) => Err(Refused::Throttled(refusal)),
            Passage::Busy => Err(Refused::Busy),
        })
    }

    /// What a name that does not exist is counted under, or one that is reserved is known by. A keyed hash, because people
    /// type passwords into the wrong field, and because a deleted name is nobody's business.
    pub(super) fn name_hash(&self, name: &str) -> [u8; 32] {
        self.keys.tag(Purpose::Name, name.as_bytes())
    }
}

/// What somebody typed to say who they are.
#[derive(Debug, Clone)]
pub(super) enum Name {
    Username(Username),
    Email(Email),
    /// Nobody's.
    Other(String),
}

impl Name {
    pub(super) fn parse(login: &str) -> Self {
        // A user name has no @, so no name is anybody else's address.
        if let Ok(email) = Email::parse(login) {
            Self::Email(email)
        } else if let Ok(username) = Username::parse(login) {
            Self::Username(username)
        } else {
            Self::Other(login.trim().chars().take(300).nfkc().collect::<String>().to_lowercase())
        }
    }

    fn spelling(&self) -> String {
        match self {
            Self::Username(username) => username.as_str().to_owned(),
            Self::Email(email) => email.key(),
            Self::Other(text) => text.clone(),
        }
    }
}
