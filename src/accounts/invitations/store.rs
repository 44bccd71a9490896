//! The rows of invitations.

use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, QueryResult, Queryable, RunQueryDsl, Selectable,
    SelectableHelper,
};

use super::{Invitation, InvitationId};
use crate::{
    accounts::LinkToken,
    clock::Timestamp,
    db::{AnyConnection, cached, for_update, schema::invitations, types::binary_id},
    events::Actor,
    identity::Role,
};

/// Rows that one transaction deletes at most.
const BATCH: i64 = 500;

binary_id!(InvitationId);

#[derive(Insertable)]
#[diesel(table_name = invitations)]
struct NewRow {
    id: InvitationId,
    token_hash: Vec<u8>,
    inviter: String,
    roles: String,
    created_at: Timestamp,
    expires_at: Timestamp,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = invitations)]
struct Row {
    id: InvitationId,
    inviter: String,
    roles: String,
    expires_at: Timestamp,
    used_at: Option<Timestamp>,
}

impl From<Row> for Invitation {
    fn from(row: Row) -> Self {
        let Row { id, inviter, roles, expires_at, used_at } = row;
        let roles = roles.split_whitespace().filter_map(|role| role.parse().ok()).collect();
        Self { id, inviter: inviter.parse().ok(), roles, expires_at, used_at }
    }
}

pub(super) fn insert(
    conn: &mut AnyConnection,
    id: InvitationId,
    token: &LinkToken,
    inviter: Actor,
    roles: &[Role],
    (created_at, expires_at): (Timestamp, Timestamp),
) -> QueryResult<()> {
    let roles = roles.iter().map(Role::as_str).collect::<Vec<_>>().join(" ");
    let row = NewRow { id, token_hash: token.hash(), inviter: inviter.to_string(), roles, created_at, expires_at };
    diesel::insert_into(invitations::table).values(row).execute(conn).map(|_| ())
}

/// Returns the invitation with this token if it is valid at `now`.
pub(super) fn find(conn: &mut AnyConnection, token: &LinkToken, now: Timestamp) -> QueryResult<Option<Invitation>> {
    let row = invitations::table
        .filter(invitations::token_hash.eq(token.hash()))
        .select(Row::as_select())
        .get_result(conn)
        .optional()?;
    Ok(row.map(Invitation::from).filter(|invitation| invitation.is_valid(now)))
}

/// The same, and marks it as used. Locks its row first, so that of two transactions one finds it used.
pub(super) fn take(conn: &mut AnyConnection, token: &LinkToken, now: Timestamp) -> QueryResult<Option<Invitation>> {
    let row = invitations::table.filter(invitations::token_hash.eq(token.hash())).select(Row::as_select());
    let row: Option<Row> = for_update(row).get_result(conn).optional()?;
    let Some(invitation) = row.map(Invitation::from).filter(|invitation| invitation.is_valid(now)) else {
        return Ok(None);
    };
    cached(diesel::update(invitations::table.find(invitation.id)).set(invitations::used_at.eq(now))).execute(conn)?;
    Ok(Some(invitation))
}

pub(super) fn list(
    conn: &mut AnyConnection,
    before: Option<InvitationId>,
    limit: usize,
) -> QueryResult<Vec<Invitation>> {
    let before = before.unwrap_or(InvitationId::MAX);
    let rows: Vec<Row> = invitations::table
        .filter(invitations::id.lt(before))
        .order(invitations::id.desc())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Invitation::from).collect())
}

/// Deletes an invitation that was not used. Returns whether there was one.
pub(super) fn delete_unused(conn: &mut AnyConnection, id: InvitationId) -> QueryResult<bool> {
    let unused = invitations::table.find(id).filter(invitations::used_at.is_null());
    Ok(diesel::delete(unused).execute(conn)? > 0)
}

/// Deletes a batch of invitations that expired before `since`. Returns their number.
pub(super) fn delete_expired(conn: &mut AnyConnection, since: Timestamp) -> QueryResult<usize> {
    let expired: Vec<InvitationId> = invitations::table
        .filter(invitations::expires_at.lt(since))
        .order(invitations::expires_at)
        .limit(BATCH)
        .select(invitations::id)
        .load(conn)?;
    diesel::delete(invitations::table.filter(invitations::id.eq_any(expired))).execute(conn)
}
