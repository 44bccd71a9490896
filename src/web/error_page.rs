//! Renders a [`Problem`] as a page or, for programs, as RFC 9457 JSON.

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderMap, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use askama::Template;

use super::{error::Problem, language::set_headers, layout::Layout, problem_json::ProblemDetails};
use crate::request_id::RequestId;

/// When to try again after a `503`, in seconds.
pub(super) const RETRY_SECONDS: u16 = 5;

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A page, for a person.
    Html,
    /// JSON, for a program.
    Json,
}

impl Format {
    /// Returns JSON if `Accept` names it and does not name HTML, else HTML.
    #[must_use]
    pub(crate) fn negotiate(headers: &HeaderMap) -> Self {
        let Some(accept) = headers.get(ACCEPT).and_then(|value| value.to_str().ok()) else { return Self::Html };
        let accepts =
            |kind: &str| accept.split(',').any(|range| range.split(';').next().is_some_and(|name| name.trim() == kind));
        let json = accepts("application/json") || accepts("application/problem+json");
        if json && !accepts("text/html") { Self::Json } else { Self::Html }
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    layout: Layout,
    title: &'a str,
    detail: &'a str,
    request_id: Option<RequestId>,
    next_step: Option<&'a NextStep>,
}

/// Where a person goes on after a problem. Kept in the extensions of an answer without a body.
#[derive(Debug, Clone)]
pub(crate) enum NextStep {
    /// To the sign-in page.
    SignIn(String),
    /// To an application.
    OpenApp(String),
}

impl NextStep {
    /// Returns the way to the first page of the application at `origin`.
    pub(crate) fn open_app(origin: &str) -> Self {
        Self::OpenApp(format!("{origin}/"))
    }

    /// Answers with a problem, whose page leads on here. The page never goes on by itself.
    pub(crate) fn after(self, problem: Problem) -> HttpResponse {
        let mut response = problem.error_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Marks an answer that needs no error page: it has a body of its own, such as a form shown again, or must have none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HasBody;

/// Fills an error response without a body with the error page or problem+json, keeping its headers. `layout` is that of
/// the page at the request's address. Runs no query.
#[must_use]
pub(crate) fn render_error(
    bare: HttpResponse,
    format: Format,
    request_id: RequestId,
    layout: impl FnOnce() -> Layout,
) -> HttpResponse {
    let status = bare.status();
    let has_body = bare.extensions().get::<HasBody>().is_some();
    if !(status.is_client_error() || status.is_server_error()) || has_body {
        return bare;
    }
    let problem = bare.extensions().get::<Problem>().copied().unwrap_or_else(|| Problem::from_status(status));
    let layout = layout();
    let language = layout.language;
    let (title, detail) = (layout.messages.problem)(problem);
    let mut response = match format {
        Format::Json => {
            let details = ProblemDetails::new(problem.code(), title, detail);
            details.answer(status, language, Some(request_id))
        }
        Format::Html => {
            // The log holds something to find only for the server's own errors.
            let request_id = status.is_server_error().then_some(request_id);
            let extensions = bare.extensions();
            let page = ProblemPage { layout, title, detail, request_id, next_step: extensions.get::<NextStep>() };
            let mut response = HttpResponse::build(status)
                .content_type("text/html; charset=utf-8")
                .body(page.render().unwrap_or_else(|_| detail.to_owned()));
            set_headers(response.headers_mut(), language);
            response
        }
    };
    for (name, value) in bare.headers() {
        if name != CONTENT_TYPE {
            response.headers_mut().append(name.clone(), value.clone());
        }
    }
    if let Problem::MethodNotAllowed(allow) = problem
        && let Ok(allow) = allow.parse()
    {
        response.headers_mut().insert(ALLOW, allow);
    }
    if let Some(challenge) = problem.challenge() {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    let try_later = matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
    if try_later && !response.headers().contains_key(RETRY_AFTER) {
        response.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS.into());
    }
    response
}
