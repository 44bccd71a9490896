//! The rows of signing keys.

use diesel::{
    ExpressionMethods, Insertable, QueryDsl, QueryResult, Queryable, RunQueryDsl, Selectable, SelectableHelper,
};

use crate::{
    clock::Timestamp,
    db::{
        AnyConnection, for_update,
        schema::{locks, signing_keys},
    },
};

/// The row of `locks` that serializes the creation of keys.
const LOCK: &str = "signing keys";
/// Keys that are read at most. There are two, and a third for a day after a rotation.
const MAX_KEYS: i64 = 100;

/// A stored key.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys)]
pub(super) struct Row {
    /// The `kid`.
    pub(super) id: String,
    /// Encrypted.
    pub(super) private_key: Vec<u8>,
    pub(super) signs_from: Timestamp,
}

/// Returns all keys, the oldest first.
pub(super) fn load(conn: &mut AnyConnection) -> QueryResult<Vec<Row>> {
    let keys = signing_keys::table.order((signing_keys::signs_from, signing_keys::id)).limit(MAX_KEYS);
    keys.select(Row::as_select()).load(conn)
}

/// Makes other processes wait until the transaction ends.
pub(super) fn lock(conn: &mut AnyConnection) -> QueryResult<()> {
    for_update(locks::table.find(LOCK).select(locks::name)).get_result::<String>(conn).map(|_| ())
}

pub(super) fn insert(conn: &mut AnyConnection, row: &Row) -> QueryResult<()> {
    diesel::insert_into(signing_keys::table).values(row).execute(conn).map(|_| ())
}

pub(super) fn delete(conn: &mut AnyConnection, ids: &[String]) -> QueryResult<()> {
    diesel::delete(signing_keys::table.filter(signing_keys::id.eq_any(ids))).execute(conn).map(|_| ())
}
