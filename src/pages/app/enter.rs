//! `/continue/{app}`: takes a signed-in person to an application.

use actix_web::{
    HttpResponse,
    http::header::{HeaderMap, REFERER},
    web::{Path, Query},
};
use askama::Template;
use serde::Deserialize;

use crate::{
    apps::App,
    config::PublicUrl,
    web::{
        csrf::origin::FETCH_SITE,
        error::Problem,
        error_page::NextStep,
        guard::CurrentUser,
        handover::Handover,
        layout::Layout,
        return_to::{APP_PATH, see_other},
    },
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EnterQuery {
    state: String,
}

#[derive(Template)]
#[template(path = "app/enter.html")]
struct EnterPage<'a> {
    layout: Layout,
    app_name: &'a str,
    url: &'a str,
}

/// `GET /continue/{app}`. The guard asks guests to sign in first.
pub(crate) async fn get(
    user: CurrentUser,
    id: Path<String>,
    query: Option<Query<EnterQuery>>,
) -> Result<HttpResponse, Problem> {
    let app = user.state.apps.get(&id).ok_or(Problem::NotFound)?;
    let origin = app.url.as_ref().map(PublicUrl::origin).ok_or(Problem::NotFound)?;
    if !app.admits(&user.session.account.roles) {
        return Err(Problem::NotAdmitted);
    }
    let (keys, now) = (&user.state.core.keys, user.state.core.clock.now());
    let state = query.map(|query| query.into_inner().state).unwrap_or_default();
    let Some(handover) = Handover::open(keys, &state, &app.id, now) else {
        return Ok(NextStep::open_app(origin).after(Problem::HandoverInvalid));
    };
    let code = user.state.sessions.make_code(&user.session, app.id.clone(), handover.browser, &user.client).await?;
    leave(&user, &app, &format!("{origin}{APP_PATH}/callback?code={code}&state={state}"))
}

/// Leaves for an application. A browser that came here from a form would not follow a redirect to another origin,
/// because `form-action` of the page with the form forbids it (measured with Chromium 156), so it gets a page that
/// takes it further.
fn leave(user: &CurrentUser, app: &App, url: &str) -> Result<HttpResponse, Problem> {
    if !follows_form(user.request.headers(), user.state.public_url.origin()) {
        return Ok(see_other(url));
    }
    user.render(&EnterPage { layout: user.layout_at("/"), app_name: &app.name, url })
}

/// Whether a page of this origin led here. Browsers that do not say so in `Sec-Fetch-Site` send `Referer`.
fn follows_form(headers: &HeaderMap, origin: &str) -> bool {
    if let Some(site) = headers.get(FETCH_SITE) {
        return site == "same-origin";
    }
    let referer = headers.get(REFERER).and_then(|value| value.to_str().ok());
    referer.and_then(|url| url.strip_prefix(origin)).is_some_and(|rest| rest.starts_with('/'))
}
