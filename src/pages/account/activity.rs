//! `/account/activity`: recent events of the account.

use actix_web::{HttpResponse, web::Query};
use askama::Template;
use serde::Deserialize;

use crate::{
    events::{Event, EventId},
    web::{display_time::DisplayTime, error::Problem, guard::CurrentUser, layout::Layout, messages},
};

/// The path of the page.
pub(crate) const PATH: &str = "/account/activity";
/// Events on a page.
const PAGE_ROWS: usize = 25;

#[derive(Template)]
#[template(path = "account/activity.html")]
struct ActivityPage {
    layout: Layout,
    rows: Vec<EventRow>,
    is_first: bool,
    older: Option<EventId>,
}

struct EventRow {
    what: &'static str,
    at: DisplayTime,
    client: String,
    occurrences: i32,
}

/// The query of the page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ActivityQuery {
    /// Shows events older than this one.
    before: Option<EventId>,
}

/// `GET /account/activity`
pub(crate) async fn get(user: CurrentUser, query: Option<Query<ActivityQuery>>) -> Result<HttpResponse, Problem> {
    let now = user.state.core.clock.now();
    let before = query.and_then(|query| query.before);
    // One more than the page shows, to know whether there are older ones.
    let mut events = user.state.core.events.list(user.session.account.id, before, PAGE_ROWS + 1).await?;
    let has_older = events.len() > PAGE_ROWS;
    events.truncate(PAGE_ROWS);
    let row = |event: &Event| EventRow {
        what: messages::event(&event.kind),
        at: DisplayTime::new(event.at, now),
        client: messages::client(&event.user_agent, &event.address),
        occurrences: event.occurrences,
    };
    user.render(&ActivityPage {
        layout: user.layout(),
        rows: events.iter().map(row).collect(),
        is_first: before.is_none(),
        older: events.last().filter(|_| has_older).map(|event| event.id),
    })
}
