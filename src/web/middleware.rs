//! What happens around every request, whatever becomes of it. Every answer passes here.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    rc::Rc,
    sync::Once,
    task::{Context, Poll},
    time::Instant,
};

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{Method, Uri, uri::PathAndQuery},
    middleware::Next,
    web::{Bytes, Data},
};
use futures_util::FutureExt;
use tracing::{Level, debug, enabled, warn};

use super::{
    app_request::is_proxy_path,
    bearer::is_api_path,
    client_ip,
    connections::Connection,
    cors::AllowedOrigin,
    csrf::origin,
    error::Problem,
    error_page::{self, Format},
    form::SharedPayload,
    language::{RequestedLanguages, chosen},
    layout::Layout,
    request_info::RequestInfo,
    return_to::ReturnTo,
    security_headers,
    state::AppState,
};
use crate::{events::EventKind, request_id};

/// One line is enough to tell the operator, and clients must not be able to fill the log.
static WARN_OF_OTHER_HOST: Once = Once::new();

/// What the answer needs to know of the head of a request, which its handler has consumed.
struct Head {
    method: Method,
    is_api: bool,
    /// Whether a reverse proxy sends the request on behalf of a browser at an application.
    is_proxied: bool,
    format: Format,
    /// `None` if the request `is_proxied`: the error page needs no way back then.
    uri: Option<Uri>,
    allowed_origin: Option<AllowedOrigin>,
    started_at: Option<Instant>,
}

/// Handles one request: gives it an id, identifies the client, checks host and origin, takes the body from the handler,
/// catches panics, fills error responses, adds the security headers, counts, and logs.
pub(crate) async fn handle(
    mut req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let state = req.app_data::<Data<AppState>>().cloned().ok_or(Problem::Internal)?;
    let (is_api, is_proxied) = (is_api_path(req.path()), is_proxy_path(req.path()));
    let head = Head {
        method: req.method().clone(),
        is_api,
        is_proxied,
        format: if is_api { Format::Json } else { Format::negotiate(req.headers()) },
        uri: (!is_proxied).then(|| req.uri().clone()),
        allowed_origin: if is_api { AllowedOrigin::of(&req, &state) } else { None },
        started_at: (state.requests.is_some() || enabled!(Level::DEBUG)).then(Instant::now),
    };
    let client = client_ip::client(req.headers(), req.peer_addr(), &state.settings.trusted_proxies);
    let chosen = if is_api || is_proxied { None } else { chosen(req.headers(), state.cookies) };
    let languages = RequestedLanguages::of(req.headers(), chosen);
    // A test without a socket has none.
    let connection = req.conn_data::<Rc<Connection>>().cloned();
    if let Some(connection) = &connection {
        connection.handle();
    }
    let payload = take_payload(&mut req, connection.as_ref());
    let info = RequestInfo::new(state, client, languages, payload);
    req.extensions_mut().insert(Rc::clone(&info));

    let outcome = request_id::scope(info.id, respond(&info, &head, req, next)).await;
    let (request, response) = match outcome {
        Ok(response) => {
            let (request, response) = response.into_parts();
            (Some(request), response)
        }
        Err(error) => (None, error.error_response()),
    };
    let response = head.finish(&info, response);
    if let Some(connection) = connection {
        connection.wait();
    }
    match request {
        Some(request) => Ok(ServiceResponse::new(request, response)),
        // A panic has consumed the request, which a `ServiceResponse` needs; an `Error` does not.
        None => Err(InternalError::from_response("see the response", response).into()),
    }
}

/// Keeps the body for the guard, which reads it once the session is known.
fn take_payload(req: &mut ServiceRequest, connection: Option<&Rc<Connection>>) -> Option<SharedPayload> {
    match (req.take_payload(), connection) {
        (Payload::None, _) => None,
        (payload, Some(connection)) => Some(SharedPayload::new(connection.watch(payload))),
        (payload, None) => Some(SharedPayload::new(payload)),
    }
}

async fn respond(
    info: &RequestInfo,
    head: &Head,
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // The host is that of an application then, and the origin of a form is for the handler to check.
    if head.is_proxied {
        return call(req, next).await;
    }
    if let Err(problem) = info.state.host.check(req.head()) {
        if problem == Problem::MisdirectedRequest {
            WARN_OF_OTHER_HOST.call_once(|| {
                warn!(
                    public = %info.state.public_url,
                    "a request for another host was refused; a reverse proxy must pass the Host header of its clients"
                );
            });
        }
        return Ok(req.error_response(problem));
    }
    if let Some(answer) = head.allowed_origin.as_ref().and_then(|_| AllowedOrigin::preflight(&req)) {
        return Ok(req.into_response(answer));
    }
    // The JSON API reads no cookie, so a page of another site has nothing to send there that it does not know itself.
    if !head.is_api && !origin::is_same_origin(req.method(), req.headers(), info.state.public_url.origin()) {
        info.state.core.events.count(EventKind::CrossOriginRefused, None, &info.client);
        return Ok(req.error_response(Problem::CrossOrigin));
    }
    let outcome = call(req, next).await;
    let status = match &outcome {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    if Problem::is_invalid_input(status) {
        let account = info.active_session().map(|session| session.account.id);
        info.state.core.events.count(EventKind::RequestRefused, account, &info.client);
    }
    outcome
}

/// Calls the handler, and turns a panic into an error.
async fn call(req: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    AssertUnwindSafe(next.call(req))
        .catch_unwind()
        .await
        .unwrap_or_else(|_panic| Err(Problem::Internal.into()))
        .map(ServiceResponse::map_into_boxed_body)
}

impl Head {
    /// Returns the layout of an error page.
    fn layout(&self, info: &RequestInfo) -> Layout {
        let session = info.active_session();
        let language = info.language_for(session);
        if self.is_proxied {
            return Layout::on_app_host(&info.state, language);
        }
        let path = self.uri.as_ref().and_then(Uri::path_and_query).map_or("/", PathAndQuery::as_str);
        let return_to =
            ReturnTo::parse_page(path).filter(|_| self.method.is_safe()).map_or("/".to_owned(), String::from);
        Layout::new(&info.state, language, session, return_to)
    }

    fn finish(&self, info: &RequestInfo, response: HttpResponse) -> HttpResponse {
        let mut response = error_page::render_error(response, self.format, info.id, || self.layout(info));
        if let Some(origin) = &self.allowed_origin {
            origin.allow(response.headers_mut());
        }
        // Not for an application: it may have other pages that need plain HTTP.
        let https = info.state.public_url.is_https() && !self.is_proxied;
        security_headers::apply(response.headers_mut(), https);
        if let Some(payload) = info.payload.clone() {
            response = response.map_body(|_, body| BoxBody::new(BodyWithPayload { body, _payload: payload }));
        }
        if let Some(started_at) = self.started_at {
            if let Some(requests) = &info.state.requests {
                requests.record(info.route(), &self.method, response.status(), started_at.elapsed());
            }
            request_id::sync_scope(Some(info.id), || {
                debug!(
                    method = %self.method,
                    route = info.route(),
                    status = response.status().as_u16(),
                    microseconds = started_at.elapsed().as_micros(),
                    "response sent"
                );
            });
        }
        response
    }
}

/// A response body that keeps the request's body until it is sent; see [`SharedPayload`].
struct BodyWithPayload {
    body: BoxBody,
    _payload: SharedPayload,
}

impl MessageBody for BodyWithPayload {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(cx)
    }
}
