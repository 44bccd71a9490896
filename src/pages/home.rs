//! `/`: the account, and the sign-in before this one.

use std::sync::Arc;

use actix_web::HttpResponse;
use askama::Template;

use crate::{
    sessions::Session,
    web::{display_time::DisplayTime, error::Problem, guard::CurrentUser, layout::Layout, messages},
};

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    layout: Layout,
    session: Arc<Session>,
    member_since: DisplayTime,
    last_sign_in: Option<DisplayTime>,
    last_client: String,
}

/// `GET /`
pub(crate) async fn get(user: CurrentUser) -> Result<HttpResponse, Problem> {
    let now = user.state.core.clock.now();
    let session = &user.session;
    user.render(&HomePage {
        layout: user.layout(),
        session: Arc::clone(session),
        member_since: DisplayTime::new(session.account.created_at, now),
        last_sign_in: session.previous.at.map(|at| DisplayTime::new(at, now)),
        last_client: messages::client(&session.previous.user_agent, &session.previous.address),
    })
}
