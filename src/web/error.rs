//! Answers to requests that cannot be served as they are; and which error type belongs where.
//!
//! - What a person can do wrong is no error but a value: `accounts` returns it as an outcome, the page shows its form again.
//! - [`Problem`] is an error that ends a request: its variants are the answers that the contract knows. Handlers, guard and
//!   extractors return it; it becomes one page (`templates/problem.html`) or, for programs, RFC 9457 JSON. The texts are in
//!   `words`; nothing of the cause is in the answer.
//! - Causes go to the log, under the number of the request that the page shows. [`db::Error`] and [`accounts::Error`] turn
//!   into a problem here and nowhere else: a database that does not answer is `503`, the rest is ours and `500`.
//! - [`ConfigError`](crate::config::ConfigError) and [`StartError`](crate::server::StartError) are for the operator, on
//!   standard error, before anything is served.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderMap, RETRY_AFTER},
    },
};
use askama::Template;
use serde::Serialize;
use tracing::{error, warn};

use crate::{accounts, db, request_id::RequestId, web::layout::Layout, web::messages, web::state::App};

/// Why a request cannot be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The body is not what was asked for.
    Malformed,
    /// No session, and the client is a program that a redirect would not help.
    SignedOut,
    /// The form came from another site.
    CrossOrigin,
    /// The form is not of this session.
    StaleForm,
    /// Nobody can make an account here.
    RegistrationClosed,
    /// No such page.
    NotFound,
    /// The page knows other methods: these.
    Method(&'static str),
    /// The body did not come in time.
    TooSlow,
    /// The body is too large.
    TooLarge,
    /// The body is not a form.
    NotAForm,
    /// Ours.
    Internal,
    /// The database does not answer, or there is too much to do.
    Unavailable,
    /// Any other status that a library answers with.
    Other(StatusCode),
}

impl Problem {
    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::CrossOrigin | Self::StaleForm | Self::RegistrationClosed => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Other(status) => status,
        }
    }

    fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::INTERNAL_SERVER_ERROR => Self::Internal,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            StatusCode::BAD_REQUEST => Self::Malformed,
            status => Self::Other(status),
        }
    }
}

/// For libraries; people read [`messages::problem`].
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// Without words: these are added on the way out, where the request is known. See [`dress`].
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status());
        response.extensions_mut().insert(*self);
        response
    }
}

impl From<db::Error> for Problem {
    fn from(cause: db::Error) -> Self {
        match &cause {
            db::Error::Unavailable(_) => {
                warn!(%cause, "a request was refused");
                Self::Unavailable
            }
            db::Error::Failed(_) => {
                error!(%cause, "a request failed");
                Self::Internal
            }
        }
    }
}

impl From<accounts::Error> for Problem {
    fn from(cause: accounts::Error) -> Self {
        match cause {
            accounts::Error::Database(cause) => cause.into(),
            accounts::Error::Hashing(cause) => {
                error!(%cause, "a request failed");
                Self::Internal
            }
        }
    }
}

impl From<askama::Error> for Problem {
    fn from(cause: askama::Error) -> Self {
        error!(%cause, "a page could not be written");
        Self::Internal
    }
}

/// Who is to read the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A person in a browser.
    Person,
    /// A program that asked for JSON.
    Program,
}

impl Reader {
    /// Says `Accept` that JSON is wanted, and not a page?
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let Some(accept) = headers.get(ACCEPT).and_then(|value| value.to_str().ok()) else { return Self::Person };
        let wants =
            |kind: &str| accept.split(',').any(|range| range.split(';').next().is_some_and(|name| name.trim() == kind));
        let json = wants("application/json") || wants("application/problem+json");
        if json && !wants("text/html") { Self::Program } else { Self::Person }
    }
}

/// RFC 9457. `about:blank` means that the status says it all.
#[derive(Debug, Serialize)]
pub struct ProblemDetails<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    request_id: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError<'a>],
}

/// What is wrong with one field of a form, for a program.
#[derive(Debug, Serialize)]
pub struct FieldError<'a> {
    /// The field's name.
    pub field: &'a str,
    /// What is wrong.
    pub message: &'a str,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    layout: Layout,
    title: &'a str,
    detail: &'a str,
    request_id: Option<RequestId>,
}

/// An answer in JSON.
#[must_use]
pub fn details(
    status: StatusCode,
    title: &str,
    detail: &str,
    errors: &[FieldError<'_>],
    request_id: RequestId,
) -> HttpResponse {
    let details = ProblemDetails {
        r#type: "about:blank",
        title,
        status: status.as_u16(),
        detail,
        request_id: request_id.to_string(),
        errors,
    };
    let body = serde_json::to_string(&details).unwrap_or_default();
    HttpResponse::build(status).insert_header((CONTENT_TYPE, "application/problem+json")).body(body)
}

/// Gives words to an answer of ours or of a library that has none for people. Keeps its headers; a page that already is
/// one stays as it is.
#[must_use]
pub fn dress(app: &App, bare: HttpResponse, reader: Reader, request_id: RequestId) -> HttpResponse {
    let status = bare.status();
    let is_ours = bare.extensions().get::<Words>().is_some();
    if !(status.is_client_error() || status.is_server_error()) || is_ours {
        return bare;
    }
    let problem = bare.extensions().get::<Problem>().copied().unwrap_or_else(|| Problem::of(status));
    let (title, detail) = messages::problem(problem);
    // The number helps whoever looks into the log, so it is shown where there is something to look for.
    let number = status.is_server_error().then_some(request_id);
    let page = ProblemPage { layout: Layout::plain(app), title, detail, request_id: number };
    let mut dressed = match reader {
        Reader::Program => details(status, title, detail, &[], request_id),
        Reader::Person => HttpResponse::build(status)
            .content_type("text/html; charset=utf-8")
            // A page that cannot be written is no reason to say nothing.
            .body(page.render().unwrap_or_else(|_| detail.to_owned())),
    };
    for (name, value) in bare.headers() {
        if name != CONTENT_TYPE {
            dressed.headers_mut().append(name.clone(), value.clone());
        }
    }
    if let Problem::Method(allow) = problem
        && let Ok(allow) = allow.parse()
    {
        dressed.headers_mut().insert(ALLOW, allow);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE && !dressed.headers().contains_key(RETRY_AFTER) {
        dressed.headers_mut().insert(RETRY_AFTER, messages::RETRY_SECONDS.into());
    }
    dressed
}

/// A mark on answers that have their own words, such as a form shown again.
#[derive(Debug, Clone, Copy)]
pub struct Words;
