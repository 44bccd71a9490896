//! The queries of an export.

use diesel::{ExpressionMethods, QueryDsl, QueryResult, Queryable, RunQueryDsl, Selectable, SelectableHelper};

use crate::{
    accounts::{AccountId, Email, Username},
    clock::Timestamp,
    db::{
        AnyConnection, MultiBackend,
        schema::{account_roles, accounts},
    },
    identity::Role,
};

/// An account with everything that another application needs of it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(super) struct Row {
    pub(super) id: AccountId,
    pub(super) username: Username,
    pub(super) email: Option<Email>,
    pub(super) password_hash: String,
    pub(super) disabled: bool,
    pub(super) created_at: Timestamp,
    pub(super) last_sign_in_at: Option<Timestamp>,
    pub(super) legacy_id: Option<String>,
}

/// Each account with one of its roles.
pub(super) type AllRoles = Vec<(AccountId, Role)>;

/// Returns at most `limit` accounts after this one, in the order of their ids, and their roles.
pub(super) fn list(
    conn: &mut AnyConnection,
    after: Option<AccountId>,
    limit: i64,
) -> QueryResult<(Vec<Row>, AllRoles)> {
    let rows = accounts::table.order(accounts::id).limit(limit).select(Row::as_select());
    let mut rows = rows.into_boxed::<MultiBackend>();
    if let Some(after) = after {
        rows = rows.filter(accounts::id.gt(after));
    }
    let rows: Vec<Row> = rows.load(conn)?;
    let roles = account_roles::table
        .filter(account_roles::account_id.eq_any(rows.iter().map(|row| row.id)))
        .order((account_roles::account_id, account_roles::role))
        .select((account_roles::account_id, account_roles::role))
        .load(conn)?;
    Ok((rows, roles))
}

/// Returns the ids that at most `limit` accounts after this one have in another application.
pub(super) fn legacy_ids(
    conn: &mut AnyConnection,
    after: Option<AccountId>,
    limit: i64,
) -> QueryResult<Vec<(AccountId, Option<String>)>> {
    let rows = accounts::table.order(accounts::id).limit(limit).select((accounts::id, accounts::legacy_id));
    let mut rows = rows.into_boxed::<MultiBackend>();
    if let Some(after) = after {
        rows = rows.filter(accounts::id.gt(after));
    }
    rows.load(conn)
}
