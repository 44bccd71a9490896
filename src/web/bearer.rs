//! Who sends a request to the JSON API: the token in `Authorization: Bearer` (RFC 6750). Cookies are never read here,
//! so a page of another site cannot use the session of a browser.

use std::{
    future::{Ready, ready},
    ops::Deref,
    rc::Rc,
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::{
        StatusCode,
        header::{AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE},
    },
};
use futures_util::future::LocalBoxFuture;
use serde::Serialize;

use super::{
    error::{Problem, TokenProblem},
    messages::Messages,
    problem_json::FieldDetails,
    render::{reject_json, rejection_of},
    request_info::RequestInfo,
};
use crate::{
    accounts::{self, FieldError, Rejection},
    language::Language,
    sessions::{Session, TokenStatus},
};

/// Whether the JSON API is at this path. It has no pages, so errors there are JSON as well.
#[must_use]
pub(crate) fn is_api_path(path: &str) -> bool {
    path.strip_prefix("/api").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The sender of a request to the JSON API, with the state and the request itself.
#[derive(Clone)]
pub(crate) struct Caller {
    /// The request.
    pub(crate) request: HttpRequest,
    info: Rc<RequestInfo>,
}

impl Deref for Caller {
    type Target = RequestInfo;

    fn deref(&self) -> &RequestInfo {
        &self.info
    }
}

/// A sender with a valid access token. A handler with this argument is called only with one.
#[derive(Clone)]
pub(crate) struct AuthenticatedCaller {
    /// The session.
    pub(crate) session: Arc<Session>,
    caller: Caller,
}

impl Deref for AuthenticatedCaller {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl Caller {
    fn extract(request: &HttpRequest) -> Result<Self, Problem> {
        Ok(Self { request: request.clone(), info: RequestInfo::of(request)? })
    }

    /// Returns the token of the request.
    pub(crate) fn token(&self) -> Result<&str, Problem> {
        token(self.request.headers()).ok_or(Problem::Token(TokenProblem::Missing))
    }

    /// Returns the token of the body or, if it has none, of the request's header.
    pub(crate) fn token_or<'a>(&'a self, in_body: Option<&'a str>) -> Result<&'a str, Problem> {
        in_body.map_or_else(|| self.token(), Ok)
    }

    /// Returns the session of an access token.
    pub(crate) async fn session(&self, token: &str) -> Result<Arc<Session>, Problem> {
        active_session(self.state.access_tokens.check(token.as_bytes(), &self.client).await?)
    }

    fn language(&self) -> Language {
        self.language_for(None)
    }

    /// Answers a rejected request. The error of the field `login` is told under the name that the request has for it.
    /// Any other error ends the request.
    pub(crate) fn reject(&self, error: accounts::Error, login: &'static str) -> Result<HttpResponse, Problem> {
        let (rejection, status) = match error {
            // An invitation is a member of the body here, and no link.
            accounts::Error::Rejected(Rejection::LinkInvalid) => {
                rejection_of(Rejection::Invalid(vec![FieldError::InvitationInvalid]).into())?
            }
            accounts::Error::Rejected(Rejection::WrongCredentials) => {
                (Rejection::WrongCredentials, StatusCode::UNAUTHORIZED)
            }
            error => rejection_of(error)?,
        };
        let language = self.language();
        let mut errors = FieldDetails::of(&rejection, Messages::of(language));
        for error in &mut errors {
            error.rename("login", login);
        }
        let mut response = reject_json(&rejection, &errors, status, language);
        if let Some(challenge) = Problem::Token(TokenProblem::Missing).challenge()
            && status == StatusCode::UNAUTHORIZED
        {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        Ok(response)
    }
}

/// Returns the session that an access token leads to.
pub(crate) fn active_session(status: TokenStatus) -> Result<Arc<Session>, Problem> {
    let problem = match status {
        TokenStatus::Active(session) => return Ok(session),
        TokenStatus::Expired => TokenProblem::Expired,
        TokenStatus::Ended => TokenProblem::Revoked,
        TokenStatus::Invalid => TokenProblem::Invalid,
    };
    Err(Problem::Token(problem))
}

/// Whether a request has something that is meant as a token.
pub(crate) fn has_token(headers: &HeaderMap) -> bool {
    headers.get_all(AUTHORIZATION).any(|value| {
        value.as_bytes().split(|byte| *byte == b' ').next().is_some_and(|it| it.eq_ignore_ascii_case(b"Bearer"))
    })
}

/// Returns the token of the `Authorization` header, if there is one.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    // Not `to_str`, which looks at each byte: it took a twentieth of the time of a request.
    let (scheme, token) = str::from_utf8(value.as_bytes()).ok()?.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty()).then_some(token)
}

/// Answers with JSON.
pub(crate) fn answer(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status).json(body)
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::extract(request))
    }
}

impl FromRequest for AuthenticatedCaller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    /// Fails without a valid access token, at whatever address it is used.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = Caller::extract(request);
        Box::pin(async move {
            let caller = caller?;
            let session = caller.session(caller.token()?).await?;
            caller.set_active_session(&session);
            Ok(Self { session, caller })
        })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn only_api_paths_are_the_json_api() {
        for (path, is_api) in [
            ("/api", true),
            ("/api/", true),
            ("/api/login", true),
            ("/api/nowhere", true),
            ("/apis", false),
            ("/API/login", false),
            ("//api/login", false),
            ("/login", false),
            ("/", false),
        ] {
            assert_eq!(is_api_path(path), is_api, "{path}");
        }
    }

    #[test]
    fn token_is_read_from_one_bearer_header_only() {
        for (values, expected) in [
            (&["Bearer abc"][..], Some("abc")),
            (&["bearer  abc "], Some("abc")),
            (&["Basic abc"], None),
            (&["Bearer "], None),
            (&["Bearer"], None),
            (&["abc"], None),
            (&["Bearer abc", "Bearer abc"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            assert_eq!(token(&headers), expected, "{values:?}");
        }
    }
}
