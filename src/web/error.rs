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

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
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

impl Problem {
    /// Returns the status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::CrossOrigin | Self::InvalidCsrfToken | Self::RegistrationClosed | Self::InvitationNeeded => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::MisdirectedRequest => StatusCode::MISDIRECTED_REQUEST,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ExportRunning => StatusCode::TOO_MANY_REQUESTS,
            Self::LinkInvalid => StatusCode::GONE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Other(status) => status,
        }
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
