//! Making an account.

use std::sync::Arc;

use uuid::Uuid;

use super::{Accounts, Email, EmailError, Error, SignedIn, Username, UsernameError, email, store, username};
use crate::{
    client::Client,
    db::{AnyConnection, is_taken},
    events::{self, Kind},
    passwords::{Password, PersonalTerms, Weakness},
    sessions::{Previously, Session},
    throttle::Throttled,
};

/// Somebody wants an account. All as typed.
#[derive(Debug)]
pub struct Registration {
    /// User name.
    pub username: String,
    /// E-mail address.
    pub email: String,
    /// Password; `None` when it is longer than any may be.
    pub password: Option<Password>,
    /// The same again.
    pub password_confirm: Option<Password>,
    /// The session that the browser has now; it ends when the new one begins.
    pub replaces: Option<Arc<Session>>,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// See there.
    Username(UsernameError),
    /// Somebody has this name.
    UsernameTaken,
    /// See there.
    Email(EmailError),
    /// Somebody has this address.
    EmailTaken,
    /// Nothing was typed.
    PasswordMissing,
    /// More characters than any password may have.
    PasswordTooLong,
    /// See there.
    Password(Weakness),
    /// The second is not the first.
    Confirmation,
    /// The current password was not given, and is needed.
    CurrentMissing,
    /// The current password is another.
    CurrentWrong,
    /// The new password is the current one.
    Same,
    /// What was typed to confirm a deletion is not the user name.
    NotMeant,
}

/// What came of it.
#[derive(Debug)]
pub enum RegisterOutcome {
    /// There is an account, and its owner is signed in.
    Welcome(SignedIn),
    /// Every mistake of the form, in the order of its fields.
    Refused(Vec<Mistake>),
    /// Too many from this network.
    Throttled(Throttled),
    /// Too much to do right now.
    Busy,
}

/// A form without mistakes.
struct Checked {
    username: Username,
    email: Email,
    password: Password,
}

impl Accounts {
    /// Makes an account and signs its owner in: both or neither.
    pub async fn register(&self, form: Registration, client: &Client) -> Result<RegisterOutcome, Error> {
        let checked = match self.check(&form, client).await? {
            Ok(checked) => checked,
            Err(outcome) => return Ok(outcome),
        };
        let Some(permit) = self.hasher.try_reserve(client.network()) else {
            return Ok(RegisterOutcome::Busy);
        };
        let (throttle, network, now) = (self.throttle, client.network(), self.clock.now());
        let counted = self.database.write(move |conn| throttle.record_registration(conn, network, now)).await?;
        if let Err(refusal) = counted {
            self.notes.note(Kind::RegistrationThrottled, None, client);
            return Ok(RegisterOutcome::Throttled(refusal));
        }
        let account = store::NewAccount {
            id: Uuid::now_v7(),
            username: checked.username,
            email: checked.email,
            password_hash: permit.hash(checked.password).await?,
            created_at: now,
        };
        let (username, email) = (account.username.clone(), account.email.clone());
        let id = account.id;
        let (sessions, owner) = (Arc::clone(&self.sessions), client.clone());
        let replaces = form.replaces;
        let forget = self.sessions.forgetting(replaces.as_ref().map(|session| session.owner.id));
        let open = move |conn: &mut AnyConnection| {
            match store::insert(conn, &account, &owner) {
                // Somebody else's transaction was first. What was counted is taken back in this one.
                Err(error) if is_taken(&error) => {
                    throttle.refund_registration(conn, network)?;
                    return Ok(None);
                }
                inserted => inserted?,
            }
            events::record(conn, Kind::Registered, Some(id), &owner, now)?;
            sessions.open(conn, id, false, &Previously::default(), replaces.as_deref(), &owner).map(Some)
        };
        match self.database.write_then(open, forget).await? {
            Some(session) => Ok(RegisterOutcome::Welcome(SignedIn::new(Kind::Registered, id, session, client))),
            // The database does not say which of the two was taken: look.
            None => match self.taken(Some(&username), Some(&email), client).await? {
                Ok(mistakes) if mistakes.is_empty() => Ok(RegisterOutcome::Busy),
                Ok(mistakes) => Ok(RegisterOutcome::Refused(mistakes)),
                Err(refusal) => Ok(RegisterOutcome::Throttled(refusal)),
            },
        }
    }

