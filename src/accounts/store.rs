//! The rows of accounts and of reserved names.

use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, QueryResult, Queryable, RunQueryDsl, Selectable,
    SelectableHelper,
    dsl::{exists, select},
};

use super::{AccountId, Email, LoginName, Username};
use crate::{
    clock::Timestamp,
    db::{
        AnyConnection, cached, for_update,
        schema::{accounts, reserved_names},
    },
    sessions::PreviousSignIn,
    transaction::Transaction,
};

/// What is needed to verify a password.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(super) struct Credential {
    pub(super) id: AccountId,
    pub(super) password_hash: String,
}

/// An account that does not exist yet.
pub(super) struct NewAccount {
    pub(super) id: AccountId,
    pub(super) username: Username,
    pub(super) email: Email,
    pub(super) password_hash: String,
}

#[derive(Insertable)]
#[diesel(table_name = accounts)]
struct NewRow<'a> {
    id: AccountId,
    username: &'a Username,
    email: &'a Email,
    email_key: String,
    password_hash: &'a str,
    created_at: Timestamp,
    last_sign_in_at: Timestamp,
    last_sign_in_address: String,
    last_sign_in_user_agent: &'a str,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
struct LastSignIn {
    #[diesel(column_name = last_sign_in_at)]
    at: Option<Timestamp>,
    #[diesel(column_name = last_sign_in_address)]
    address: String,
    #[diesel(column_name = last_sign_in_user_agent)]
    user_agent: String,
    #[diesel(column_name = failed_sign_ins)]
    failures: i32,
}

impl From<LastSignIn> for PreviousSignIn {
    fn from(row: LastSignIn) -> Self {
        Self { at: row.at, address: row.address, user_agent: row.user_agent, failures: row.failures }
    }
}

/// Inserts an account whose owner signs in at once.
pub(super) fn insert(tx: &mut Transaction<'_>, account: &NewAccount) -> QueryResult<()> {
    let row = NewRow {
        id: account.id,
        username: &account.username,
        email: &account.email,
        email_key: account.email.key(),
        password_hash: &account.password_hash,
        created_at: tx.now,
        last_sign_in_at: tx.now,
        last_sign_in_address: tx.client.stored_address(),
        last_sign_in_user_agent: &tx.client.user_agent,
    };
    diesel::insert_into(accounts::table).values(row).execute(tx.conn).map(|_| ())
}

pub(super) fn find(conn: &mut AnyConnection, login: &LoginName) -> QueryResult<Option<Credential>> {
    let key = match login {
        LoginName::Username(username) => {
            return accounts::table
                .filter(accounts::username.eq(username))
                .select(Credential::as_select())
                .get_result(conn)
                .optional();
        }
        LoginName::Email(email) => email.key(),
        // No account has an empty key. The query runs all the same, so that its time tells nothing.
        LoginName::Other(_) => String::new(),
    };
    accounts::table.filter(accounts::email_key.eq(key)).select(Credential::as_select()).get_result(conn).optional()
}

pub(super) fn find_by_id(conn: &mut AnyConnection, id: AccountId) -> QueryResult<Option<Credential>> {
    accounts::table.find(id).select(Credential::as_select()).get_result(conn).optional()
}

pub(super) fn update_profile(
    tx: &mut Transaction<'_>,
    id: AccountId,
    username: &Username,
    email: &Email,
) -> QueryResult<()> {
    tx.invalidate(id);
    cached(diesel::update(accounts::table.find(id)).set((
        accounts::username.eq(username),
        accounts::email.eq(email),
        accounts::email_key.eq(email.key()),
    )))
    .execute(tx.conn)
    .map(|_| ())
}

pub(super) fn has_username(conn: &mut AnyConnection, username: &Username) -> QueryResult<bool> {
    select(exists(accounts::table.filter(accounts::username.eq(username)))).get_result(conn)
}

pub(super) fn has_email(conn: &mut AnyConnection, email: &Email) -> QueryResult<bool> {
    select(exists(accounts::table.filter(accounts::email_key.eq(email.key())))).get_result(conn)
}

/// Locks the account until the transaction ends, and returns its last sign-in. `None` if the credential is no longer
/// the account's.
pub(super) fn lock(conn: &mut AnyConnection, credential: &Credential) -> QueryResult<Option<PreviousSignIn>> {
    let account = accounts::table
        .find(credential.id)
        .filter(accounts::password_hash.eq(&credential.password_hash))
        .select(LastSignIn::as_select());
    let row: Option<LastSignIn> = for_update(account).get_result(conn).optional()?;
    Ok(row.map(PreviousSignIn::from))
}

pub(super) fn replace_hash(tx: &mut Transaction<'_>, id: AccountId, hash: &str) -> QueryResult<()> {
    cached(diesel::update(accounts::table.find(id)).set(accounts::password_hash.eq(hash))).execute(tx.conn).map(|_| ())
}

/// Makes the transaction's client the last sign-in.
pub(super) fn record_sign_in(tx: &mut Transaction<'_>, id: AccountId) -> QueryResult<()> {
    cached(diesel::update(accounts::table.find(id)).set((
        accounts::last_sign_in_at.eq(tx.now),
        accounts::last_sign_in_address.eq(tx.client.stored_address()),
        accounts::last_sign_in_user_agent.eq(&*tx.client.user_agent),
        accounts::failed_sign_ins.eq(0),
    )))
    .execute(tx.conn)
    .map(|_| ())
}

pub(super) fn count_failed_sign_in(conn: &mut AnyConnection, id: AccountId) -> QueryResult<()> {
    cached(diesel::update(accounts::table.find(id)).set(accounts::failed_sign_ins.eq(accounts::failed_sign_ins + 1)))
        .execute(conn)
        .map(|_| ())
}

/// Deletes an account; its sessions go with it. Returns whether it existed.
pub(super) fn delete(tx: &mut Transaction<'_>, id: AccountId) -> QueryResult<bool> {
    tx.invalidate(id);
    diesel::delete(accounts::table.find(id)).execute(tx.conn).map(|rows| rows > 0)
}

/// Reserves a name, as its keyed hash, until then.
pub(super) fn reserve(conn: &mut AnyConnection, name: &[u8; 32], until: Timestamp) -> QueryResult<()> {
    diesel::delete(reserved_names::table.find(&name[..])).execute(conn)?;
    diesel::insert_into(reserved_names::table)
        .values((reserved_names::name.eq(&name[..]), reserved_names::until.eq(until)))
        .execute(conn)
        .map(|_| ())
}

pub(super) fn is_reserved(conn: &mut AnyConnection, name: &[u8; 32], now: Timestamp) -> QueryResult<bool> {
    select(exists(reserved_names::table.find(&name[..]).filter(reserved_names::until.gt(now)))).get_result(conn)
}

pub(super) fn release_names(conn: &mut AnyConnection, now: Timestamp) -> QueryResult<usize> {
    diesel::delete(reserved_names::table.filter(reserved_names::until.le(now))).execute(conn)
}
