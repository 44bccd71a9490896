//! What operators do with the accounts of other people.

pub(super) mod store;

use std::{collections::HashMap, sync::Arc, time::Duration};

use secrecy::SecretString;

pub use self::store::{AccountDetails, AccountFilter};
use super::{AccountId, Accounts, Device, Error, FieldError, LoginName, Rejection, Username, link::LinkToken};
use crate::{
    client::Client,
    db::{self, QueryResult},
    events::{Actor, EventKind},
    identity::Role,
    keys::{Keys, Purpose},
    sessions::{NewSession, Session, Sessions},
    throttle::{self, Limit},
    transaction::Transaction,
};

/// How long a link to set a new password is valid.
const RESET_LINK_LIFETIME: Duration = Duration::from_hours(1);

/// A change of an account that is not one's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminAction {
    /// Refuse sign-ins and end all sessions.
    Disable,
    /// Allow sign-ins again.
    Enable,
    /// Accept passwords again after too many failures.
    Unlock,
    /// End all sessions.
    SignOut,
    /// Give a role.
    AddRole(Role),
    /// Take a role.
    RemoveRole(Role),
    /// Make a link to set a new password. Links made before become invalid.
    CreateResetLink,
    /// Delete the account, as its owner would.
    Delete,
}

impl AdminAction {
    /// Whether the account is no active administrator afterwards.
    fn removes_administrator(&self) -> bool {
        match self {
            Self::Disable | Self::Delete => true,
            Self::RemoveRole(role) => role.is_admin(),
            Self::Enable | Self::Unlock | Self::SignOut | Self::AddRole(_) | Self::CreateResetLink => false,
        }
    }
}

/// What an administrator does to an account, as typed.
#[derive(Debug)]
pub struct Administer {
    /// The account.
    pub target: AccountId,
    /// What is done.
    pub action: AdminAction,
    /// The user name of the account, to confirm its deletion.
    pub confirm: String,
}

/// What entitles an administrator to a change.
#[derive(Debug)]
pub struct Authorization {
    /// The administrator's current password, needed when it was not given recently.
    pub current_password: SecretString,
    /// The accounts that the administrator's browser has signed in to before.
    pub devices: Vec<Device>,
    /// The administrator's session.
    pub session: Arc<Session>,
}

/// An administrator has changed an account.
#[derive(Debug)]
pub struct Administered {
    /// The token of a new link, if the action makes one.
    pub link: Option<LinkToken>,
    /// The administrator's new session, if the form contained the password.
    pub session: Option<NewSession>,
}

impl Accounts {
    /// Returns the account with this id.
    pub async fn get(&self, id: AccountId) -> Result<Option<AccountDetails>, db::Error> {
        self.core.database.read(move |conn| store::details(conn, id)).await
    }

    /// Returns the number of accounts. Reads a whole index, so it must not run for each request.
    pub async fn count(&self) -> Result<i64, db::Error> {
        self.core.database.read(store::count).await
    }

    /// Returns the user names of those of `ids` that still exist.
    pub async fn usernames(&self, ids: Vec<AccountId>) -> Result<HashMap<AccountId, Username>, db::Error> {
        self.core.database.read(move |conn| store::usernames(conn, &ids)).await
    }