    /// Looks at the whole form, so that a person hears of every mistake at once.
    async fn check(&self, form: &Registration, client: &Client) -> Result<Result<Checked, RegisterOutcome>, Error> {
        let username = Username::parse(&form.username);
        let email = Email::parse(&form.email);
        let mut mistakes: Vec<Mistake> = Vec::new();
        mistakes.extend(username.as_ref().err().map(|error| Mistake::Username(*error)));
        mistakes.extend(email.as_ref().err().map(|error| Mistake::Email(*error)));
        let names = (form.username.as_str(), form.email.as_str());
        match self.judge(form.password.as_ref(), form.password_confirm.as_ref(), names, client).await? {
            Some(found) => mistakes.extend(found),
            None => return Ok(Err(RegisterOutcome::Busy)),
        }
        match self.taken(username.as_ref().ok(), email.as_ref().ok(), client).await? {
            Ok(taken) => mistakes.extend(taken),
            Err(refusal) => return Ok(Err(RegisterOutcome::Throttled(refusal))),
        }
        mistakes.sort_by_key(Mistake::position);
        match (username, email, &form.password) {
            (Ok(username), Ok(email), Some(password)) if mistakes.is_empty() => {
                Ok(Ok(Checked { username, email, password: password.clone() }))
            }
            _ => Ok(Err(RegisterOutcome::Refused(mistakes))),
        }
    }

    /// What is wrong with a new password, for somebody with these names; `None` when there is too much to do to tell.
    pub(super) async fn judge(
        &self,
        password: Option<&Password>,
        confirm: Option<&Password>,
        (name, address): (&str, &str),
        client: &Client,
    ) -> Result<Option<Vec<Mistake>>, Error> {
        let Some(password) = password else { return Ok(Some(vec![Mistake::PasswordTooLong])) };
        if password.is_empty() {
            return Ok(Some(vec![Mistake::PasswordMissing]));
        }
        let Some(permit) = self.hasher.try_reserve(client.network()) else { return Ok(None) };
        // As typed, since it may hold a mistake; cut, because what is typed has no bound of its own.
        let terms = PersonalTerms {
            username: name.chars().take(username::LONGEST).collect(),
            email: address.chars().take(email::LONGEST).collect(),
            site: self.site.clone(),
        };
        let judged = permit.check_policy(password.clone(), self.policy, terms).await?;
        let mut mistakes: Vec<_> = judged.err().map(Mistake::Password).into_iter().collect();
        if confirm != Some(password) {
            mistakes.push(Mistake::Confirmation);
        }
        Ok(Some(mistakes))
    }

    /// Which of the two somebody has. That is a secret of theirs which open registration has to tell; how often it is told
    /// to one network is limited.
    pub(super) async fn taken(
        &self,
        username: Option<&Username>,
        email: Option<&Email>,
        client: &Client,
    ) -> Result<Result<Vec<Mistake>, Throttled>, Error> {
        let username = username.map(|name| (name.clone(), self.name_hash(name.as_str())));
        let email = email.cloned();
        let (throttle, network, now) = (self.throttle, client.network(), self.clock.now());
        let told = self
            .database
            .read(move |conn| {
                // Before the names are looked up: a refusal that came only for taken ones would tell.
                if let Some(refusal) = throttle.check_disclosure(conn, network, now)? {
                    return Ok(Err(refusal));
                }
                let mut mistakes = Vec::new();
                if let Some((username, reserved)) = &username
                    && (store::has_username(conn, username)? || store::is_reserved(conn, reserved, now)?)
                {
                    mistakes.push(Mistake::UsernameTaken);
                }
                if let Some(email) = &email
                    && store::has_email(conn, email)?
                {
                    mistakes.push(Mistake::EmailTaken);
                }
                Ok(Ok(mistakes))
            })
            .await?;
        let told = match told {
            Ok(mistakes) if !mistakes.is_empty() => {
                let counted = self.database.write(move |conn| throttle.record_disclosure(conn, network, now)).await?;
                counted.map(|()| mistakes)
            }
            told => told,
        };
        if told.is_err() {
            self.notes.note(Kind::RegistrationThrottled, None, client);
        }
        Ok(told)
    }
}

impl Mistake {
    pub(super) fn position(&self) -> u8 {
        match self {
            Self::Username(_) | Self::UsernameTaken | Self::NotMeant => 0,
            Self::Email(_) | Self::EmailTaken => 1,
            Self::CurrentMissing | Self::CurrentWrong => 2,
            Self::PasswordMissing | Self::PasswordTooLong | Self::Password(_) | Self::Same => 3,
            Self::Confirmation => 4,
        }
    }
}
