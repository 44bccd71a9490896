//! `/`: the applications that the person may open, the account, and the sign-in before this one.

use std::sync::Arc;

use actix_web::HttpResponse;
use askama::Template;

use crate::{
    apps::App,
    sessions::Session,
    web::{display_time::DisplayTime, error::Problem, guard::CurrentUser, layout::Layout},
};

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    layout: Layout,
    apps: Vec<Arc<App>>,
    session: Arc<Session>,
    member_since: DisplayTime,
    last_sign_in: Option<DisplayTime>,
    last_client: String,
    failures: u64,
}

/// `GET /`
pub(crate) async fn get(user: CurrentUser) -> Result<HttpResponse, Problem> {
    let now = user.state.core.clock.now();
    let (session, messages) = (&user.session, user.messages());
    user.render(&HomePage {
        layout: user.layout(),
        apps: user.state.apps.open_to(&session.account.roles),
        session: Arc::clone(session),
        member_since: messages.time(session.account.created_at, now),
        last_sign_in: session.previous.at.map(|at| messages.time(at, now)),
        last_client: messages.client_of(&session.previous.user_agent, &session.previous.address),
        failures: u64::try_from(session.previous.failures).unwrap_or(0),
    })
}
