//! `/account/export`: all that is kept about a person, for that person. The format is in `docs/export.md`.

use actix_web::{
    HttpResponse,
    http::header::CONTENT_DISPOSITION,
    web::{Bytes, Data},
};
use futures_util::stream;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::{clock::Timestamp, db, events, web::error::Problem, web::guard::Member, web::state::App};

/// Events that are read at once; the answer is never in memory as a whole.
const ROWS: usize = 500;
/// More sessions than anybody has.
const SESSIONS: usize = 10_000;

fn time(at: Timestamp) -> Value {
    at.date().format(&Rfc3339).map_or(Value::Null, Value::String)
}

/// `GET /account/export`
pub async fn get(app: Data<App>, member: Member) -> Result<HttpResponse, Problem> {
    let owner = &member.session.owner;
    let (sessions, _) = app.sessions.list(owner.id, SESSIONS).await?;
    let sessions: Vec<Value> = sessions
        .into_iter()
        .map(|session| {
            json!({
                "began": time(session.created_at),
                "last_used": time(session.last_seen_at),
                "address": session.address,
                "user_agent": session.user_agent,
                "this_one": session.id == member.session.id,
            })
        })
        .collect();
    let account = json!({
        "id": owner.id,
        "username": owner.username,
        "email": owner.email,
        "member_since": time(owner.created_at),
    });
    let head = format!(
        "{{\"format\":\"gatehouse-export-1\",\"account\":{account},\"sessions\":{},\"events\":[",
        json!(sessions)
    );
    let file = format!("attachment; filename=\"gatehouse-{}.json\"", owner.username);

    let begin = Progress { app: app.clone(), account: owner.id, before: None, is_done: false, head: Some(head) };
    let chunks = stream::try_unfold(begin, Progress::advance);
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((CONTENT_DISPOSITION, file))
        .streaming::<_, db::Error>(chunks))
}

/// How far the export has come.
struct Progress {
    app: Data<App>,
    account: Uuid,
    /// The last event so far; the next are older.
    before: Option<Uuid>,
    is_done: bool,
    head: Option<String>,
}

impl Progress {
    async fn advance(mut self) -> Result<Option<(Bytes, Self)>, db::Error> {
        if self.is_done {
            return Ok(None);
        }
        let (account, before) = (self.account, self.before);
        let events = self.app.database.read(move |conn| events::of(conn, account, before, ROWS)).await?;
        let rows: Vec<String> = events
            .iter()
            .map(|event| {
                let row = json!({
                    "at": time(event.at),
                    "what": event.kind,
                    "times": event.occurrences,
                    "address": event.address,
                    "user_agent": event.user_agent,
                });
                row.to_string()
            })
            .collect();
        let mut text = self.head.take().unwrap_or_default();
        if before.is_some() && !rows.is_empty() {
            text.push(',');
        }
        text.push_str(&rows.join(","));
        self.before = events.last().map(|event| event.id);
        self.is_done = events.len() < ROWS;
        if self.is_done {
            text.push_str("]}\n");
        }
        Ok(Some((Bytes::from(text), self)))
    }
}
