//! Creates an account for another person, at the command line.

use secrecy::SecretString;

use super::{
    AccountId, Accounts, Email, Error, FieldError, LinkToken, Rejection, Username,
    admin::{self, store as admin_store},
    store::{self, NewAccount},
    validation::{NewNames, parse_password},
};
use crate::{
    client::Client,
    db::is_unique_violation,
    events::{Actor, EventKind},
    identity::Role,
    passwords::{Priority, UNUSABLE},
};

/// An account that an operator creates.
#[derive(Debug)]
pub struct CreateAccount {
    /// User name. It may be a reserved one.
    pub username: String,
    /// E-mail address.
    pub email: String,
    /// Roles.
    pub roles: Vec<Role>,
    /// The password; without it, the owner sets one with a link.
    pub password: Option<SecretString>,
}

impl Accounts {
    /// Creates an account. Without a password, returns the token of the link to set one.
    pub async fn create(&self, form: CreateAccount, client: &Client) -> Result<(AccountId, Option<LinkToken>), Error> {
        let (username, email) = (Username::parse(&form.username), Email::parse(&form.email));
        let mut errors = Vec::new();
        errors.extend(username.as_ref().err().copied().map(FieldError::Username));
        errors.extend(email.as_ref().err().copied().map(FieldError::Email));
        let password = match &form.password {
            Some(typed) => parse_password(typed, FieldError::NewPasswordMissing).map(Some),
            None => Ok(None),
        };
        errors.extend(password.as_ref().err().copied());
        let (Ok(username), Ok(email), Ok(password), true) = (username, email, password, errors.is_empty()) else {
            return Err(Rejection::invalid(errors).into());
        };
        let names = NewNames { username: Some(username.clone()), email: Some(email.clone()), account: None };
        let conflicts = self.find_conflicts(names.clone(), client).await?;
        if !conflicts.is_empty() {
            return Err(Rejection::invalid(conflicts).into());
        }
        let password_hash = match password {
            Some(password) => {
                if let Some(weakness) = self.check_policy(password.clone(), &username, Some(&email), client).await? {
                    return Err(Rejection::invalid(vec![weakness]).into());
                }
                let permit = self.hasher.try_reserve(client.network(), Priority::UnknownDevice);
                permit.ok_or(Rejection::Overloaded)?.hash(password).await?
            }
            None => UNUSABLE.to_owned(),
        };
        let id = AccountId::new();
        let new = NewAccount { id, username, email: Some(email), password_hash, language: None, signs_in: false };
        let created = self
            .core
            .transactions
            .run(client, move |tx| {
                match store::insert(tx, &new) {
                    Err(error) if is_unique_violation(&error) => return Ok(None),
                    inserted => inserted?,
                }
                for role in &form.roles {
                    admin_store::add_role(tx, id, role)?;
                }
                tx.record_by(Actor::Operator, EventKind::AccountCreated, id)?;
                let link = if form.password.is_none() { Some(admin::create_reset_link(tx, id)?) } else { None };
                Ok::<_, Error>(Some(link))
            })
            .await?;
        match created {
            Some(link) => Ok((id, link)),
            None => Err(self.explain_unique_violation(names, client).await),
        }
    }
}
