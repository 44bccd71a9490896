//! The rows of events.

use std::cmp::Reverse;

use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, QueryResult, Queryable, RunQueryDsl, Selectable,
    SelectableHelper,
};

use super::{Actor, EventFilter, EventGroup, EventId, EventPage, Recorded, StoredKind};
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

/// Rows that one part of a list looks at, at most.
const MAX_SCANNED: usize = 500;
/// Rows that are read at once where not all of them match.
const SCANNED_AT_ONCE: usize = 100;

/// Goes along one index: that of the account if the filter has one, else of the address, else of the kind, else of the
/// ids. The rest of the filter is checked for each row, up to [`MAX_SCANNED`], so the costs do not grow with the log.
pub(super) fn search(
    conn: &mut AnyConnection,
    filter: &EventFilter,
    before: EventId,
    limit: usize,
) -> QueryResult<EventPage> {
    let EventFilter { account, address, kind, until } = filter;
    let criteria = usize::from(account.is_some()) + usize::from(address.is_some()) + usize::from(kind.is_some());
    // One more than the limit, to know whether there are more.
    let at_once = if criteria <= 1 { limit + 1 } else { SCANNED_AT_ONCE };
    let mut before = until.map_or(before, |until| before.min(EventId::first_at(until)));
    let (mut events, mut scanned) = (Vec::new(), 0);
    while scanned < MAX_SCANNED {
        let batch = newest(conn, filter, before, at_once)?;
        let is_last = batch.len() < at_once;
        scanned += batch.len();
        before = batch.last().map_or(before, |event| event.id);
        events.extend(batch.into_iter().filter(|event| {
            account.is_none_or(|account| event.account_id == Some(account))
                && address.as_ref().is_none_or(|address| event.address == *address)
                && kind.is_none_or(|kind| event.kind == StoredKind::Known(kind))
        }));
        if events.len() > limit {
            events.truncate(limit);
            return Ok(EventPage { next: events.last().map(|event| event.id), events });
        }
        if is_last {
            return Ok(EventPage { events, next: None });
        }
    }
    Ok(EventPage { events, next: Some(before) })
}

/// Returns at most `limit` events before `before` along the index of a filter, the newest first.
fn newest(conn: &mut AnyConnection, filter: &EventFilter, before: EventId, limit: usize) -> QueryResult<Vec<Event>> {
    if let Some(account) = filter.account {
        // The index has the groups apart.
        let mut events = list(conn, account, EventGroup::Authenticated, before, limit)?;
        events.extend(list(conn, account, EventGroup::Unauthenticated, before, limit)?);
        events.sort_by_key(|event| Reverse(event.id));
        events.truncate(limit);
        return Ok(events);
    }
    let rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let newest = events::table.filter(events::id.lt(before)).order(events::id.desc()).limit(rows);
    if let Some(address) = &filter.address {
        return newest.filter(events::address.eq(address)).select(Event::as_select()).load(conn);
    }
    if let Some(kind) = filter.kind {
        return newest.filter(events::kind.eq(kind.name())).select(Event::as_select()).load(conn);
    }
    newest.select(Event::as_select()).load(conn)
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
