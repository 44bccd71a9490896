//! `/account/sessions`: where the person is signed in, and signing out there.

use std::sync::Arc;

use actix_web::{HttpResponse, web::Path};
use askama::Template;
use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    accounts::ForgetDevices,
    sessions::SessionSummary,
    web::{
        display_time::DisplayTime, error::Problem, flash::Flash, form::Form, guard::CurrentUser, layout::Layout,
        render::FormErrors,
    },
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
    has_more: bool,
    ask_password: bool,
    errors: FormErrors,
}

struct SessionRow {
    handle: String,
    device: String,
    address: String,
    created_at: DisplayTime,
    last_seen_at: DisplayTime,
    /// The names of the applications where it was used, as a list.
    apps: String,
    is_current: bool,
}

/// The form of "Forget known browsers".
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ForgetForm {
    current_password: SecretString,
}

async fn page(user: &CurrentUser, errors: FormErrors) -> Result<SessionsPage, Problem> {
    let (now, messages) = (user.state.core.clock.now(), user.messages());
    // One more than the page shows, to know whether there are more.
    let mut summaries = user.state.sessions.list(user.session.account.id, MAX_ROWS + 1).await?;
    let has_more = summaries.len() > MAX_ROWS;
    summaries.truncate(MAX_ROWS);
    let visits = user.state.sessions.apps_of(summaries.iter().map(|summary| summary.id).collect()).await?;
    let apps_of = |session| {
        let of_session = visits.iter().filter(|(id, _)| *id == session);
        // An application that was removed has no name.
        let names: Vec<_> =
            of_session.filter_map(|(_, app)| Some(user.state.apps.get(app.as_str())?.name.clone())).collect();
        names.join(", ")
    };
    let row = |summary: SessionSummary| {
        let is_current = summary.id == user.session.id;
        SessionRow {
            handle: user.state.sessions.handle(summary.id),
            device: messages.user_of(&summary),
            apps: apps_of(summary.id),
            address: summary.address,
            created_at: messages.time(summary.created_at, now),
            last_seen_at: messages.time(if is_current { now } else { summary.last_seen_at }, now),
            is_current,
        }
    };
    let sessions = summaries.into_iter().map(row).collect();
    let ask_password = !user.state.accounts.recently_authenticated(&user.session);
    Ok(SessionsPage { layout: user.layout_at(PATH), sessions, has_more, ask_password, errors })
}

/// `GET /account/sessions`
pub(crate) async fn get(user: CurrentUser) -> Result<HttpResponse, Problem> {
    user.render(&page(&user, FormErrors::default()).await?)
}

/// `POST /account/sessions/{id}/end`. The session of another account is answered like one that does not exist.
pub(crate) async fn end(user: CurrentUser, handle: Path<String>) -> Result<HttpResponse, Problem> {
    if !user.state.sessions.revoke(&user.session, handle.into_inner(), &user.client).await? {
        return Err(Problem::NotFound);
    }
    user.redirect(PATH, Flash::OtherSessionEnded)
}

/// `POST /account/sessions/end-others`
pub(crate) async fn end_others(user: CurrentUser) -> Result<HttpResponse, Problem> {
    user.state.sessions.revoke_others(&user.session, &user.client).await?;
    user.redirect(PATH, Flash::OtherSessionsEnded)
}

/// `POST /account/sessions/forget-browsers`
pub(crate) async fn forget_browsers(user: CurrentUser, Form(form): Form<ForgetForm>) -> Result<HttpResponse, Problem> {
    let forget = ForgetDevices { current_password: form.current_password, devices: user.known_devices() };
    match user.state.accounts.forget_devices(forget, Arc::clone(&user.session), &user.client).await {
        Ok(forgotten) => {
            let mut response = user.redirect(PATH, Flash::DevicesForgotten)?;
            user.keep_device(&mut response, &forgotten)?;
            Ok(response)
        }
        Err(error) => {
            let page = page(&user, FormErrors::default()).await?;
            user.reject(error, |errors| SessionsPage { errors, ..page })
        }
    }
}
