//! The rows of accounts. Nothing here decides anything.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl,
    dsl::{exists, select},
};
use uuid::Uuid;

use super::{Email, Username, gate::Name};
use crate::{
    clock::Timestamp,
    db::{AnyConnection, schema::accounts},
};

/// What is needed to compare a password.
#[derive(Debug, Clone)]
pub(super) struct Credential {
    pub(super) id: Uuid,
    pub(super) password_hash: String,
}

/// An account that is not there yet.
pub(super) struct NewAccount {
    pub(super) id: Uuid,
    pub(super) username: Username,
    pub(super) email: Email,
    pub(super) password_hash: String,
    pub(super) created_at: Timestamp,
}

pub(super) fn insert(conn: &mut AnyConnection, account: &NewAccount) -> QueryResult<()> {
    diesel::insert_into(accounts::table)
        .values((
            accounts::id.eq(&account.id.as_bytes()[..]),
            accounts::username.eq(account.username.as_str()),
            accounts::email.eq(account.email.as_str()),
            accounts::email_key.eq(account.email.key()),
            accounts::password_hash.eq(&account.password_hash),
            accounts::created_at.eq(account.created_at),
            accounts::last_sign_in_at.eq(account.created_at),
        ))
        .execute(conn)
        .map(|_| ())
}

pub(super) fn find(conn: &mut AnyConnection, name: &Name) -> QueryResult<Option<Credential>> {
    let columns = (accounts::id, accounts::password_hash);
    let found: Option<(Vec<u8>, String)> = match name {
        Name::Username(username) => {
            accounts::table.filter(accounts::username.eq(username.as_str())).select(columns).first(conn).optional()?
        }
        // One query also for what is nobody's name, as for names that are.
        Name::Email(_) | Name::Other(_) => {
            let key = match name {
                Name::Email(email) => email.key(),
                _ => String::new(),
            };
            accounts::table.filter(accounts::email_key.eq(key)).select(columns).first(conn).optional()?
        }
    };
    found
        .map(|(id, password_hash)| {
            let id =
                Uuid::from_slice(&id).map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))?;
            Ok(Credential { id, password_hash })
        })
        .transpose()
}

pub(super) fn find_by_id(conn: &mut AnyConnection, id: Uuid) -> QueryResult<Option<Credential>> {
    let hash = accounts::table.find(&id.as_bytes()[..]).select(accounts::password_hash).first(conn).optional()?;
    Ok(hash.map(|password_hash| Credential { id, password_hash }))
}

pub(super) fn update_profile(
    conn: &mut AnyConnection,
    id: Uuid,
    username: &Username,
    email: &Email,
) -> QueryResult<()> {
    diesel::update(accounts::table.find(&id.as_bytes()[..]))
        .set((
            accounts::username.eq(username.as_str()),
            accounts::email.eq(email.as_str()),
            accounts::email_key.eq(email.key()),
        ))
        .execute(conn)
        .map(|_| ())
}

pub(super) fn has_username(conn: &mut AnyConnection, username: &Username) -> QueryResult<bool> {
    select(exists(accounts::table.filter(accounts::username.eq(username.as_str())))).get_result(conn)
}

pub(super) fn has_email(conn: &mut AnyConnection, email: &Email) -> QueryResult<bool> {
    select(exists(accounts::table.filter(accounts::email_key.eq(email.key())))).get_result(conn)
}

pub(super) fn still_has_hash(conn: &mut AnyConnection, credential: &Credential) -> QueryResult<bool> {
    // A write, because on both databases it keeps others from changing the row until the transaction ends.
    diesel::update(
        accounts::table
            .find(&credential.id.as_bytes()[..])
            .filter(accounts::password_hash.eq(&credential.password_hash)),
    )
    .set(accounts::password_hash.eq(accounts::password_hash))
    .execute(conn)
    .map(|rows| rows > 0)
}

pub(super) fn replace_hash(conn: &mut AnyConnection, id: Uuid, hash: &str) -> QueryResult<()> {
    diesel::update(accounts::table.find(&id.as_bytes()[..]))
        .set(accounts::password_hash.eq(hash))
        .execute(conn)
        .map(|_| ())
}

/// Notes that somebody signed in now; tells when they did before.
pub(super) fn note_sign_in(conn: &mut AnyConnection, id: Uuid, now: Timestamp) -> QueryResult<Option<Timestamp>> {
    let account = accounts::table.find(&id.as_bytes()[..]);
    let previous = account.select(accounts::last_sign_in_at).first(conn)?;
    diesel::update(account).set(accounts::last_sign_in_at.eq(now)).execute(conn)?;
    Ok(previous)
}
