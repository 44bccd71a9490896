//! `/`: who you are.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use askama::Template;

use crate::web::layout::Layout;

use super::{Page, When, show};
use crate::{
    sessions::Session,
    web::messages,
    web::state::App,
    web::{error::Problem, guard::Member},
};

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    layout: Layout,
    session: Arc<Session>,
    member_since: When,
    last_sign_in: Option<When>,
    last_place: String,
}

impl Page for Home {
    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// `GET /`
pub async fn get(app: Data<App>, req: HttpRequest, member: Member) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let session = &member.session;
    let page = Home {
        layout: Layout::member(&app, req.headers(), session, "/"),
        session: Arc::clone(session),
        member_since: When::new(session.owner.created_at, now),
        last_sign_in: session.previously.at.map(|at| When::new(at, now)),
        last_place: messages::place(&session.previously.user_agent, &session.previously.address),
    };
    show(&app, StatusCode::OK, &page)
}
