//! What administrators do with applications. The rules for these are in [`apps`].

use secrecy::{ExposeSecret, SecretString};

use super::{Accounts, Authorization, Error, FieldError, Rejection};
use crate::{
    apps::{self, AppChange, AppId, Apps, Change, Hs256Secret, Hs256SecretError, RowChange, TokenFormat},
    client::Client,
    config::{PublicUrl, display_name},
    events::Actor,
    identity::Role,
    sessions::NewSession,
    transaction::Transaction,
};

/// An application, as an administrator types it. An empty field is something that it does not have.
#[derive(Debug)]
pub struct AppForm {
    /// Its id.
    pub id: String,
    /// Its name for people; its id if this is empty.
    pub name: String,
    /// Its origin.
    pub url: String,
    /// The roles that may enter, separated by spaces.
    pub roles: String,
    /// The origins whose scripts may call the JSON API, separated by spaces.
    pub cors: String,
    /// The name of the format of its tokens.
    pub tokens: String,
    /// The secret with which it verifies them; the one that it has if this is empty.
    pub hs256_secret: SecretString,
}

/// What is done with a change in a transaction.
type AppTransaction = fn(&mut Transaction<'_>, Actor, &AppId, &RowChange) -> Result<(), apps::Error>;

impl AppForm {
    fn parse(self) -> Result<(AppId, AppChange), Rejection> {
        let mut errors = Vec::new();
        let id = self.id.trim().parse::<AppId>();
        errors.extend(id.is_err().then_some(FieldError::AppId));
        let name = match self.name.trim() {
            "" => Ok(self.id.trim().to_owned()),
            name => display_name(name),
        };
        errors.extend(name.is_err().then_some(FieldError::AppName));
        let url = parse_url(self.url.trim());
        errors.extend(url.is_err().then_some(FieldError::AppUrl));
        let roles: Result<Vec<Role>, _> = self.roles.split_whitespace().map(str::parse).collect();
        errors.extend(roles.is_err().then_some(FieldError::Role));
        let cors: Result<Vec<PublicUrl>, _> = self.cors.split_whitespace().map(str::parse).collect();
        errors.extend(cors.is_err().then_some(FieldError::AppOrigins));
        let tokens = parse_tokens(&self.tokens, &self.hs256_secret);
        errors.extend(tokens.as_ref().err());
        match (id, name, url, roles, cors, tokens) {
            (Ok(id), Ok(name), Ok(url), Ok(roles), Ok(cors), Ok(tokens)) => {
                Ok((id, AppChange { name: Some(name), url, roles: Some(roles), cors: Some(cors), tokens }))
            }
            _ => Err(Rejection::Invalid(errors)),
        }
    }
}

fn parse_url(text: &str) -> Result<Change<PublicUrl>, String> {
    if text.is_empty() { Ok(Change::Clear) } else { text.parse().map(Change::Set) }
}

/// Returns the change of format and secret.
fn parse_tokens(format: &str, secret: &SecretString) -> Result<Change<(TokenFormat, Option<Hs256Secret>)>, FieldError> {
    let secret = match Hs256Secret::parse(secret.expose_secret().as_bytes()) {
        Ok(secret) => Some(secret),
        Err(Hs256SecretError::Empty) => None,
        Err(Hs256SecretError::TooLong) => return Err(FieldError::SecretTooLong),
    };
    match (format, secret) {
        ("", None) => Ok(Change::Clear),
        (format, secret) => {
            format.parse().map(|format| Change::Set((format, secret))).map_err(|_| FieldError::TokenFormat)
        }
    }
}

impl Accounts {
    /// Adds an application for an administrator. Returns the administrator's new session if the form contained the
    /// password, as the other changes here do.
    pub async fn add_app_as(
        &self,
        apps: &Apps,
        form: AppForm,
        authorization: Authorization,
        client: &Client,
    ) -> Result<Option<NewSession>, Error> {
        self.change_app_as(apps, form, authorization, client, Apps::insert).await
    }

    /// Changes the application with the id of the form for an administrator.
    pub async fn set_app_as(
        &self,
        apps: &Apps,
        form: AppForm,
        authorization: Authorization,
        client: &Client,
    ) -> Result<Option<NewSession>, Error> {
        self.change_app_as(apps, form, authorization, client, Apps::update).await
    }

    async fn change_app_as(
        &self,
        apps: &Apps,
        form: AppForm,
        authorization: Authorization,
        client: &Client,
        apply: AppTransaction,
    ) -> Result<Option<NewSession>, Error> {
        let (id, change) = form.parse()?;
        let change = apps.prepare(&id, change)?;
        let apply = move |tx: &mut Transaction<'_>, actor| Ok(apply(tx, actor, &id, &change)?);
        let ((), session) = self.run_as_administrator(authorization, client, apply).await?;
        Ok(session)
    }

    /// Removes an application for an administrator.
    pub async fn remove_app_as(
        &self,
        id: AppId,
        authorization: Authorization,
        client: &Client,
    ) -> Result<Option<NewSession>, Error> {
        let remove = move |tx: &mut Transaction<'_>, actor| Ok(Apps::delete(tx, actor, &id)?);
        let ((), session) = self.run_as_administrator(authorization, client, remove).await?;
        Ok(session)
    }
}
