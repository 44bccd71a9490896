//! `/admin/activity`: the activity log of the whole site, with filters.

use actix_web::{HttpResponse, web::Query};
use askama::Template;
use serde::Deserialize;
use strum::VariantArray;
use time::{Date, macros::format_description};

use super::{EventRow, event_rows, url};
use crate::{
    clock::Timestamp,
    events::{EventFilter, EventId, EventKind},
    web::{error::Problem, guard::CurrentUser, layout::Layout},
};

/// The path of the page.
pub(crate) const PATH: &str = "/admin/activity";
/// Events on a page.
const PAGE_ROWS: usize = 50;

#[derive(Template)]
#[template(path = "admin/activity.html")]
struct ActivityPage {
    layout: Layout,
    query: ActivityQuery,
    kinds: &'static [EventKind],
    events: Vec<EventRow>,
    next: Option<String>,
}

/// The query of the page: the newest events by default.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ActivityQuery {
    kind: String,
    /// User name, e-mail address or id; a deleted account has only an id.
    account: String,
    /// Address of the client.
    address: String,
    /// The last day, in UTC.
    until: String,
    /// Shows events before this one.
    before: Option<EventId>,
}

/// Returns what to look for; `None` if no event can match.
async fn filter(user: &CurrentUser, query: &ActivityQuery) -> Result<Option<EventFilter>, Problem> {
    let mut filter = EventFilter::default();
    if !query.kind.is_empty() {
        let Ok(kind) = query.kind.parse() else { return Ok(None) };
        filter.kind = Some(kind);
    }
    let address = query.address.trim();
    if !address.is_empty() {
        let Ok(address) = address.parse::<std::net::IpAddr>() else { return Ok(None) };
        // As it is stored.
        filter.address = Some(address.to_canonical().to_string());
    }
    if !query.until.is_empty() {
        let Some(until) = end_of_day(&query.until) else { return Ok(None) };
        filter.until = Some(until);
    }
    let account = query.account.trim();
    if !account.is_empty() {
        let id = match account.parse() {
            Ok(id) => Some(id),
            Err(_) => user.state.accounts.find(account).await?.map(|account| account.id),
        };
        let Some(id) = id else { return Ok(None) };
        filter.account = Some(id);
    }
    Ok(Some(filter))
}

/// Returns the first moment after a day, as the field of a form has it.
fn end_of_day(day: &str) -> Option<Timestamp> {
    let day = Date::parse(day, format_description!("[year]-[month]-[day]")).ok()?.next_day()?;
    Some(Timestamp::from_seconds(day.midnight().assume_utc().unix_timestamp()))
}

/// `GET /admin/activity`
pub(crate) async fn get(user: CurrentUser, query: Option<Query<ActivityQuery>>) -> Result<HttpResponse, Problem> {
    let query = query.map(Query::into_inner).unwrap_or_default();
    let (events, next) = match filter(&user, &query).await? {
        Some(filter) => {
            let page = user.state.core.events.search(filter, query.before, PAGE_ROWS).await?;
            (page.events, page.next)
        }
        None => (Vec::new(), None),
    };
    let ActivityQuery { kind, account, address, until, .. } = &query;
    let next = next.map(|before| {
        let before = before.to_string();
        let parameters =
            [("kind", kind), ("account", account), ("address", address), ("until", until), ("before", &before)];
        url(PATH, &parameters.map(|(name, value)| (name, value.as_str())))
    });
    let events = event_rows(&user, &events).await?;
    user.render(&ActivityPage { layout: user.layout(), query, kinds: EventKind::VARIANTS, events, next })
}
