//! The rows of accounts and of reserved names.

use std::time::Duration;

use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, QueryResult, Queryable, RunQueryDsl, Selectable,
    SelectableHelper,
    dsl::{exists, select},
};
use tracing::error;

use super::{AccountId, Email, LoginName, Username};
use crate::{
    clock::Timestamp,
    db::{
        AnyConnection, cached, for_update,
        schema::{account_roles, accounts, foreign_hashes, reserved_names, reset_links},
    },
    language::Language,
    passwords::{self, foreign::PasswordHash},
    sessions::{ActingSession, PreviousSignIn},
    transaction::Transaction,
};

/// Former names of one account that are reserved at most.
const FORMER_NAMES: usize = 5;

/// What is needed to verify a password.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(super) struct Credential {
    pub(super) id: AccountId,
    pub(super) password_hash: String,
    /// Device cookies from before this time are not trusted.
    pub(super) devices_trusted_since: Timestamp,
    disabled: bool,
}

impl Credential {
    /// Returns the hash to verify a password with; `None` if the account has no password.
    pub(super) fn usable_hash(&self) -> Option<PasswordHash> {
        if passwords::is_unusable(&self.password_hash) {
            return None;
        }
        PasswordHash::parse(&self.password_hash)
            .inspect_err(|error| error!(account_id = %self.id, %error, "an account cannot sign in"))
            .ok()
    }

    /// Whether the owner may sign in.
    pub(super) fn is_enabled(&self) -> bool {
        !self.disabled
    }
}

/// An account that does not exist yet.
pub(super) struct NewAccount {
    pub(super) id: AccountId,
    pub(super) username: Username,
    pub(super) email: Option<Email>,
    pub(super) password_hash: String,
    pub(super) language: Option<Language>,
    /// Whether its owner signs in at once.
    pub(super) signs_in: bool,
}

#[derive(Insertable)]
#[diesel(table_name = accounts)]
struct NewRow<'a> {
    id: AccountId,
    username: &'a Username,
    email: Option<&'a Email>,
    email_key: Option<String>,
    password_hash: &'a str,
    created_at: Timestamp,
    updated_at: Timestamp,
    last_sign_in_at: Option<Timestamp>,
    last_sign_in_address: String,
    last_sign_in_user_agent: &'a str,
    language: Option<&'static str>,
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

/// Inserts an account.
pub(super) fn insert(tx: &mut Transaction<'_>, account: &NewAccount) -> QueryResult<()> {
    let row = NewRow {
        id: account.id,
        username: &account.username,
        email: account.email.as_ref(),
        email_key: account.email.as_ref().map(Email::key),
        password_hash: &account.password_hash,
        created_at: tx.now,
        updated_at: tx.now,
        last_sign_in_at: account.signs_in.then_some(tx.now),
        last_sign_in_address: if account.signs_in { tx.client.stored_address() } else { String::new() },
        last_sign_in_user_agent: if account.signs_in { &tx.client.user_agent } else { "" },
        language: account.language.map(Language::code),
    };
    diesel::insert_into(accounts::table).values(row).execute(tx.conn)?;
    tx.mark_locked(account.id);
    Ok(())
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
        // No account has an empty key. The query runs all the same, so that its time discloses nothing.
        LoginName::Other(_) => String::new(),
    };
    accounts::table.filter(accounts::email_key.eq(key)).select(Credential::as_select()).get_result(conn).optional()
}

pub(super) fn find_by_id(conn: &mut AnyConnection, id: AccountId) -> QueryResult<Option<Credential>> {
    accounts::table.find(id).select(Credential::as_select()).get_result(conn).optional()
}

/// Whether an account has one of these roles.
pub(super) fn has_role_of(conn: &mut AnyConnection, id: AccountId, roles: &[&str]) -> QueryResult<bool> {
    let held = account_roles::table.filter(account_roles::account_id.eq(id)).filter(account_roles::role.eq_any(roles));
    select(exists(held)).get_result(conn)
}

/// Changes the names. Without `email`, the account keeps the address that it has, if any.
pub(super) fn update_profile(
    tx: &mut Transaction<'_>,
    acting: &ActingSession<'_>,
    username: &Username,
    email: Option<&Email>,
) -> QueryResult<()> {
    let id = acting.account.id;
    tx.invalidate(id);
    cached(diesel::update(accounts::table.find(id)).set((
        accounts::username.eq(username),
        email.map(|email| accounts::email.eq(email)),
        email.map(|email| accounts::email_key.eq(email.key())),
        accounts::updated_at.eq(tx.now),
    )))
    .execute(tx.conn)
    .map(|_| ())
}

