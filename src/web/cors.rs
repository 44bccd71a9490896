//! Which scripts of other origins may call the JSON API (the CORS protocol of the Fetch standard): those of the origins
//! that the operator has registered with an application. Credentials of the browser are never allowed; the API reads
//! none.

use actix_web::{
    HttpResponse,
    dev::ServiceRequest,
    http::{
        Method,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap,
            HeaderValue, ORIGIN, VARY,
        },
    },
};

use super::state::AppState;

/// The registered origin that a request to the API comes from.
#[derive(Debug, Clone)]
pub(crate) struct AllowedOrigin(HeaderValue);

impl AllowedOrigin {
    /// Returns the origin of a request to the API, if its scripts may read the answer.
    #[must_use]
    pub(crate) fn of(req: &ServiceRequest, state: &AppState) -> Option<Self> {
        if !state.settings.api.is_on() {
            return None;
        }
        let mut origins = req.headers().get_all(ORIGIN);
        let (Some(origin), None) = (origins.next(), origins.next()) else { return None };
        state.apps.allows_origin(origin.to_str().ok()?).then(|| Self(origin.clone()))
    }

    /// Answers the question of a browser whether a script of an allowed origin may send a request.
    #[must_use]
    pub(crate) fn preflight(req: &ServiceRequest) -> Option<HttpResponse> {
        let is_preflight = req.method() == Method::OPTIONS && req.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        is_preflight.then(|| {
            HttpResponse::NoContent()
                .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"))
                .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, "Accept-Language, Authorization, Content-Type"))
                .insert_header((ACCESS_CONTROL_MAX_AGE, "600"))
                .finish()
        })
    }

    /// Lets the scripts of this origin read an answer.
    pub(crate) fn allow(&self, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.0.clone());
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Retry-After, WWW-Authenticate"));
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
}
