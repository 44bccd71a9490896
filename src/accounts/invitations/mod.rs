//! Invitations: links to register, each for one account.

mod store;

use std::{fmt, str::FromStr, time::Duration};

use uuid::Uuid;

use super::{AccountId, Accounts, Authorization, Error, FieldError, LinkToken, Rejection, admin};
use crate::{
    client::Client,
    clock::Timestamp,
    config::{Registration, duration},
    db,
    events::{Actor, EventKind},
    identity::Role,
    sessions::NewSession,
    transaction::Transaction,
};

/// How long a used or expired invitation stays in the list.
const RETENTION: Duration = Duration::from_hours(90 * 24);

/// The id of an invitation: a UUIDv7, so ids sort by time. It cannot be used to register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InvitationId(Uuid);

impl InvitationId {
    /// Larger than every id.
    const MAX: Self = Self(Uuid::max());

    fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl From<[u8; 16]> for InvitationId {
    fn from(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for InvitationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for InvitationId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// An invitation, for operators.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Who made it; `None` if that cannot be read any more.
    pub inviter: Option<Actor>,
    /// The roles that the new account gets.
    pub roles: Vec<Role>,
    /// Until when it is valid.
    pub expires_at: Timestamp,
    /// When an account was registered with it.
    pub used_at: Option<Timestamp>,
}

impl Invitation {
    /// Whether an account can be registered with it at `now`.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.used_at.is_none() && now < self.expires_at
    }
}

/// An invitation, as an administrator types it.
#[derive(Debug)]
pub struct NewInvitation {
    /// The roles of the new account, separated by spaces.
    pub roles: String,
    /// How long the link is valid, such as "7d".
    pub lifetime: String,
}

/// Why a person may register.
#[derive(Debug, Clone)]
pub enum Admission {
    /// Registration is open.
    Open,
    /// The person holds an invitation.
    Invited(LinkToken),
    /// The person holds the set-up link, and there is no administrator yet.
    FirstAdministrator,
}

impl Accounts {
    /// Returns why the sender of a registration form may register, given the token of an invitation or an empty text.
    pub async fn admit(&self, invite: &str) -> Result<Admission, Error> {
        match (self.registration, invite) {
            (Registration::Closed, _) => Err(Rejection::RegistrationClosed.into()),
            (Registration::Open, "") => Ok(Admission::Open),
            (Registration::Invite, "") => Err(Rejection::InvitationNeeded.into()),
            (Registration::Open | Registration::Invite, invite) => {
                let token = LinkToken::parse(invite).ok_or(Rejection::LinkInvalid)?;
                let (looked_up, now) = (token.clone(), self.core.clock.now());
                let invitation = self.core.database.read(move |conn| store::find(conn, &looked_up, now)).await?;
                invitation.map(|_| Admission::Invited(token)).ok_or(Rejection::LinkInvalid.into())
            }
        }
    }

    /// Makes an invitation for the operator at the command line, valid for `lifetime`. Returns the token of its link.
    pub async fn invite(&self, roles: Vec<Role>, lifetime: Duration, client: &Client) -> Result<LinkToken, Error> {
        let change = move |tx: &mut Transaction<'_>| insert(tx, Actor::Operator, &roles, lifetime);
        self.core.transactions.run(client, change).await
    }

    /// Makes an invitation for an administrator. Returns the token of its link, and the administrator's new session if
    /// the form contained the password.
    pub async fn invite_as(
        &self,
        form: NewInvitation,
        authorization: Authorization,
        client: &Client,
    ) -> Result<(LinkToken, Option<NewSession>), Error> {
        let mut errors = Vec::new();
        let roles: Result<Vec<Role>, _> = form.roles.split_whitespace().map(str::parse).collect();
        errors.extend(roles.is_err().then_some(FieldError::Role));
        let lifetime = duration::up_to(duration::YEAR)(form.lifetime.trim());
        errors.extend(lifetime.is_err().then_some(FieldError::Lifetime));
        let (Ok(roles), Ok(lifetime)) = (roles, lifetime) else { return Err(Rejection::Invalid(errors).into()) };
        let change = move |tx: &mut Transaction<'_>, actor| insert(tx, actor, &roles, lifetime);
        self.run_as_administrator(authorization, client, change).await
    }

    /// Returns at most `limit` invitations that are older than `before`, the newest first.
    pub async fn invitations(&self, before: Option<InvitationId>, limit: usize) -> Result<Vec<Invitation>, db::Error> {
        self.core.database.read(move |conn| store::list(conn, before, limit)).await
    }

    /// Makes an invitation invalid, for the operator at the command line. Returns whether there was one that was not
    /// used.
    pub async fn revoke_invitation(&self, id: InvitationId, client: &Client) -> Result<bool, Error> {
        self.core.transactions.run(client, move |tx| revoke(tx, Actor::Operator, id)).await
    }

    /// Makes an invitation invalid, for an administrator. Returns whether there was one that was not used, and the
    /// administrator's new session if the form contained the password.
    pub async fn revoke_invitation_as(
        &self,
        id: InvitationId,
        authorization: Authorization,
        client: &Client,
    ) -> Result<(bool, Option<NewSession>), Error> {
        self.run_as_administrator(authorization, client, move |tx, actor| revoke(tx, actor, id)).await
    }

    /// Deletes one batch of invitations that expired long ago. Returns their number.
    pub async fn delete_expired_invitations(&self) -> Result<usize, db::Error> {
        let since = self.core.clock.now().minus(RETENTION);
        self.core.database.write(move |conn| store::delete_expired(conn, since)).await
    }

    /// Whether an administrator can sign in.
    pub async fn has_administrator(&self) -> Result<bool, db::Error> {
        let found = self.core.database.read(|conn| admin::store::active_administrators(conn, 1)).await?;
        Ok(!found.is_empty())
    }
}

fn insert(tx: &mut Transaction<'_>, inviter: Actor, roles: &[Role], lifetime: Duration) -> Result<LinkToken, Error> {
    let (id, token) = (InvitationId(Uuid::now_v7()), LinkToken::new());
    store::insert(tx.conn, id, &token, inviter, roles, (tx.now, tx.now.plus(lifetime)))?;
    tx.record_without_account(inviter, EventKind::InvitationCreated)?;
    Ok(token)
}

fn revoke(tx: &mut Transaction<'_>, actor: Actor, id: InvitationId) -> Result<bool, Error> {
    let revoked = store::delete_unused(tx.conn, id)?;
    if revoked {
        tx.record_without_account(actor, EventKind::InvitationRevoked)?;
    }
    Ok(revoked)
}

/// Uses the admission of a new account up, in the transaction that inserts it.
pub(super) fn use_up(tx: &mut Transaction<'_>, admission: &Admission, account: AccountId) -> Result<(), Error> {
    match admission {
        Admission::Open => {}
        Admission::Invited(token) => {
            let invitation = store::take(tx.conn, token, tx.now)?.ok_or(Rejection::LinkInvalid)?;
            for role in &invitation.roles {
                admin::store::add_role(tx, account, role)?;
            }
            tx.record_by(invitation.inviter.unwrap_or(Actor::Operator), EventKind::InvitationUsed, account)?;
        }
        Admission::FirstAdministrator => {
            admin::store::lock_administrators(tx.conn)?;
            if !admin::store::active_administrators(tx.conn, 1)?.is_empty() {
                return Err(Rejection::LinkInvalid.into());
            }
            admin::store::add_role(tx, account, &Role::admin())?;
            tx.record_by(Actor::Operator, EventKind::RoleAdded, account)?;
        }
    }
    Ok(())
}
