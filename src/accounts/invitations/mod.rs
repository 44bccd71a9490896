//! Invitations: links to register, each for one account.

mod store;

use std::{fmt, str::FromStr, time::Duration};

use uuid::Uuid;

use super::{AccountId, Accounts, Error, LinkToken, Rejection, admin};
use crate::{
    client::Client,
    clock::Timestamp,
    config::Registration,
    db,
    events::{Actor, EventKind},
    identity::Role,
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
    fn is_valid(&self, now: Timestamp) -> bool {
        self.used_at.is_none() && now < self.expires_at
    }
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

    /// Makes an invitation that is valid for `lifetime`. Returns its id and the token of its link.
    pub async fn invite(
        &self,
        roles: Vec<Role>,
        lifetime: Duration,
        client: &Client,
    ) -> Result<(InvitationId, LinkToken), db::Error> {
        self.core
            .transactions
            .run(client, move |tx| {
                let (id, token) = (InvitationId(Uuid::now_v7()), LinkToken::new());
                store::insert(tx.conn, id, &token, Actor::Operator, &roles, (tx.now, tx.now.plus(lifetime)))?;
                tx.record_without_account(Actor::Operator, EventKind::InvitationCreated)?;
                Ok::<_, db::Error>((id, token))
            })
            .await
    }

    /// Returns at most `limit` invitations that are older than `before`, the newest first.
    pub async fn invitations(&self, before: Option<InvitationId>, limit: usize) -> Result<Vec<Invitation>, db::Error> {
        self.core.database.read(move |conn| store::list(conn, before, limit)).await
    }

    /// Makes an invitation invalid. Returns whether there was one that was not used.
    pub async fn revoke_invitation(&self, id: InvitationId, client: &Client) -> Result<bool, db::Error> {
        self.core
            .transactions
            .run(client, move |tx| {
                let revoked = store::delete_unused(tx.conn, id)?;
                if revoked {
                    tx.record_without_account(Actor::Operator, EventKind::InvitationRevoked)?;
                }
                Ok::<_, db::Error>(revoked)
            })
            .await
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
