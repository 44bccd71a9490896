//! `/account/activity`: what happened to one's account.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Query},
};
use askama::Template;

use crate::web::layout::Layout;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    events,
    pages::{Page, When, show},
    web::messages,
    web::state::App,
    web::{error::Problem, guard::Member},
};

/// Its address.
pub const PATH: &str = "/account/activity";
/// Rows of a page.
const ROWS: usize = 25;

#[derive(Template)]
#[template(path = "account/activity.html")]
struct Activity {
    layout: Layout,
    rows: Vec<Row>,
    is_first: bool,
    older: Option<Uuid>,
}

struct Row {
    what: &'static str,
    at: When,
    place: String,
    occurrences: i32,
}

impl Page for Activity {
    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// Which page: what happened before this event.
#[derive(Debug, Default, Deserialize)]
pub struct Before {
    before: Option<Uuid>,
}

/// `GET /account/activity`
pub async fn get(
    app: Data<App>,
    req: HttpRequest,
    member: Member,
    before: Option<Query<Before>>,
) -> Result<HttpResponse, Problem> {
    let (now, account) = (app.clock.now(), member.session.owner.id);
    let before = before.and_then(|query| query.before);
    // One more than is shown tells whether there are older ones.
    let mut events = app.database.read(move |conn| events::of(conn, account, before, ROWS + 1)).await?;
    let has_older = events.len() > ROWS;
    events.truncate(ROWS);
    let page = Activity {
        layout: Layout::member(&app, req.headers(), &member.session, PATH),
        is_first: before.is_none(),
        older: events.last().filter(|_| has_older).map(|event| event.id),
        rows: events
            .iter()
            .map(|event| Row {
                what: messages::event(&event.kind),
                at: When::new(event.at, now),
                place: messages::place(&event.user_agent, &event.address),
                occurrences: event.occurrences,
            })
            .collect(),
    };
    show(&app, StatusCode::OK, &page)
}
