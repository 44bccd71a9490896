//! The rows of applications.

use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, QueryResult, Queryable, RunQueryDsl,
    Selectable, SelectableHelper,
};

use super::AppId;
use crate::{
    clock::Timestamp,
    db::{
        AnyConnection, for_update,
        schema::{apps, locks},
        types::text_type,
    },
};

/// The row of `locks` that serializes changes.
const LOCK: &str = "apps";

text_type!(AppId, AppId::as_str, AppId::from_stored);

/// An application as the database holds it. Lists are separated by spaces.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = apps, treat_none_as_null = true)]
pub(super) struct Row {
    pub(super) id: AppId,
    pub(super) name: String,
    pub(super) url: Option<String>,
    pub(super) roles: String,
    pub(super) cors: String,
    pub(super) tokens: Option<String>,
    /// Encrypted.
    pub(super) hs256_secret: Option<Vec<u8>>,
    pub(super) created_at: Timestamp,
}

/// Serializes changes until the end of the transaction. Rules over several applications are checked after it.
pub(super) fn lock(conn: &mut AnyConnection) -> QueryResult<()> {
    for_update(locks::table.find(LOCK).select(locks::name)).get_result::<String>(conn).map(|_| ())
}

/// Returns all applications, sorted by id.
pub(super) fn list(conn: &mut AnyConnection) -> QueryResult<Vec<Row>> {
    apps::table.order(apps::id).select(Row::as_select()).load(conn)
}

/// Returns at most `limit` applications whose ids come after this one, sorted by id.
pub(super) fn list_after(conn: &mut AnyConnection, id: Option<&AppId>, limit: usize) -> QueryResult<Vec<Row>> {
    apps::table
        .filter(apps::id.gt(id.map_or("", AppId::as_str)))
        .order(apps::id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(Row::as_select())
        .load(conn)
}

pub(super) fn find(conn: &mut AnyConnection, id: &AppId) -> QueryResult<Option<Row>> {
    apps::table.find(id).select(Row::as_select()).get_result(conn).optional()
}

pub(super) fn count(conn: &mut AnyConnection) -> QueryResult<i64> {
    apps::table.count().get_result(conn)
}

pub(super) fn insert(conn: &mut AnyConnection, row: &Row) -> QueryResult<()> {
    diesel::insert_into(apps::table).values(row).execute(conn).map(|_| ())
}

pub(super) fn update(conn: &mut AnyConnection, row: &Row) -> QueryResult<()> {
    diesel::update(apps::table.find(&row.id)).set(row).execute(conn).map(|_| ())
}

/// Deletes an application. Returns whether there was one.
pub(super) fn delete(conn: &mut AnyConnection, id: &AppId) -> QueryResult<bool> {
    Ok(diesel::delete(apps::table.find(id)).execute(conn)? > 0)
}
