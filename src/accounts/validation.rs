//! The checks that several forms have in common.

use secrecy::{ExposeSecret, SecretString};

use super::{AccountId, Accounts, Email, Error, FieldError, Rejection, Username, store};
use crate::{
    client::Client,
    events::EventKind,
    passwords::{Password, PersonalTerms, Priority},
    throttle::{Limit, Throttled},
};

/// Parses a password that has to be given; `missing` is the error for an empty one.
pub(super) fn parse_password(typed: &SecretString, missing: FieldError) -> Result<Password, FieldError> {
    match Password::parse(typed.expose_secret()) {
        Ok(password) if password.is_empty() => Err(missing),
        Ok(password) => Ok(password),
        Err(_) => Err(FieldError::PasswordTooLong),
    }
}

/// Parses the current password of a signed-in person. A password that is too long cannot be the current one, so it is a
/// mismatch.
pub(super) fn parse_current_password(typed: &SecretString) -> Result<Password, FieldError> {
    parse_password(typed, FieldError::CurrentPasswordMissing).map_err(|error| match error {
        FieldError::PasswordTooLong => FieldError::CurrentPasswordMismatch,
        error => error,
    })
}

/// The user name and the e-mail address that a form asks for, if they are valid and new to the account.
#[derive(Debug, Clone, Default)]
pub(super) struct NewNames {
    pub(super) username: Option<Username>,
    pub(super) email: Option<Email>,
    /// The account that asks for them, unless it does not exist yet.
    pub(super) account: Option<AccountId>,
}

impl Accounts {
    /// Checks a new password of a person with these names and its confirmation, as far as it takes next to no time;
    /// [`Accounts::check_policy`] goes on with it. Adds what is wrong to `errors`, and returns the password if there is
    /// one.
    pub(super) fn parse_new_password(
        &self,
        (password, confirmation): (&SecretString, &SecretString),
        names: (&str, &str),
        errors: &mut Vec<FieldError>,
    ) -> Option<Password> {
        let password =
            parse_password(password, FieldError::NewPasswordMissing).map_err(|error| errors.push(error)).ok()?;
        let weakness = self.policy.check_quickly(&password, &self.personal_terms(names)).err();
        errors.extend(weakness.map(FieldError::PasswordWeak));
        if Password::parse(confirmation.expose_secret()).as_ref() != Ok(&password) {
            errors.push(FieldError::ConfirmationMismatch);
        }
        Some(password)
    }

    /// Checks a new password of a person with these names against the policy, which takes milliseconds on a hashing
    /// thread. So this comes last: what is wrong with a form otherwise, and the limits, have been checked before.
    pub(super) async fn check_policy(
        &self,
        password: Password,
        username: &Username,
        email: Option<&Email>,
        client: &Client,
    ) -> Result<Option<FieldError>, Error> {
        let permit = self.hasher.try_reserve(client.network(), Priority::UnknownDevice).ok_or(Rejection::Overloaded)?;
        let terms = self.personal_terms((username.as_str(), email.map_or("", Email::as_str)));
        let weakness = permit.check_policy(password, self.policy, terms).await?.err();
        Ok(weakness.map(FieldError::PasswordWeak))
    }

    /// The names may be invalid, so they are cut, because typed text has no bound of its own.
    fn personal_terms(&self, (username, email): (&str, &str)) -> PersonalTerms {
        PersonalTerms {
            username: username.chars().take(Username::MAX_LENGTH).collect(),
            email: email.chars().take(Email::MAX_LENGTH).collect(),
            site: self.site_name.clone(),
        }
    }

    /// Parses a user name that the account does not have yet.
    pub(super) fn parse_new_username(&self, typed: &str) -> Result<Username, FieldError> {
        let username = Username::parse(typed).map_err(FieldError::Username)?;
        if self.reserved_names.contains(&username) { Err(FieldError::UsernameReserved) } else { Ok(username) }
    }

    /// Returns which of the names another account has. Open registration discloses it; how often one network may
    /// ask is limited, see [`Limit::RejectedForms`].
    pub(super) async fn find_conflicts(&self, names: NewNames, client: &Client) -> Result<Vec<FieldError>, Error> {
        let hashes = names.username.as_ref().map(|name| self.name_hashes(name.as_str()));
        let (throttle, network, now) = (self.throttle.clone(), client.network(), self.core.clock.now());
        let found = self
            .core
            .database
            .read(move |conn| {
                // Before the look-up: a refusal only for taken names would tell that they are taken.
                if let Some(throttled) = throttle.check(conn, Limit::RejectedForms(network), now)? {
                    return Ok(Err(throttled));
                }
                let mut conflicts = Vec::new();
                if let (Some(username), Some(hashes)) = (&names.username, &hashes)
                    && (store::has_username(conn, username)? || store::is_reserved(conn, hashes, names.account, now)?)
                {
                    conflicts.push(FieldError::UsernameTaken);
                }
                if let Some(email) = &names.email
                    && store::has_email(conn, email)?
                {
                    conflicts.push(FieldError::EmailTaken);
                }
                Ok(Ok(conflicts))
            })
            .await?;
        found.map_err(|throttled| self.registration_throttled(throttled, client))
    }

    /// Counts the rejection of a form with new names, and returns it.
    pub(super) async fn reject(&self, errors: Vec<FieldError>, client: &Client) -> Error {
        let (throttle, network, now) = (self.throttle.clone(), client.network(), self.core.clock.now());
        match self.core.database.write(move |conn| throttle.record(conn, Limit::RejectedForms(network), now)).await {
            Ok(Ok(())) => Rejection::invalid(errors).into(),
            Ok(Err(throttled)) => self.registration_throttled(throttled, client),
            Err(error) => error.into(),
        }
    }

    pub(super) fn registration_throttled(&self, throttled: Throttled, client: &Client) -> Error {
        self.core.events.count(EventKind::RegistrationThrottled, None, client);
        throttled.into()
    }

    /// Returns the rejection after the database refused these names as not unique: what another account has, or
    /// [`Rejection::Conflict`] if it has neither any more.
    pub(super) async fn explain_unique_violation(&self, names: NewNames, client: &Client) -> Error {
        match self.find_conflicts(names, client).await {
            Ok(conflicts) if conflicts.is_empty() => Rejection::Conflict.into(),
            Ok(conflicts) => self.reject(conflicts, client).await,
            Err(error) => error,
        }
    }
}