pub(super) fn set_language(
    tx: &mut Transaction<'_>,
    acting: &ActingSession<'_>,
    language: Language,
) -> QueryResult<()> {
    let id = acting.account.id;
    tx.invalidate(id);
    cached(diesel::update(accounts::table.find(id)).set(accounts::language.eq(language.code())))
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
/// the account's, or the account is disabled.
pub(super) fn lock(tx: &mut Transaction<'_>, credential: &Credential) -> QueryResult<Option<PreviousSignIn>> {
    let account = accounts::table
        .find(credential.id)
        .filter(accounts::password_hash.eq(&credential.password_hash))
        .filter(accounts::disabled.eq(false))
        .select(LastSignIn::as_select());
    let row: Option<LastSignIn> = for_update(account).get_result(tx.conn).optional()?;
    if row.is_some() {
        tx.mark_locked(credential.id);
    }
    Ok(row.map(PreviousSignIn::from))
}

/// Replaces the password hash by one of ours.
pub(super) fn replace_hash(tx: &mut Transaction<'_>, id: AccountId, hash: &str) -> QueryResult<()> {
    cached(diesel::update(accounts::table.find(id)).set(accounts::password_hash.eq(hash))).execute(tx.conn)?;
    diesel::delete(foreign_hashes::table.find(id)).execute(tx.conn).map(|_| ())
}

/// Invalidates all device cookies that the account has been given until now. Returns the earliest time of a valid one,
/// which is later than the last sign-in: that may have begun after this transaction and committed before it, or in the
/// same millisecond.
pub(super) fn invalidate_devices(tx: &mut Transaction<'_>, id: AccountId) -> QueryResult<Timestamp> {
    let account = accounts::table.find(id);
    let last_sign_in: Option<Timestamp> = account.select(accounts::last_sign_in_at).get_result(tx.conn)?;
    let since = last_sign_in.map_or(tx.now, |at| at.max(tx.now)).plus(Duration::from_millis(1));
    cached(diesel::update(account).set(accounts::devices_trusted_since.eq(since))).execute(tx.conn)?;
    Ok(since)
}

/// The account that a link sets the password of.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(super) struct ResetTarget {
    #[diesel(column_name = id)]
    pub(super) account: AccountId,
    pub(super) username: Username,
    pub(super) email: Option<Email>,
}

/// Returns the account of a link that is valid at `now`, given the hash of its token.
pub(super) fn reset_target(
    conn: &mut AnyConnection,
    token_hash: &[u8],
    now: Timestamp,
) -> QueryResult<Option<ResetTarget>> {
    reset_links::table
        .inner_join(accounts::table)
        .filter(reset_links::token_hash.eq(token_hash))
        .filter(reset_links::expires_at.gt(now))
        .filter(accounts::disabled.eq(false))
        .select(ResetTarget::as_select())
        .get_result(conn)
        .optional()
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

/// Subtracts a failed reauthentication from the failed sign-ins, because the counters of the account contain both.
pub(super) fn exclude_failure(conn: &mut AnyConnection, id: AccountId) -> QueryResult<()> {
    let excluded = accounts::failed_sign_ins.eq(accounts::failed_sign_ins - 1);
    cached(diesel::update(accounts::table.find(id)).set(excluded)).execute(conn).map(|_| ())
}

/// Sets the number of failed attempts since the last sign-in. A reauthentication resets the counters, which would lose
/// it; a sign-in sets it to zero.
pub(super) fn set_failures(tx: &mut Transaction<'_>, id: AccountId, failures: i32) -> QueryResult<()> {
    cached(diesel::update(accounts::table.find(id)).set(accounts::failed_sign_ins.eq(failures)))
        .execute(tx.conn)
        .map(|_| ())
}

/// Whether the account still has the user name that `acting` shows: another process may have changed it since the
/// session was read.
pub(super) fn has_current_name(tx: &mut Transaction<'_>, acting: &ActingSession<'_>) -> QueryResult<bool> {
    let account = accounts::table.find(acting.account.id).select(accounts::username);
    Ok(account.get_result::<Username>(tx.conn)? == acting.account.username)
}

/// Deletes an account. Without it, its sessions are ended; they have to be deleted in batches.
pub(super) fn delete(tx: &mut Transaction<'_>, id: AccountId) -> QueryResult<()> {
    tx.invalidate(id);
    diesel::delete(accounts::table.find(id)).execute(tx.conn).map(|_| ())
}

/// Reserves a former user name, as its keyed hash, until then. If the account still exists, it may take the name back,
/// and only its last [`FORMER_NAMES`] names are reserved, so that renaming cannot block many names.
pub(super) fn reserve(
    conn: &mut AnyConnection,
    name: &[u8; 32],
    until: Timestamp,
    account: Option<AccountId>,
) -> QueryResult<()> {
    diesel::delete(reserved_names::table.find(&name[..])).execute(conn)?;
    if let Some(account) = account {
        let mut former: Vec<Vec<u8>> = reserved_names::table
            .filter(reserved_names::account_id.eq(account))
            .order(reserved_names::until.desc())
            .select(reserved_names::name)
            .load(conn)?;
        let surplus = former.split_off(former.len().min(FORMER_NAMES - 1));
        diesel::delete(reserved_names::table.filter(reserved_names::name.eq_any(surplus))).execute(conn)?;
    }
    diesel::insert_into(reserved_names::table)
        .values((
            reserved_names::name.eq(&name[..]),
            reserved_names::until.eq(until),
            reserved_names::account_id.eq(account),
        ))
        .execute(conn)
        .map(|_| ())
}

/// Whether a name with one of these hashes is reserved for others than `account`.
pub(super) fn is_reserved(
    conn: &mut AnyConnection,
    hashes: &[[u8; 32]],
    account: Option<AccountId>,
    now: Timestamp,
) -> QueryResult<bool> {
    let names: Vec<&[u8]> = hashes.iter().map(|hash| &hash[..]).collect();
    let owners: Vec<Option<AccountId>> = reserved_names::table
        .filter(reserved_names::name.eq_any(names))
        .filter(reserved_names::until.gt(now))
        .select(reserved_names::account_id)
        .load(conn)?;
    Ok(owners.iter().any(|owner| owner.is_none() || *owner != account))
}

pub(super) fn release_names(conn: &mut AnyConnection, now: Timestamp) -> QueryResult<usize> {
    diesel::delete(reserved_names::table.filter(reserved_names::until.le(now))).execute(conn)
}
