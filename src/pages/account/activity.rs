//! `/account/activity`: recent events of the account.

use actix_web::{HttpResponse, web::Query};
use askama::Template;
use serde::Deserialize;

use crate::{
    events::{Event, EventGroup, EventId},
    web::{display_time::DisplayTime, error::Problem, guard::CurrentUser, layout::Layout},
};

/// The path of the page.
pub(crate) const PATH: &str = "/account/activity";
/// Events on a page.
const PAGE_ROWS: usize = 25;
/// Refused attempts on the first page, below the other events.
const PREVIEW_ROWS: usize = 10;

#[derive(Template)]
#[template(path = "account/activity.html")]
struct ActivityPage {
    layout: Layout,
    is_first: bool,
    events: Option<EventList>,
    attempts: Option<EventList>,
}

/// Part of the events of one group.
struct EventList {
    rows: Vec<EventRow>,
    /// The last one on the page, if there are older ones.
    older: Option<EventId>,
}

struct EventRow {
    what: &'static str,
    at: DisplayTime,
    client: Option<String>,
    occurrences: u64,
}

/// The query of the page. Without a field, it shows the newest events.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ActivityQuery {
    /// Shows events before this one.
    before: Option<EventId>,
    /// Shows refused attempts before this one.
    attempts_before: Option<EventId>,
}

/// `GET /account/activity`. Events that others can cause are a list of their own, so that they do not displace those of
/// the owner.
pub(crate) async fn get(user: CurrentUser, query: Option<Query<ActivityQuery>>) -> Result<HttpResponse, Problem> {
    let ActivityQuery { before, attempts_before } = query.map(Query::into_inner).unwrap_or_default();
    let is_first = before.is_none() && attempts_before.is_none();
    let mut page = ActivityPage { layout: user.layout(), is_first, events: None, attempts: None };
    if is_first || before.is_some() {
        page.events = Some(list(&user, EventGroup::Authenticated, before, PAGE_ROWS).await?);
    }
    if is_first {
        page.attempts = Some(list(&user, EventGroup::Unauthenticated, None, PREVIEW_ROWS).await?);
    } else if attempts_before.is_some() {
        page.attempts = Some(list(&user, EventGroup::Unauthenticated, attempts_before, PAGE_ROWS).await?);
    }
    user.render(&page)
}

async fn list(
    user: &CurrentUser,
    group: EventGroup,
    before: Option<EventId>,
    limit: usize,
) -> Result<EventList, Problem> {
    let (now, messages) = (user.state.core.clock.now(), user.messages());
    // One more than the page shows, to know whether there are older ones.
    let mut events = user.state.core.events.list(user.session.account.id, group, before, limit + 1).await?;
    let has_older = events.len() > limit;
    events.truncate(limit);
    let row = |event: &Event| EventRow {
        what: messages.event_for_owner(event),
        at: messages.time(event.at, now),
        // The address and the browser of an operator are none of the owner's.
        client: event.actor.is_none().then(|| messages.client_of(&event.user_agent, &event.address)),
        occurrences: u64::try_from(event.occurrences).unwrap_or(0),
    };
    let older = events.last().filter(|_| has_older).map(|event| event.id);
    Ok(EventList { rows: events.iter().map(row).collect(), older })
}
