//! `/account/sessions`: where one is signed in, and ending it.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use askama::Template;

use crate::web::layout::Layout;

use crate::{
    pages::{Page, When, add_cookie, show},
    sessions::SessionId,
    web::messages,
    web::state::App,
    web::{
        error::Problem,
        flash::Flash,
        guard::{self, Member},
    },
};

/// Its address.
pub const PATH: &str = "/account/sessions";
/// Sessions that are shown; nobody reads more, and all can be ended at once.
const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "account/sessions.html")]
struct SessionsPage {
    layout: Layout,
    csrf_token: String,
    sessions: Vec<Row>,
    more: i64,
}

struct Row {
    id: String,
    device: std::sync::Arc<str>,
    address: String,
    began: When,
    last_seen: When,
    is_this: bool,
}

impl Page for SessionsPage {
    fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// `GET /account/sessions`
pub async fn get(app: Data<App>, req: HttpRequest, member: Member) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let (listed, count) = app.sessions.list(member.session.owner.id, SHOWN).await?;
    let sessions: Vec<Row> = listed
        .into_iter()
        .map(|listed| {
            let is_this = listed.id == member.session.id;
            Row {
                id: listed.id.into(),
                device: messages::device(&listed.user_agent),
                address: listed.address,
                began: When::new(listed.created_at, now),
                last_seen: When::new(if is_this { now } else { listed.last_seen_at }, now),
                is_this,
            }
        })
        .collect();
    let page = SessionsPage {
        layout: Layout::member(&app, req.headers(), &member.session, PATH),
        csrf_token: member.form_token(&app),
        more: count - i64::try_from(sessions.len()).unwrap_or(count),
        sessions,
    };
    show(&app, StatusCode::OK, &page)
}

/// `POST /account/sessions/{id}/end`. An id that is not one of one's own is as if there were none.
pub async fn end(app: Data<App>, member: Member, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = SessionId::try_from(id.into_inner()).map_err(|_| Problem::NotFound)?;
    if !app.sessions.end_one(member.session.owner.id, id, &member.client).await? {
        return Err(Problem::NotFound);
    }
    back(&app, Flash::OneEnded)
}

/// `POST /account/sessions/end-others`
pub async fn end_others(app: Data<App>, member: Member) -> Result<HttpResponse, Problem> {
    app.sessions.end_others(&member.session, &member.client).await?;
    back(&app, Flash::OthersEnded)
}

fn back(app: &App, flash: Flash) -> Result<HttpResponse, Problem> {
    let mut response = guard::see_other(PATH);
    add_cookie(&mut response, &flash.cookie(app.jar, &app.keys, app.clock.now()))?;
    Ok(response)
}
