//! The checks that several forms have in common.

use secrecy::{ExposeSecret, SecretString};

use super::{Accounts, Email, Error, FieldError, Rejection, Username, store};
use crate::{
    client::Client,
    events::EventKind,
    passwords::{Password, PersonalTerms},
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

impl Accounts {
    /// Validates a new password and its confirmation, for a person with these names. Returns the password if there is
    /// nothing wrong with it, and adds what is wrong to `errors`.
    pub(super) async fn validate_new_password(
        &self,
        (password, confirmation): (&SecretString, &SecretString),
        (username, email): (&str, &str),
        errors: &mut Vec<FieldError>,
        client: &Client,
    ) -> Result<Option<Password>, Error> {
        let password = match parse_password(password, FieldError::NewPasswordMissing) {
            Ok(password) => password,
            Err(error) => {
                errors.push(error);
                return Ok(None);
            }
        };
        let permit = self.hasher.try_reserve(client.network()).ok_or(Rejection::Overloaded)?;
        // The names may be invalid, so they are taken as typed, and cut, because typed text has no bound of its own.
        let terms = PersonalTerms {
            username: username.chars().take(Username::MAX_LENGTH).collect(),
            email: email.chars().take(Email::MAX_LENGTH).collect(),
            site: self.site_name.clone(),
        };
        let weakness = permit.check_policy(password.clone(), self.policy, terms).await?.err();
        errors.extend(weakness.map(FieldError::PasswordWeak));
        if Password::parse(confirmation.expose_secret()).as_ref() != Ok(&password) {
            errors.push(FieldError::ConfirmationMismatch);
        }
        Ok(Some(password))
    }

    /// Returns which of the two another account has. Open registration has to tell; how often one network may learn it
    /// is limited.
    pub(super) async fn find_conflicts(
        &self,
        username: Option<&Username>,
        email: Option<&Email>,
        client: &Client,
    ) -> Result<Vec<FieldError>, Error> {
        let username = username.map(|name| (name.clone(), self.name_hash(name.as_str())));
        let email = email.cloned();
        let (throttle, network, now) = (self.throttle, client.network(), self.core.clock.now());
        let found = self
            .core
            .database
            .read(move |conn| {
                // Before the look-up: a refusal only for taken names would tell that they are taken.
                if let Some(throttled) = throttle.check_disclosure(conn, network, now)? {
                    return Ok(Err(throttled));
                }
                let mut conflicts = Vec::new();
                if let Some((username, reserved)) = &username
                    && (store::has_username(conn, username)? || store::is_reserved(conn, reserved, now)?)
                {
                    conflicts.push(FieldError::UsernameTaken);
                }
                if let Some(email) = &email
                    && store::has_email(conn, email)?
                {
                    conflicts.push(FieldError::EmailTaken);
                }
                Ok(Ok(conflicts))
            })
            .await?;
        let found = match found {
            Ok(conflicts) if !conflicts.is_empty() => {
                let record = move |conn: &mut _| throttle.record_disclosure(conn, network, now);
                self.core.database.write(record).await?.map(|()| conflicts)
            }
            found => found,
        };
        found.map_err(|throttled| {
            self.core.events.count(EventKind::RegistrationThrottled, None, client);
            throttled.into()
        })
    }

    /// Returns the rejection after the database refused these names as not unique: what another account has, or
    /// [`Rejection::Conflict`] if it has neither any more.
    pub(super) async fn explain_unique_violation(
        &self,
        username: Option<&Username>,
        email: Option<&Email>,
        client: &Client,
    ) -> Error {
        match self.find_conflicts(username, email, client).await {
            Ok(conflicts) if conflicts.is_empty() => Rejection::Conflict.into(),
            Ok(conflicts) => Rejection::invalid(conflicts).into(),
            Err(error) => error,
        }
    }
}
