//! Why a request is not served; and which error type belongs where.
//!
//! - What a person can do wrong is a value: use cases return a [`Rejection`](crate::accounts::Rejection), and the page
//!   shows its form again (`render`).
//! - [`Problem`] ends a request. Handlers, guard and extractors return it; `error_page` renders it as a page or, for
//!   programs, as RFC 9457 JSON. The texts are in `messages`; the answer holds nothing of the cause.
//! - Causes go to the log, with the request id that the page shows. [`db::Error`] becomes a problem here and nowhere
//!   else: `503` if the database is unavailable, else `500`.
//! - [`ConfigError`](crate::config::ConfigError) and [`StartError`](crate::server::StartError) are for the operator, on
//!   standard error, before anything is served.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header::HeaderValue},
};
use strum::VariantArray;
use tracing::{error, warn};

use crate::{db, sessions::ChangeError, worker_pool::JobFailed};

/// Why a request is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The body or the URL cannot be read.
    Malformed,
    /// There is no session. The guard sends people to the sign-in page instead.
    Unauthenticated,
    /// The request is for a host that is not this site's.
    MisdirectedRequest,
    /// The form came from another site.
    CrossOrigin,
    /// The form does not belong to this session.
    InvalidCsrfToken,
    /// Registration is closed.
    RegistrationClosed,
    /// Registration needs an invitation.
    InvitationNeeded,
    /// There is no such page.
    NotFound,
    /// The page does not take this method, but these.
    MethodNotAllowed(&'static str),
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is too large.
    PayloadTooLarge,
    /// The body is not a form.
    UnsupportedMediaType,
    /// The body is not JSON, or not what the JSON API takes at this address.
    MalformedJson,
    /// The content type of the body is not JSON.
    NotJson,
    /// The JSON API needs a token, and this one is not good.
    Token(TokenProblem),
    /// The account may not use the application.
    NotAdmitted,
    /// There is no application with this id behind a reverse proxy.
    NoSuchApp,
    /// The sign-in to an application cannot be completed: it took too long, was completed before, or was begun in
    /// another browser.
    HandoverInvalid,
    /// A browser was sent to the sign-in page and back again and again.
    HandoverLoop,
    /// A form was sent to an application without a session.
    FormWithoutSession,
    /// The person's data is being downloaded already.
    ExportRunning,
    /// A one-time link that was used, replaced, or is too old, or never existed.
    LinkInvalid,
    /// A defect of this server.
    Internal,
    /// The database does not answer, or the server is overloaded.
    Unavailable,
    /// Any other status that a library answers with.
    Other(StatusCode),
}

/// Why a token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, VariantArray)]
pub enum TokenProblem {
    /// There is none.
    Missing,
    /// It has expired.
    Expired,
    /// It was not issued by this server, or is for another purpose.
    Invalid,
    /// Its session has ended.
    Revoked,
}

impl Problem {
    /// Returns the status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Malformed | Self::MalformedJson => StatusCode::BAD_REQUEST,
            Self::Unauthenticated | Self::FormWithoutSession | Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::CrossOrigin
            | Self::InvalidCsrfToken
            | Self::RegistrationClosed
            | Self::InvitationNeeded
            | Self::NotAdmitted
            | Self::NoSuchApp => StatusCode::FORBIDDEN,
            Self::HandoverLoop => StatusCode::CONFLICT,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::MisdirectedRequest => StatusCode::MISDIRECTED_REQUEST,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType | Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ExportRunning => StatusCode::TOO_MANY_REQUESTS,
            Self::LinkInvalid | Self::HandoverInvalid => StatusCode::GONE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Other(status) => status,
        }
    }

    /// Returns the name of the problem for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed | Self::MalformedJson => "malformed_body",
            Self::Unauthenticated | Self::FormWithoutSession | Self::Token(TokenProblem::Missing) => "token_missing",
            Self::Token(TokenProblem::Expired) => "token_expired",
            Self::Token(TokenProblem::Invalid) => "token_invalid",
            Self::Token(TokenProblem::Revoked) => "token_revoked",
            Self::MisdirectedRequest => "misdirected_request",
            Self::CrossOrigin
            | Self::InvalidCsrfToken
            | Self::RegistrationClosed
            | Self::InvitationNeeded
            | Self::NotAdmitted
            | Self::NoSuchApp => "forbidden",
            Self::HandoverInvalid | Self::HandoverLoop => "handover_failed",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::RequestTimeout => "request_timeout",
            Self::PayloadTooLarge => "too_large",
            Self::UnsupportedMediaType | Self::NotJson => "unsupported_media_type",
            Self::ExportRunning => "too_many_attempts",
            Self::LinkInvalid => "link_invalid",
            Self::Internal => "internal_error",
            Self::Unavailable => "unavailable",
            Self::Other(_) => "other",
        }
    }

    /// Returns the `WWW-Authenticate` header of an answer of the JSON API (RFC 6750, 3).
    #[must_use]
    pub(crate) fn challenge(self) -> Option<HeaderValue> {
        let Self::Token(problem) = self else { return None };
        Some(HeaderValue::from_static(match problem {
            TokenProblem::Missing => "Bearer",
            TokenProblem::Expired => "Bearer error=\"invalid_token\", error_description=\"The token has expired\"",
            TokenProblem::Invalid => {
                "Bearer error=\"invalid_token\", error_description=\"The token is not valid here\""
            }
            TokenProblem::Revoked => {
                "Bearer error=\"invalid_token\", error_description=\"The session of the token has ended\""
            }
        }))
    }

    /// Whether `status` means that the input is none that a page of this server sends. Such a request is an event (ASVS
    /// 16.3.3).
    #[must_use]
    pub fn is_invalid_input(status: StatusCode) -> bool {
        matches!(status, StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNSUPPORTED_MEDIA_TYPE)
    }

    /// Returns the problem that a library meant by answering with `status`.
    #[must_use]
    pub fn from_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::INTERNAL_SERVER_ERROR => Self::Internal,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            StatusCode::BAD_REQUEST => Self::Malformed,
            status => Self::Other(status),
        }
    }
}

/// For libraries. People read the texts in `messages`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// Returns an answer without a body, which `error_page` fills in where the request is known.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status());
        response.extensions_mut().insert(*self);
        response
    }
}

impl From<db::Error> for Problem {
    fn from(error: db::Error) -> Self {
        match &error {
            db::Error::Unavailable(_) | db::Error::SerializationFailure(_) => {
                warn!(%error, "request refused");
                Self::Unavailable
            }
            db::Error::UniqueViolation | db::Error::Failed(_) => {
                error!(%error, "request failed");
                Self::Internal
            }
        }
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::SessionEnded => Self::Unauthenticated,
            ChangeError::Database(error) => error.into(),
        }
    }
}

impl From<JobFailed> for Problem {
    fn from(error: JobFailed) -> Self {
        error!(%error, "request failed");
        Self::Internal
    }
}

impl From<askama::Error> for Problem {
    fn from(error: askama::Error) -> Self {
        error!(%error, "could not render a template");
        Self::Internal
    }
}
