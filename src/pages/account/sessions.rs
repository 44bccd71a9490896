//! `/account/sessions`: where the person is signed in, and signing out there.

use std::sync::Arc;

use actix_web::{HttpResponse, web::Path};
use askama::Template;

use crate::{
    sessions::{SessionId, SessionSummary},
    web::{display_time::DisplayTime, error::Problem, flash::Flash, guard::CurrentUser, layout::Layout, user_agent},
};

/// The path of the page.
pub(crate) const PATH: &str = "/account/sessions";
/// Sessions on the page. All others can be ended at once.
const MAX_ROWS: usize = 50;

#[derive(Template)]
#[template(path = "account/sessions.html")]
struct SessionsPage {
    layout: Layout,
    sessions: Vec<SessionRow>,
    more: i64,
}

struct SessionRow {
    id: String,
    device: Arc<str>,
    address: String,
    created_at: DisplayTime,
    last_seen_at: DisplayTime,
    is_current: bool,
}

/// `GET /account/sessions`
pub(crate) async fn get(user: CurrentUser) -> Result<HttpResponse, Problem> {
    let now = user.state.core.clock.now();
    let (summaries, count) = user.state.sessions.list(user.session.account.id, MAX_ROWS).await?;
    let row = |summary: SessionSummary| {
        let is_current = summary.id == user.session.id;
        SessionRow {
            id: summary.id.into(),
            device: user_agent::describe(&summary.user_agent),
            address: summary.address,
            created_at: DisplayTime::new(summary.created_at, now),
            last_seen_at: DisplayTime::new(if is_current { now } else { summary.last_seen_at }, now),
            is_current,
        }
    };
    let sessions: Vec<SessionRow> = summaries.into_iter().map(row).collect();
    let more = count - i64::try_from(sessions.len()).unwrap_or(count);
    user.render(&SessionsPage { layout: user.layout(), sessions, more })
}

/// `POST /account/sessions/{id}/end`. The id of another account's session is answered like one that does not exist.
pub(crate) async fn end(user: CurrentUser, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = SessionId::try_from(id.into_inner()).map_err(|_| Problem::NotFound)?;
    if !user.state.sessions.revoke(user.session.account.id, id, &user.client).await? {
        return Err(Problem::NotFound);
    }
    user.redirect(PATH, Flash::OtherSessionEnded)
}

/// `POST /account/sessions/end-others`
pub(crate) async fn end_others(user: CurrentUser) -> Result<HttpResponse, Problem> {
    user.state.sessions.revoke_others(&user.session, &user.client).await?;
    user.redirect(PATH, Flash::OtherSessionsEnded)
}
