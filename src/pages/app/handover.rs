//! `/handover/{app}/…`: the pages of Gatehouse on the host of an application, where they are `/.gatehouse/…`.

use actix_web::{
    HttpResponse,
    web::{Path, Query},
};
use askama::Template;
use serde::Deserialize;

use crate::{
    sessions::TokenStatus,
    web::{
        app_request::AppRequest,
        cookies::CookieName,
        error::Problem,
        error_page::NextStep,
        form::Form,
        handover::{Handover, StartCookie},
        layout::Layout,
        probe,
        return_to::{ReturnTo, see_other},
    },
};

/// The query of the way to the sign-in page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct StartQuery {
    /// The page that the browser asked for.
    rd: String,
}

/// The query of the way back.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CallbackQuery {
    code: String,
    state: String,
}

/// How far a person signs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scope {
    /// Of the application.
    App,
    /// Of Gatehouse, and so of all applications in this browser.
    Everywhere,
}

/// The form of the sign-out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignOutForm {
    scope: Scope,
}

#[derive(Template)]
#[template(path = "app/sign_out.html")]
struct SignOutPage<'a> {
    layout: Layout,
    app_name: &'a str,
    /// The person who is signed in; `None` for a guest.
    username: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "app/signed_out.html")]
struct SignedOutPage<'a> {
    layout: Layout,
    app_name: &'a str,
    app_url: String,
    everywhere: bool,
}

/// `GET /.gatehouse/start`: the way to the sign-in page.
pub(crate) async fn start(request: AppRequest, query: Option<Query<StartQuery>>) -> Result<HttpResponse, Problem> {
    let (state, now) = (&request.state, request.state.core.clock.now());
    let cookie = StartCookie::parse_or_new(request.cookie(CookieName::GateStart), now);
    if cookie.is_loop(now) {
        return Ok(failed(&request, Problem::HandoverLoop));
    }
    let return_to = query.and_then(|query| ReturnTo::parse_of_app(&query.rd)).unwrap_or_else(ReturnTo::first_page);
    let handover = Handover::new(cookie.browser(), return_to, now).seal(&state.core.keys, &request.app.id);
    let mut response =
        see_other(&format!("{}/continue/{}?state={handover}", state.public_url.origin(), request.app.id));
    request.set_cookie(&mut response, CookieName::GateStart, cookie.value())?;
    Ok(response)
}

/// `GET /.gatehouse/callback`: the way back.
pub(crate) async fn callback(
    request: AppRequest,
    query: Option<Query<CallbackQuery>>,
) -> Result<HttpResponse, Problem> {
    let (state, now, app) = (&request.state, request.state.core.clock.now(), &request.app.id);
    let CallbackQuery { code, state: handover } = query.map(Query::into_inner).unwrap_or_default();
    let cookie = request.cookie(CookieName::GateStart).and_then(StartCookie::parse);
    let handover = Handover::open(&state.core.keys, &handover, app, now);
    let (Some(cookie), Some(handover)) = (cookie, handover) else {
        return Ok(failed(&request, Problem::HandoverInvalid));
    };
    // Else another person's browser could be signed in as oneself, and one's own as another person.
    if cookie.browser() != handover.browser {
        return Ok(failed(&request, Problem::HandoverInvalid));
    }
    let redeemed = state.sessions.redeem_code(&code, app.clone(), handover.browser, &request.client).await?;
    let Some(session) = redeemed else { return Ok(failed(&request, Problem::HandoverInvalid)) };
    let mut response = see_other(&format!("{}{}", request.origin(), handover.return_to.as_str()));
    request.set_cookie(&mut response, CookieName::Gate, session)?;
    request.set_cookie(&mut response, CookieName::GateStart, cookie.with_round(now).value())?;
    Ok(response)
}

/// `GET /.gatehouse/sign-out`
pub(crate) async fn sign_out_form(request: AppRequest) -> Result<HttpResponse, Problem> {
    let status = check(&request).await?;
    let username = match &status {
        Some(TokenStatus::Active(session)) => Some(session.account.username.as_str()),
        _ => None,
    };
    request.render(&SignOutPage { layout: request.layout(), app_name: &request.app.name, username })
}

/// `POST /.gatehouse/sign-out`, also without a session. If the database does not answer, the cookie stays, as at
/// `/logout`.
pub(crate) async fn sign_out(request: AppRequest, Form(form): Form<SignOutForm>) -> Result<HttpResponse, Problem> {
    let everywhere = form.scope == Scope::Everywhere;
    if let Some(TokenStatus::Active(session)) = check(&request).await? {
        let sessions = &request.state.sessions;
        match form.scope {
            Scope::App => sessions.leave_app(&session, request.app.id.clone(), &request.client).await?,
            Scope::Everywhere => sessions.sign_out(session, &request.client).await?,
        }
    }
    let page = SignedOutPage {
        layout: request.layout(),
        app_name: &request.app.name,
        app_url: format!("{}/", request.origin()),
        everywhere,
    };
    let mut response = request.render(&page)?;
    request.remove_cookie(&mut response, CookieName::Gate);
    // So that the next sign-in is a first round.
    request.remove_cookie(&mut response, CookieName::GateStart);
    Ok(response)
}

/// `GET /.gatehouse/ping`: what arrives of a request, for `gatehouse doctor --app`.
pub(crate) async fn ping(request: AppRequest) -> Result<HttpResponse, Problem> {
    let answer = probe::app_answer(&request.request, &request.state, &request.app.id);
    answer.map(|answer| HttpResponse::Ok().content_type("text/plain").body(answer)).ok_or(Problem::NotFound)
}

/// `GET /.gatehouse/static/…`: the files that the pages need.
pub(crate) async fn file(request: AppRequest, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (_, name) = path.into_inner();
    request.state.assets.on_app_host(&request.request, &name)
}

async fn check(request: &AppRequest) -> Result<Option<TokenStatus>, Problem> {
    let Some(cookie) = request.cookie(CookieName::Gate) else { return Ok(None) };
    Ok(Some(request.state.sessions.check_app_cookie(cookie, &request.app.id, &request.client).await?))
}

/// Ends the way to the sign-in page and back.
fn failed(request: &AppRequest, problem: Problem) -> HttpResponse {
    NextStep::open_app(request.origin()).after(problem)
}