    /// Changes another account for an administrator.
    pub async fn administer(
        &self,
        form: Administer,
        authorization: Authorization,
        client: &Client,
    ) -> Result<Administered, Error> {
        let (keys, reserved_for) = (self.core.keys.clone(), self.name_reserved);
        let Administer { target, action, confirm } = form;
        let confirmed = Username::parse(&confirm).ok();
        let change = move |tx: &mut Transaction<'_>, actor| {
            if action == AdminAction::Delete && store::find_username(tx.conn, target)? != confirmed {
                return Err(Rejection::Invalid(vec![FieldError::TargetNotConfirmed]).into());
            }
            apply(tx, actor, target, &action, &keys, reserved_for)
        };
        let (link, session) = self.run_as_administrator(authorization, client, change).await?;
        Ok(Administered { link, session })
    }

    /// Runs a change in one transaction, for the owner of a session who must be an administrator when the change is
    /// committed: another administrator may have taken the role since the request was authorized. Counts for
    /// `GATEHOUSE_SIGN_IN_RATE` of the administrator's account. Also returns the administrator's new session, if the
    /// form contained the password.
    pub(super) async fn run_as_administrator<T: Send + 'static>(
        &self,
        Authorization { current_password, devices, session }: Authorization,
        client: &Client,
        mut change: impl FnMut(&mut Transaction<'_>, Actor) -> Result<T, Error> + Send + 'static,
    ) -> Result<(T, Option<NewSession>), Error> {
        let verified = self.confirm(&session, &current_password, devices, client).await?;
        let is_confirmed = verified.is_some();
        let (sessions, throttle) = (Arc::clone(&self.sessions), self.throttle.clone());
        self.run_confirmed(verified, &session, client, move |tx, acting| {
            let administrator = acting.account.id;
            // The row of the account is locked, and a change of its roles needs that lock.
            if !super::store::has_role_of(tx.conn, administrator, &[Role::ADMIN])? {
                return Err(Rejection::NotAdministrator.into());
            }
            throttle.record(tx.conn, Limit::Changes(administrator), tx.now)??;
            // Before the change, which may end all sessions of the administrator's own account.
            let renewed = is_confirmed.then(|| sessions.renew(tx, acting)).transpose()?;
            Ok((change(tx, Actor::Administrator(administrator))?, renewed))
        })
        .await
    }

    /// Returns the account with this user name or e-mail address.
    pub async fn find(&self, login: &str) -> Result<Option<AccountDetails>, db::Error> {
        let login = LoginName::parse(login);
        self.core
            .database
            .read(move |conn| {
                let Some(credential) = super::store::find(conn, &login)? else { return Ok(None) };
                store::details(conn, credential.id)
            })
            .await
    }

    /// Changes `target` for the operator at the command line. Returns the token of a new link, if the action makes one.
    pub async fn operate(
        &self,
        target: AccountId,
        action: AdminAction,
        client: &Client,
    ) -> Result<Option<LinkToken>, Error> {
        let (keys, reserved_for) = (self.core.keys.clone(), self.name_reserved);
        self.core
            .transactions
            .run(client, move |tx| apply(tx, Actor::Operator, target, &action, &keys, reserved_for))
            .await
    }
}

fn apply(
    tx: &mut Transaction<'_>,
    actor: Actor,
    target: AccountId,
    action: &AdminAction,
    keys: &Keys,
    reserved_for: Duration,
) -> Result<Option<LinkToken>, Error> {
    tx.act_as(actor);
    if action.removes_administrator() {
        refuse_last_administrator(tx, target)?;
    }
    if !tx.lock_account(target)? {
        return Err(Rejection::NoSuchAccount.into());
    }
    let mut link = None;
    let done = match action {
        AdminAction::Disable => {
            store::delete_reset_link(tx.conn, target)?;
            Sessions::revoke_all(tx, target, None)?;
            store::set_disabled(tx, target, true)?.then_some(EventKind::AccountDisabled)
        }
        AdminAction::Enable => store::set_disabled(tx, target, false)?.then_some(EventKind::AccountEnabled),
        AdminAction::Unlock => {
            throttle::unlock(tx.conn, target)?;
            Some(EventKind::AccountUnlocked)
        }
        AdminAction::SignOut => {
            Sessions::revoke_all(tx, target, None)?;
            Some(EventKind::AccountSignedOut)
        }
        AdminAction::AddRole(role) => store::add_role(tx, target, role)?.then_some(EventKind::RoleAdded),
        AdminAction::RemoveRole(role) => store::remove_role(tx, target, role)?.then_some(EventKind::RoleRemoved),
        AdminAction::CreateResetLink => {
            link = Some(create_reset_link(tx, target)?);
            Some(EventKind::ResetLinkCreated)
        }
        AdminAction::Delete => {
            let name = store::find_username(tx.conn, target)?.ok_or(Rejection::NoSuchAccount)?;
            super::delete::delete(tx, target, &keys.tag(Purpose::Name, name.as_str().as_bytes()), reserved_for)?;
            Some(EventKind::AccountDeleted)
        }
    };
    // An action that changes nothing is done, and no event.
    if let Some(kind) = done {
        tx.record(kind, target)?;
    }
    Ok(link)
}

/// Makes a link to set the password of `account`.
pub(super) fn create_reset_link(tx: &mut Transaction<'_>, account: AccountId) -> QueryResult<LinkToken> {
    let token = LinkToken::new();
    store::replace_reset_link(tx.conn, account, &token, tx.now.plus(RESET_LINK_LIFETIME))?;
    Ok(token)
}

/// Rejects a change after which no active account would have the role of administrators. Serializes such changes, so
/// that two at once cannot remove the last two.
pub(super) fn refuse_last_administrator(tx: &mut Transaction<'_>, target: AccountId) -> Result<(), Error> {
    store::lock_administrators(tx.conn)?;
    if store::active_administrators(tx.conn, 2)? == [target] {
        return Err(Rejection::LastAdministrator.into());
    }
    Ok(())
}
