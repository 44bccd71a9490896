//! `/account/export`: everything that is stored about a person, for that person. `docs/export.md` describes the format.

use actix_web::{
    HttpResponse,
    http::header::CONTENT_DISPOSITION,
    web::{Bytes, Data},
};
use futures_util::stream;
use serde_json::{Value, json};

use crate::{
    accounts::{AccountId, Email},
    clock::{Timestamp, rfc3339},
    db,
    events::{Event, EventGroup, EventId},
    language::Language,
    web::{error::Problem, exclusive::Running, guard::CurrentUser, state::AppState},
};

/// The path of the page.
pub(crate) const PATH: &str = "/account/export";
/// Events that are read at once; the response is never in memory as a whole.
const BATCH: usize = 500;
/// Bounds the memory for the sessions, which are not streamed.
const MAX_SESSIONS: usize = 10_000;

/// `GET /account/export`. One at a time for each account, because it reads everything.
pub(crate) async fn get(user: CurrentUser) -> Result<HttpResponse, Problem> {
    let account = &user.session.account;
    let running = user.state.exports.begin(account.id).ok_or(Problem::ExportRunning)?;
    let sessions = user.state.sessions.list(account.id, MAX_SESSIONS).await?;
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
        "email": account.email.as_ref().map(Email::as_str),
        "member_since": time(account.created_at),
        "language": account.language.map(Language::code),
    });
    let head = format!(
        "{{\"format\":\"gatehouse-export-1\",\"account\":{profile},\"sessions\":{},\"events\":[",
        json!(sessions)
    );
    let disposition = format!("attachment; filename=\"gatehouse-{}.json\"", account.username.as_str());

    let export = EventExport {
        state: user.state.clone(),
        account: account.id,
        part: Some((EventGroup::Authenticated, None)),
        head: Some(head),
        _running: running,
    };
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((CONTENT_DISPOSITION, disposition))
        .streaming::<_, db::Error>(stream::try_unfold(export, EventExport::advance)))
}

fn time(at: Timestamp) -> Value {
    rfc3339(at).map_or(Value::Null, Value::String)
}

fn event(event: &Event) -> String {
    // The address and the browser of an operator are none of the owner's.
    let is_own = event.actor.is_none();
    let row = json!({
        "at": time(event.at),
        "what": event.kind.name(),
        "times": event.occurrences,
        "address": if is_own { &event.address } else { "" },
        "user_agent": if is_own { &event.user_agent } else { "" },
    });
    row.to_string()
}

/// The state of a running export.
struct EventExport {
    state: Data<AppState>,
    account: AccountId,
    /// Which events come next, and the last exported one of them; `None` at the end.
    part: Option<(EventGroup, Option<EventId>)>,
    head: Option<String>,
    _running: Running<AccountId>,
}

impl EventExport {
    async fn advance(mut self) -> Result<Option<(Bytes, Self)>, db::Error> {
        let Some((group, before)) = self.part else { return Ok(None) };
        let events = self.state.core.events.list(self.account, group, before, BATCH).await?;
        let mut text = self.head.take().unwrap_or_default();
        if before.is_some() && !events.is_empty() {
            text.push(',');
        }
        text.push_str(&events.iter().map(event).collect::<Vec<_>>().join(","));
        self.part = match (events.last(), group) {
            (Some(last), _) if events.len() == BATCH => Some((group, Some(last.id))),
            (_, EventGroup::Authenticated) => {
                text.push_str("],\"refused\":[");
                Some((EventGroup::Unauthenticated, None))
            }
            (_, EventGroup::Unauthenticated) => {
                text.push_str("]}\n");
                None
            }
        };
        Ok(Some((Bytes::from(text), self)))
    }
}
