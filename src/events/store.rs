//! The rows of events.

use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, QueryResult, Queryable, RunQueryDsl, Selectable,
    SelectableHelper,
};

use super::{Actor, EventGroup, EventId, Recorded, StoredKind};
use crate::{
    client::Client,
    clock::Timestamp,
    db::{
        AnyConnection, cached, for_update,
        schema::{accounts, events},
        types::{binary_id, text_type},
    },
    identity::AccountId,
    request_id,
};

/// Rows that one transaction changes at most, so that a sign-in does not wait long for the one writer.
const BATCH: i64 = 500;

binary_id!(EventId);
text_type!(StoredKind, StoredKind::name, StoredKind::parse);

/// One row of the activity log, as the account's owner may see it.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = events)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: StoredKind,
    /// The client's address; empty if removed.
    pub address: String,
    /// The client's `User-Agent`; empty if removed.
    pub user_agent: String,
    /// How often it happened.
    pub occurrences: i32,
    /// The account, which may be deleted; `None` if there was none.
    pub account_id: Option<AccountId>,
    /// Who did it, if it was not the owner of the account.
    #[diesel(deserialize_as = StoredActor)]
    pub actor: Option<Actor>,
}

/// An actor as the database holds it.
#[derive(Debug)]
pub struct StoredActor(String);

text_type!(StoredActor, |actor| &actor.0, StoredActor);

impl From<StoredActor> for Option<Actor> {
    fn from(stored: StoredActor) -> Self {
        stored.0.parse().ok()
    }
}

#[derive(Insertable)]
#[diesel(table_name = events)]
struct NewEvent<'a> {
    id: EventId,
    at: Timestamp,
    kind: &'static str,
    account_id: Option<AccountId>,
    address: String,
    user_agent: &'a str,
    request_id: String,
    occurrences: i32,
    unauthenticated: bool,
    actor: String,
}

/// Inserts an event of the current request; outside of one `request_id` is empty.
pub(crate) fn insert(
    conn: &mut AnyConnection,
    id: EventId,
    event: Recorded,
    client: &Client,
    at: Timestamp,
) -> QueryResult<()> {
    let row = NewEvent {
        id,
        at,
        kind: event.kind.name(),
        account_id: event.account,
        address: client.stored_address(),
        user_agent: &client.user_agent,
        request_id: request_id::current().map_or_else(String::new, |id| id.to_string()),
        occurrences: event.occurrences,
        unauthenticated: event.kind.is_unauthenticated(),
        actor: event.actor.map_or_else(String::new, |actor| actor.to_string()),
    };
    diesel::insert_into(events::table).values(row).execute(conn).map(|_| ())
}

/// Adds occurrences to the event `id`, or inserts it. Without address and browser if the account is deleted.
pub(super) fn add(
    conn: &mut AnyConnection,
    id: EventId,
    event: Recorded,
    client: &Client,
    at: Timestamp,
) -> QueryResult<()> {
    let counted =
        diesel::update(events::table.find(id)).set(events::occurrences.eq(events::occurrences + event.occurrences));
    if cached(counted).execute(conn)? > 0 {
        return Ok(());
    }
    let is_deleted = match event.account {
        Some(account) => !lock_account(conn, account)?,
        None => false,
    };
    let anonymous = Client::anonymous();
    insert(conn, id, event, if is_deleted { &anonymous } else { client }, at)
}

/// Locks an account until the transaction ends. Returns whether it exists.
pub(crate) fn lock_account(conn: &mut AnyConnection, id: AccountId) -> QueryResult<bool> {
    let row = for_update(accounts::table.find(id).select(accounts::id)).get_result::<AccountId>(conn).optional()?;
    Ok(row.is_some())
}

pub(super) fn list(
    conn: &mut AnyConnection,
    account: AccountId,
    group: EventGroup,
    before: EventId,
    limit: usize,
) -> QueryResult<Vec<Event>> {
    events::table
        .filter(events::account_id.eq(account))
        .filter(events::unauthenticated.eq(group == EventGroup::Unauthenticated))
        .filter(events::id.lt(before))
        .order(events::id.desc())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(Event::as_select())
        .load(conn)
}

/// Removes address and browser from a batch of events of an account, those after the id `after`. Returns the last of
/// them if there are more.
pub(crate) fn anonymize(
    conn: &mut AnyConnection,
    account: AccountId,
    group: EventGroup,
    after: EventId,
) -> QueryResult<Option<EventId>> {
    let batch: Vec<EventId> = events::table
        .filter(events::account_id.eq(account))
        .filter(events::unauthenticated.eq(group == EventGroup::Unauthenticated))
        .filter(events::id.gt(after))
        .order(events::id)
        .limit(BATCH)
        .select(events::id)
        .load(conn)?;
    diesel::update(events::table.filter(events::id.eq_any(&batch)))
        .set((events::address.eq(""), events::user_agent.eq("")))
        .execute(conn)?;
    let is_full = i64::try_from(batch.len()).is_ok_and(|len| len >= BATCH);
    Ok(batch.last().copied().filter(|_| is_full))
}

pub(super) fn delete_before(conn: &mut AnyConnection, since: Timestamp) -> QueryResult<usize> {
    let old: Vec<EventId> =
        events::table.filter(events::at.lt(since)).order(events::at).limit(BATCH).select(events::id).load(conn)?;
    diesel::delete(events::table.filter(events::id.eq_any(old))).execute(conn)
}
