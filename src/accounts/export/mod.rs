//! All accounts with their password hashes, for another application.

mod store;

use std::collections::HashSet;

use serde::Serialize;

use super::{AccountId, Accounts, Email};
use crate::{clock::rfc3339, db, identity::Role, passwords};

/// Accounts that are read at once.
const BATCH: i64 = 500;

/// An account, with the names that an import knows.
#[derive(Debug, Clone, Serialize)]
pub struct ExportedAccount {
    /// User name.
    pub username: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Password hash as it is stored; `None` if there is no usable one.
    pub password: Option<String>,
    /// Whether its owner may sign in.
    pub is_active: bool,
    /// When it was created, in RFC 3339.
    pub created_at: Option<String>,
    /// When its owner last signed in.
    pub last_login: Option<String>,
    /// Roles, sorted.
    pub roles: Vec<String>,
    /// Its id in the application that it was imported from.
    pub legacy_id: Option<String>,
}

impl Accounts {
    /// Returns the accounts after this one, in the order of their creation here, and the last of them.
    pub async fn export(
        &self,
        after: Option<AccountId>,
    ) -> Result<(Vec<ExportedAccount>, Option<AccountId>), db::Error> {
        let (rows, roles) = self.core.database.read(move |conn| store::list(conn, after, BATCH)).await?;
        let last = rows.last().map(|row| row.id);
        let of = |id: AccountId| roles.iter().filter(move |(account, _)| *account == id).map(|(_, role)| role);
        let accounts = rows.into_iter().map(|row| ExportedAccount {
            roles: of(row.id).map(Role::as_str).map(str::to_owned).collect(),
            username: row.username.as_str().to_owned(),
            email: row.email.as_ref().map(Email::as_str).map(str::to_owned),
            password: Some(row.password_hash).filter(|hash| !passwords::is_unusable(hash)),
            is_active: !row.disabled,
            created_at: rfc3339(row.created_at),
            last_login: row.last_sign_in_at.and_then(rfc3339),
            legacy_id: row.legacy_id,
        });
        Ok((accounts.collect(), last))
    }

    /// Returns the ids of all accounts in other applications that are numbers.
    pub async fn numeric_legacy_ids(&self) -> Result<HashSet<u64>, db::Error> {
        let (mut ids, mut after) = (HashSet::new(), None);
        loop {
            let rows = self.core.database.read(move |conn| store::legacy_ids(conn, after, BATCH)).await?;
            let Some((last, _)) = rows.last() else { return Ok(ids) };
            after = Some(*last);
            ids.extend(rows.iter().filter_map(|(_, id)| id.as_deref()?.parse::<u64>().ok()));
        }
    }
}
