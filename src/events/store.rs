//! The rows of events.

use diesel::{
    ExpressionMethods, Insertable, QueryDsl, QueryResult, Queryable, RunQueryDsl, Selectable, SelectableHelper,
};

use super::{EventId, Recorded, StoredKind};
use crate::{
    client::Client,
    clock::Timestamp,
    db::{
        AnyConnection, cached,
        schema::events,
        types::{binary_id, text_type},
    },
    identity::AccountId,
    request_id,
};

/// Rows that one transaction deletes at most, so that a sign-in does not wait long for the one writer.
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
}

/// Inserts an event of the current request; outside of one `request_id` is empty.
pub(crate) fn insert(conn: &mut AnyConnection, event: Recorded, client: &Client, at: Timestamp) -> QueryResult<()> {
    let row = NewEvent {
        id: EventId::new(),
        at,
        kind: event.kind.name(),
        account_id: event.account,
        address: client.stored_address(),
        user_agent: &client.user_agent,
        request_id: request_id::current().map_or_else(String::new, |id| id.to_string()),
        occurrences: event.occurrences,
    };
    diesel::insert_into(events::table).values(row).execute(conn).map(|_| ())
}

pub(super) fn list(
    conn: &mut AnyConnection,
    account: AccountId,
    before: EventId,
    limit: usize,
) -> QueryResult<Vec<Event>> {
    events::table
        .filter(events::account_id.eq(account))
        .filter(events::id.lt(before))
        .order(events::id.desc())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(Event::as_select())
        .load(conn)
}

/// Removes address and browser from all events of an account.
pub(crate) fn anonymize(conn: &mut AnyConnection, account: AccountId) -> QueryResult<()> {
    cached(
        diesel::update(events::table.filter(events::account_id.eq(account)))
            .set((events::address.eq(""), events::user_agent.eq(""))),
    )
    .execute(conn)
    .map(|_| ())
}

pub(super) fn delete_before(conn: &mut AnyConnection, since: Timestamp) -> QueryResult<usize> {
    let old: Vec<EventId> =
        events::table.filter(events::at.lt(since)).order(events::at).limit(BATCH).select(events::id).load(conn)?;
    diesel::delete(events::table.filter(events::id.eq_any(old))).execute(conn)
}
