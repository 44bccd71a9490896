//! The queries about password hashes of other systems.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl, dsl::count_star};

use crate::db::{
    AnyConnection,
    schema::{accounts, flask_security_keys, foreign_hashes},
};

/// Classes that the mix consists of, at most. There are a dozen in practice.
const MAX_CLASSES: usize = 64;

/// Accounts whose hashes take the same work.
#[derive(Debug, Clone)]
pub(super) struct ClassRow {
    pub(super) accounts: i64,
    /// The hash of one of them.
    pub(super) example: String,
}

/// Returns the classes of the hashes of other systems, the most frequent first, and the number of all accounts, which
/// is not counted if there are no classes. Reads a whole index.
pub(super) fn classes(conn: &mut AnyConnection) -> QueryResult<(Vec<ClassRow>, i64)> {
    let counts = foreign_hashes::table.group_by(foreign_hashes::class).select((foreign_hashes::class, count_star()));
    let mut counts: Vec<(String, i64)> = counts.load(conn)?;
    if counts.is_empty() {
        return Ok((Vec::new(), 0));
    }
    counts.sort_by_key(|(_, accounts)| std::cmp::Reverse(*accounts));
    counts.truncate(MAX_CLASSES);
    let mut classes = Vec::new();
    for (class, accounts) in counts {
        let one = foreign_hashes::table.inner_join(accounts::table).filter(foreign_hashes::class.eq(&class));
        let one = one.order(foreign_hashes::account_id).limit(1).select(accounts::password_hash);
        // Its owner may have signed in since.
        if let Some(example) = one.get_result(conn).optional()? {
            classes.push(ClassRow { accounts, example });
        }
    }
    Ok((classes, accounts::table.count().get_result(conn)?))
}

/// Returns the names of all keys of Flask-Security, with the encrypted keys.
pub(super) fn flask_security_keys(conn: &mut AnyConnection) -> QueryResult<Vec<(String, Vec<u8>)>> {
    flask_security_keys::table.load(conn)
}

/// Stores an encrypted key, also in place of the former one of this name.
pub(super) fn replace_key(conn: &mut AnyConnection, name: &str, encrypted: &[u8]) -> QueryResult<()> {
    diesel::delete(flask_security_keys::table.find(name)).execute(conn)?;
    diesel::insert_into(flask_security_keys::table)
        .values((flask_security_keys::name.eq(name), flask_security_keys::encrypted.eq(encrypted)))
        .execute(conn)
        .map(|_| ())
}
