//! `/account/export`: everything that is stored about a person, for that person. `docs/export.md` describes the format.

use actix_web::{
    HttpResponse,
    http::header::CONTENT_DISPOSITION,
    web::{Bytes, Data},
};
use futures_util::stream;
use serde_json::{Value, json};

use crate::{
    accounts::AccountId,
    clock::Timestamp,
    db,
    events::{Event, EventId},
    web::{display_time::rfc3339, error::Problem, guard::CurrentUser, state::AppState},
};

/// The path of the page.
pub(crate) const PATH: &str = "/account/export";
/// Events that are read at once; the response is never in memory as a whole.
const BATCH: usize = 500;
/// Bounds the memory for the sessions, which are not streamed.
const MAX_SESSIONS: usize = 10_000;

/// `GET /account/export`
pub(crate) async fn get(user: CurrentUser) -> Result<HttpResponse, Problem> {
    let account = &user.session.account;
    let (sessions, _) = user.state.sessions.list(account.id, MAX_SESSIONS).await?;
    let sessions: Vec<Value> = sessions
        .into_iter()
        .map(|session| {
            json!({
                "began": time(session.created_at),
                "last_used": time(session.last_seen_at),
                "address": session.address,
                "user_agent": session.user_agent,
                "this_one": session.id == user.session.id,
            })
        })
        .collect();
    let profile = json!({
        "id": account.id,
        "username": account.username.as_str(),
        "email": account.email.as_str(),
        "member_since": time(account.created_at),
    });
    let head = format!(
        "{{\"format\":\"gatehouse-export-1\",\"account\":{profile},\"sessions\":{},\"events\":[",
        json!(sessions)
    );
    let disposition = format!("attachment; filename=\"gatehouse-{}.json\"", account.username.as_str());

    let state = user.state.clone();
    let export = EventExport { state, account: account.id, before: None, is_done: false, head: Some(head) };
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((CONTENT_DISPOSITION, disposition))
        .streaming::<_, db::Error>(stream::try_unfold(export, EventExport::advance)))
}

fn time(at: Timestamp) -> Value {
    rfc3339(at).map_or(Value::Null, Value::String)
}

fn event(event: &Event) -> String {
    let row = json!({
        "at": time(event.at),
        "what": event.kind.name(),
        "times": event.occurrences,
        "address": event.address,
        "user_agent": event.user_agent,
    });
    row.to_string()
}

/// The state of a running export.
struct EventExport {
    state: Data<AppState>,
    account: AccountId,
    /// The last exported event; the next batch is older.
    before: Option<EventId>,
    is_done: bool,
    head: Option<String>,
}

impl EventExport {
    async fn advance(mut self) -> Result<Option<(Bytes, Self)>, db::Error> {
        if self.is_done {
            return Ok(None);
        }
        let events = self.state.core.events.list(self.account, self.before, BATCH).await?;
        let mut text = self.head.take().unwrap_or_default();
        if self.before.is_some() && !events.is_empty() {
            text.push(',');
        }
        text.push_str(&events.iter().map(event).collect::<Vec<_>>().join(","));
        self.before = events.last().map(|event| event.id);
        self.is_done = events.len() < BATCH;
        if self.is_done {
            text.push_str("]}\n");
        }
        Ok(Some((Bytes::from(text), self)))
    }
}
