//! The queries of the activity log of all accounts.

use std::cmp::Reverse;

use diesel::{ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl, SelectableHelper, dsl::sum};

use super::{EventFilter, EventPage};
use crate::{
    clock::Timestamp,
    db::{AnyConnection, schema::events},
    events::{Event, EventGroup, EventId, EventKind, StoredKind, store::list},
};

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

/// Counts the events of some kinds from `since` until before `until`.
pub(super) fn count(
    conn: &mut AnyConnection,
    kinds: &[EventKind],
    since: Timestamp,
    until: Timestamp,
) -> QueryResult<i64> {
    let number: Option<i64> = events::table
        .filter(events::kind.eq_any(kinds.iter().map(|kind| kind.name())))
        .filter(events::id.ge(EventId::first_at(since)))
        .filter(events::id.lt(EventId::first_at(until)))
        .select(sum(events::occurrences))
        .get_result(conn)?;
    Ok(number.unwrap_or(0))
}
