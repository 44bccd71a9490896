//! A request that a reverse proxy sends on behalf of a browser at an application. The decision depends on the path,
//! which the proxy's configuration writes, and on cookie or token. Headers that a client may have written choose only
//! the form of a refusal and the way back.

use std::{
    future::{Ready, ready},
    net::IpAddr,
    ops::Deref,
    rc::Rc,
    sync::{Arc, Once},
};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::header::{ACCEPT, HeaderName, HeaderValue},
};
use ipnet::IpNet;
use tracing::warn;

use super::{
    cookies::{CookieName, Cookies},
    csrf::origin,
    error::Problem,
    request_info::RequestInfo,
    return_to::{APP_PATH, ReturnTo},
};
use crate::{apps::App, config::PublicUrl, language::Language};

/// The first parts of the paths that only reverse proxies ask for.
const PREFIXES: [&str; 3] = ["/verify/", "/subrequest/", "/handover/"];
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
const FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");

/// Once, because every client can send such a request.
static WARN_OF_UNTRUSTED_PEER: Once = Once::new();

/// Whether only reverse proxies ask for this path. `Host` is that of the application then.
#[must_use]
pub(crate) fn is_proxy_path(path: &str) -> bool {
    after_prefix(path).is_some()
}

fn after_prefix(path: &str) -> Option<&str> {
    PREFIXES.iter().find_map(|prefix| path.strip_prefix(prefix))
}

/// Whether a request comes from a proxy in `GATEHOUSE_TRUSTED_PROXIES` or, if that is empty, from this machine.
fn is_from_proxy(request: &HttpRequest, trusted: &[IpNet]) -> bool {
    let is_trusted = |peer: IpAddr| match trusted {
        [] => peer.is_loopback(),
        trusted => trusted.iter().any(|network| network.contains(&peer)),
    };
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let is_from_proxy = peer.is_some_and(is_trusted);
    if !is_from_proxy {
        WARN_OF_UNTRUSTED_PEER.call_once(|| {
            warn!(
                ?peer,
                "a request for forward authentication came from an address outside GATEHOUSE_TRUSTED_PROXIES and was \
                 answered with 404; if your reverse proxy sent it, add the proxy's address"
            );
        });
    }
    is_from_proxy
}

/// A request of a browser at an application, as the reverse proxy sends it. A peer that is no trusted proxy gets `404`.
/// An application that does not exist or has no origin is refused.
pub(crate) struct AppRequest {
    /// The request of the proxy.
    pub(crate) request: HttpRequest,
    /// The application.
    pub(crate) app: Arc<App>,
    cookies: Cookies,
    /// Where the path goes on after the application.
    rest_at: usize,
    info: Rc<RequestInfo>,
}

impl Deref for AppRequest {
    type Target = RequestInfo;

    fn deref(&self) -> &RequestInfo {
        &self.info
    }
}

impl AppRequest {
    pub(super) fn extract(request: &HttpRequest) -> Result<Self, Problem> {
        let info = RequestInfo::of(request)?;
        if !is_from_proxy(request, &info.state.settings.trusted_proxies) {
            return Err(Problem::NotFound);
        }
        let path = request.path();
        let path_at_app = after_prefix(path).ok_or(Problem::NoSuchApp)?;
        let (id, rest) = path_at_app.split_once('/').unwrap_or((path_at_app, ""));
        let rest_at = path.len() - rest.len();
        let app = info.state.apps.get(id).ok_or(Problem::NoSuchApp)?;
        let cookies = Cookies::new(app.url.as_ref().ok_or(Problem::NoSuchApp)?.is_https());
        Ok(Self { request: request.clone(), app, cookies, rest_at, info })
    }

    /// Returns what the path says beyond the application: its next part, and the rest.
    pub(crate) fn role_and_rest(&self) -> (&str, Option<&str>) {
        let rest = self.request.path().get(self.rest_at..).unwrap_or_default();
        rest.split_once('/').map_or((rest, None), |(role, rest)| (role, Some(rest)))
    }

    /// Returns the origin of the application.
    pub(crate) fn origin(&self) -> &str {
        // A request for an application without one was refused.
        self.app.url.as_ref().map_or("", PublicUrl::origin)
    }

    /// Returns the value of a cookie of the application's host.
    pub(crate) fn cookie(&self, name: CookieName) -> Option<&[u8]> {
        self.cookies.get(self.request.headers(), name)
    }

    /// Sets a cookie of the application's host that the browser drops when it is closed.
    pub(crate) fn set_cookie(
        &self,
        response: &mut HttpResponse,
        name: CookieName,
        value: String,
    ) -> Result<(), Problem> {
        response.add_cookie(&self.cookies.build(name, value, None)).map_err(|_| Problem::Internal)
    }

    /// Makes the browser drop a cookie of the application's host.
    pub(crate) fn remove_cookie(&self, response: &mut HttpResponse, name: CookieName) {
        self.cookies.remove(name, response.headers_mut());
    }

    /// Whether the browser goes to another page, and does not load a part of one.
    pub(crate) fn is_navigation(&self) -> bool {
        let headers = self.request.headers();
        if let Some(mode) = headers.get(FETCH_MODE) {
            return mode == "navigate";
        }
        let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
        self.is_get_or_head() && accept.is_some_and(|accept| accept.contains("text/html"))
    }

    /// Whether the browser sends no form.
    pub(crate) fn is_get_or_head(&self) -> bool {
        let own = self.request.method().as_str().as_bytes();
        let method = self.request.headers().get(FORWARDED_METHOD).map_or(own, HeaderValue::as_bytes);
        matches!(method, b"GET" | b"HEAD")
    }

    /// Returns the address where the browser signs in, and from where it comes back to the page that it asked for.
    pub(crate) fn sign_in_url(&self) -> String {
        let uri = self.request.headers().get(FORWARDED_URI).and_then(|value| value.to_str().ok());
        let back = uri.filter(|_| self.is_get_or_head()).and_then(ReturnTo::parse_of_app);
        back.unwrap_or_else(ReturnTo::first_page).as_parameter_of(&format!("{}{APP_PATH}/start", self.origin()), "rd")
    }

    /// Whether a form was sent by a page of the application's origin.
    pub(crate) fn is_from_app_origin(&self) -> bool {
        origin::is_same_origin(self.request.method(), self.request.headers(), self.origin())
    }

    /// Returns the language of the page.
    pub(crate) fn language(&self) -> Language {
        self.language_for(None)
    }
}

impl FromRequest for AppRequest {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::extract(request))
    }
}
