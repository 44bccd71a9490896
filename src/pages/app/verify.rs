//! `/verify` and `/subrequest`: whether a request to an application may pass. The same decision in two forms: nginx
//! takes no answers but `2xx`, `401` and `403` from its subrequest, and no body.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue, LOCATION, WWW_AUTHENTICATE},
    },
};

use crate::{
    identity::{Email, Role},
    request_id,
    sessions::{Session, TokenStatus},
    web::{
        app_request::AppRequest,
        bearer::{active_session, has_token, token},
        cookies::CookieName,
        error::{Problem, TokenProblem},
        error_page::{HasBody, NextStep},
        messages::Messages,
        problem_json::ProblemDetails,
        return_to::see_other,
    },
};

const REMOTE_USER: HeaderName = HeaderName::from_static("remote-user");
const REMOTE_NAME: HeaderName = HeaderName::from_static("remote-name");
const REMOTE_EMAIL: HeaderName = HeaderName::from_static("remote-email");
const REMOTE_GROUPS: HeaderName = HeaderName::from_static("remote-groups");
const ASSERTION: HeaderName = HeaderName::from_static("x-gatehouse-jwt");

/// The role in the path that stands for those of the application.
const ANY: &str = "any";

/// Why a request may not pass.
enum Refusal {
    /// There is no session.
    Guest,
    /// Any other reason.
    Problem(Problem),
}

impl<P: Into<Problem>> From<P> for Refusal {
    fn from(problem: P) -> Self {
        Self::Problem(problem.into())
    }
}

/// `ANY /verify/{app}/{role}{tail}`
pub(crate) async fn verify(request: AppRequest) -> Result<HttpResponse, Problem> {
    match decide(&request).await {
        Ok(session) => admit(&request, &session).await,
        // Of a program, which has no use for a page.
        Err(Refusal::Problem(problem @ Problem::Token(_))) => Ok(refuse(&request, problem, None)),
        Err(Refusal::Problem(problem)) => Err(problem),
        Err(Refusal::Guest) => Ok(ask_to_sign_in(&request)),
    }
}

/// `ANY /subrequest/{app}/{role}`
pub(crate) async fn subrequest(request: AppRequest) -> Result<HttpResponse, Problem> {
    let mut response = match decide(&request).await {
        Ok(session) => return admit(&request, &session).await,
        Err(Refusal::Problem(problem)) => HttpResponse::new(problem.status()),
        Err(Refusal::Guest) => HttpResponse::new(StatusCode::UNAUTHORIZED),
    };
    let is_unauthenticated = response.status() == StatusCode::UNAUTHORIZED;
    if is_unauthenticated && request.is_navigation() && request.is_get_or_head() {
        let url = request.sign_in_url().parse::<HeaderValue>().map_err(|_| Problem::Internal)?;
        response.headers_mut().insert(LOCATION, url);
    }
    response.extensions_mut().insert(HasBody);
    Ok(response)
}

/// Returns the session of the person who may pass. A bearer token, if there is one, decides alone.
async fn decide(request: &AppRequest) -> Result<Arc<Session>, Refusal> {
    let path = request.request.match_info();
    let role = match path.get("role").unwrap_or_default() {
        ANY => None,
        role => Some(role.parse::<Role>().map_err(|_| Problem::NoSuchApp)?),
    };
    // `OPTIONS *` makes Envoy ask for `/verify/wiki/any*`.
    if path.get("tail").is_some_and(|tail| !(tail.is_empty() || tail.starts_with('/'))) {
        return Err(Problem::NoSuchApp.into());
    }
    let headers = request.request.headers();
    let session =
        if has_token(headers) { session_of_token(request).await? } else { session_of_cookie(request).await? };
    let roles = &session.account.roles;
    if request.app.admits(roles) && role.is_none_or(|role| roles.contains(&role)) {
        Ok(session)
    } else {
        Err(Problem::NotAdmitted.into())
    }
}

async fn session_of_cookie(request: &AppRequest) -> Result<Arc<Session>, Refusal> {
    let Some(cookie) = request.cookie(CookieName::Gate) else { return Err(Refusal::Guest) };
    match request.state.sessions.check_app_cookie(cookie, &request.app.id, &request.client).await? {
        TokenStatus::Active(session) => Ok(session),
        TokenStatus::Expired | TokenStatus::Ended | TokenStatus::Invalid => Err(Refusal::Guest),
    }
}

async fn session_of_token(request: &AppRequest) -> Result<Arc<Session>, Refusal> {
    let token = token(request.request.headers()).ok_or(Problem::Token(TokenProblem::Invalid))?;
    let status = request.state.access_tokens.check(token.as_bytes(), &request.client).await?;
    let session = active_session(status)?;
    // An application that gets tokens could use them at another one.
    if session.application.as_ref().is_some_and(|app| *app != request.app.id) {
        return Err(Problem::NotAdmitted.into());
    }
    Ok(session)
}

/// Lets a request pass. Always with every header: for one that is missing, some proxies pass on what the client sent.
async fn admit(request: &AppRequest, session: &Arc<Session>) -> Result<HttpResponse, Problem> {
    let account = &session.account;
    let assertion = request.state.assertions.of(session, &request.app.id).await?;
    let roles: Vec<_> = account.roles.iter().map(Role::as_str).collect();
    let mut response = HttpResponse::new(StatusCode::OK);
    for (name, text) in [
        (REMOTE_USER, account.username.as_str()),
        (REMOTE_NAME, account.username.as_str()),
        (REMOTE_EMAIL, account.email.as_ref().map_or("", Email::as_str)),
        (REMOTE_GROUPS, &roles.join(",")),
        (ASSERTION, assertion.as_str()),
    ] {
        // Letters beyond ASCII reach applications in different encodings, or not at all.
        let text = if text.is_ascii() { text } else { "" };
        response.headers_mut().insert(name, text.parse().map_err(|_| Problem::Internal)?);
    }
    Ok(response)
}

/// Sends a browser to sign in, if it goes to a page. A script or an image gets `401`, because a redirect to another
/// origin would be an error without a reason; so does a form, because its fields would be lost on the way.
fn ask_to_sign_in(request: &AppRequest) -> HttpResponse {
    let url = request.sign_in_url();
    if request.is_navigation() && request.is_get_or_head() {
        return see_other(&url);
    }
    if request.is_navigation() {
        return NextStep::SignIn(url).after(Problem::FormWithoutSession);
    }
    refuse(request, Problem::Unauthenticated, Some(&url))
}

/// Refuses a request with problem+json.
fn refuse(request: &AppRequest, problem: Problem, sign_in_url: Option<&str>) -> HttpResponse {
    let language = request.language();
    let (title, detail) = (Messages::of(language).problem)(problem);
    let details = ProblemDetails { sign_in_url, ..ProblemDetails::new(problem.code(), title, detail) };
    let mut response = details.answer(problem.status(), language, request_id::current());
    if let Some(challenge) = problem.challenge() {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response.extensions_mut().insert(HasBody);
    response
}
