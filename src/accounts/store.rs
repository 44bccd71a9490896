//! The rows of accounts. Nothing here decides anything.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl,
    dsl::{exists, select},
};
use uuid::Uuid;

use super::{Email, Username, verify_password::Name};
use crate::{
    client::Client,
    clock::Timestamp,
    db::{
        AnyConnection, locking, prepared,
        schema::{accounts, reserved_names},
    },
    sessions::Previously,
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

pub(super) fn insert(conn: &mut AnyConnection, account: &NewAccount, client: &Client) -> QueryResult<()> {
    diesel::insert_into(accounts::table)
        .values((
            accounts::id.eq(&account.id.as_bytes()[..]),
            accounts::username.eq(account.username.as_str()),
            accounts::email.eq(account.email.as_str()),
            accounts::email_key.eq(account.email.key()),
            accounts::password_hash.eq(&account.password_hash),
            accounts::created_at.eq(account.created_at),
            accounts::last_sign_in_at.eq(account.created_at),
            accounts::last_sign_in_address.eq(client.address.to_canonical().to_string()),
            accounts::last_sign_in_user_agent.eq(&*client.user_agent),
        ))
        .execute(conn)
        .map(|_| ())
}

pub(super) fn find(conn: &mut AnyConnection, name: &Name) -> QueryResult<Option<Credential>> {
    let columns = (accounts::id, accounts::password_hash);
    let found: Option<(Vec<u8>, String)> = match name {
        Name::Username(username) => accounts::table
            .filter(accounts::username.eq(username.as_str()))
            .select(columns)
            .get_result(conn)
            .optional()?,
        // One query also for what is nobody's name, as for names that are.
        Name::Email(_) | Name::Other(_) => {
            let key = match name {
                Name::Email(email) => email.key(),
                _ => String::new(),
            };
            accounts::table.filter(accounts::email_key.eq(key)).select(columns).get_result(conn).optional()?
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
    let hash = accounts::table.find(&id.as_bytes()[..]).select(accounts::password_hash).get_result(conn).optional()?;
    Ok(hash.map(|password_hash| Credential { id, password_hash }))
}

pub(super) fn update_profile(
    conn: &mut AnyConnection,
    id: Uuid,
    username: &Username,
    email: &Email,
) -> QueryResult<()> {
    prepared(diesel::update(accounts::table.find(&id.as_bytes()[..])).set((
        accounts::username.eq(username.as_str()),
        accounts::email.eq(email.as_str()),
        accounts::email_key.eq(email.key()),
    )))
    .execute(conn)
    .map(|_| ())
}

pub(super) fn has_username(conn: &mut AnyConnection, username: &Username) -> QueryResult<bool> {
    select(exists(accounts::table.filter(accounts::username.eq(username.as_str())))).get_result(conn)
}

pub(super) fn has_email(conn: &mut AnyConnection, email: &Email) -> QueryResult<bool> {
    select(exists(accounts::table.filter(accounts::email_key.eq(email.key())))).get_result(conn)
}

/// What there was before a sign-in with this credential, if it is still the account's; nobody changes the account until the
/// transaction ends.
pub(super) fn lock(conn: &mut AnyConnection, credential: &Credential) -> QueryResult<Option<Previously>> {
    let account = accounts::table
        .find(&credential.id.as_bytes()[..])
        .filter(accounts::password_hash.eq(&credential.password_hash))
        .select((
            accounts::last_sign_in_at,
            accounts::last_sign_in_address,
            accounts::last_sign_in_user_agent,
            accounts::failed_sign_ins,
        ));
    let found = locking(account).get_result(conn).optional()?;
    Ok(found.map(|(at, address, user_agent, failures)| Previously { at, address, user_agent, failures }))
}

pub(super) fn replace_hash(conn: &mut AnyConnection, id: Uuid, hash: &str) -> QueryResult<()> {
    prepared(diesel::update(accounts::table.find(&id.as_bytes()[..])).set(accounts::password_hash.eq(hash)))
        .execute(conn)
        .map(|_| ())
}

/// Notes that somebody signed in now.
pub(super) fn note_sign_in(conn: &mut AnyConnection, id: Uuid, client: &Client, now: Timestamp) -> QueryResult<()> {
    prepared(diesel::update(accounts::table.find(&id.as_bytes()[..])).set((
        accounts::last_sign_in_at.eq(now),
        accounts::last_sign_in_address.eq(client.address.to_canonical().to_string()),
        accounts::last_sign_in_user_agent.eq(&*client.user_agent),
        accounts::failed_sign_ins.eq(0),
    )))
    .execute(conn)
    .map(|_| ())
}

/// Notes that somebody tried the password and failed.
pub(super) fn note_failure(conn: &mut AnyConnection, id: Uuid) -> QueryResult<()> {
    prepared(
        diesel::update(accounts::table.find(&id.as_bytes()[..]))
            .set(accounts::failed_sign_ins.eq(accounts::failed_sign_ins + 1)),
    )
    .execute(conn)
    .map(|_| ())
}

/// Removes an account; its sessions go with it.
pub(super) fn delete(conn: &mut AnyConnection, id: Uuid) -> QueryResult<bool> {
    diesel::delete(accounts::table.find(&id.as_bytes()[..])).execute(conn).map(|rows| rows > 0)
}

/// Keeps a name from others until then.
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
