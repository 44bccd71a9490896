//! `/verify` and `/subrequest`: whether a request to an application may pass. The same decision in two forms: nginx
//! takes no answers but `2xx`, `401` and `403` from its subrequest, and no body.

use std::sync::Arc;

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{HeaderValue, LOCATION, WWW_AUTHENTICATE},
    },
};

use crate::{
    identity::Role,
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

/// `ANY /verify/{app}/{role}`, also with anything after a further slash.
pub(crate) async fn verify(request: AppRequest) -> Result<HttpResponse, Problem> {
    // Some proxies append the path that the browser asked for.
    let (role, _) = request.role_and_rest();
    match decide(&request, role).await {
        Ok(session) => admit(&request, &session).await,
        // Of a program, which has no use for a page.
        Err(Refusal::Problem(problem @ Problem::Token(_))) => Ok(refuse(&request, problem, None)),
        Err(Refusal::Problem(problem)) => Err(problem),
        Err(Refusal::Guest) => Ok(ask_to_sign_in(&request)),
    }
}

/// `ANY /subrequest/{app}/{role}`
pub(crate) async fn subrequest(request: AppRequest) -> Result<HttpResponse, Problem> {
    let (role, rest) = request.role_and_rest();
    if rest.is_some() {
        return Err(Problem::NoSuchApp);
    }
    let mut response = match decide(&request, role).await {
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
async fn decide(request: &AppRequest, role: &str) -> Result<Arc<Session>, Refusal> {
    let role = match role {
        ANY => None,
        // `OPTIONS *` makes Envoy ask for `/verify/wiki/any*`.
        role => Some(role.parse::<Role>().map_err(|_| Problem::NoSuchApp)?),
    };
    let headers = request.request.headers();
    let session = if has_token(headers) {
        Box::pin(session_of_token(request)).await?
    } else {
        session_of_cookie(request).await?
    };
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

/// Lets a request pass.
async fn admit(request: &AppRequest, session: &Arc<Session>) -> Result<HttpResponse, Problem> {
    request.state.identity_headers.response(session, &request.app.id).await
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
