//! Around every request, whatever becomes of it: its number, the cross-origin check, the last resort for a handler that
//! panics, words for bare errors, and the security headers. Nothing leaves without passing here.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::InternalError,
    http::Method,
    middleware::Next,
    web::{Bytes, Data},
};
use futures_util::FutureExt;
use tracing::{Level, debug, enabled};

use super::{
    client_ip,
    csrf::origin,
    error::{self, Problem, Reader},
    form::Incoming,
    security_headers,
};
use crate::{
    events::Kind,
    request_id::{self, RequestId},
    web::state::App,
};

/// What has to be known of a request when it is gone.
struct Stub {
    app: Data<App>,
    method: Method,
    reader: Reader,
    id: RequestId,
}

/// See the module.
pub async fn wrap(
    mut req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let app = req.app_data::<Data<App>>().cloned().ok_or(Problem::Internal)?;
    let client = client_ip::client(req.headers(), req.peer_addr(), &app.trusted_proxies);
    let stub = Stub { method: req.method().clone(), reader: Reader::of(req.headers()), id: client.request_id, app };
    let began = enabled!(Level::DEBUG).then(Instant::now);
    let ours = origin::is_ours(req.method(), req.headers(), &stub.app.origin);
    if !ours {
        stub.app.notes.note(Kind::CrossOriginRefused, None, &client);
    }
    req.extensions_mut().insert(client);
    let incoming = match req.take_payload() {
        Payload::None => None,
        payload => Some(Incoming::new(payload)),
    };
    if let Some(incoming) = &incoming {
        req.extensions_mut().insert(incoming.clone());
    }

    let outcome = request_id::scope(stub.id, async {
        if !ours {
            return Ok(req.error_response(Problem::CrossOrigin));
        }
        AssertUnwindSafe(next.call(req))
            .catch_unwind()
            .await
            .unwrap_or_else(|_panic| Err(Problem::Internal.into()))
            .map(ServiceResponse::map_into_boxed_body)
    })
    .await;

    let (request, response) = match outcome {
        Ok(response) => {
            let (request, response) = response.into_parts();
            (Some(request), response)
        }
        Err(error) => (None, error.error_response()),
    };
    let mut response = stub.finish(response);
    if let Some(incoming) = incoming {
        response = response.map_body(|_, body| BoxBody::new(Held { body, _incoming: incoming }));
    }
    if let Some(began) = began {
        request_id::sync_scope(Some(stub.id), || {
            debug!(
                method = %stub.method,
                route = request.as_ref().and_then(HttpRequest::match_pattern),
                status = response.status().as_u16(),
                microseconds = began.elapsed().as_micros(),
                "answered"
            );
        });
    }
    match request {
        Some(request) => Ok(ServiceResponse::new(request, response)),
        // The request went down with its handler; as an error, the answer finds its way without it.
        None => Err(InternalError::from_response("answered", response).into()),
    }
}

/// An answer that keeps the request's body until it is sent; see [`Incoming`].
struct Held {
    body: BoxBody,
    _incoming: Incoming,
}

impl MessageBody for Held {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(cx)
    }
}

impl Stub {
    fn finish(&self, response: HttpResponse) -> HttpResponse {
        let mut response = error::dress(&self.app, response, self.reader, self.id);
        security_headers::add(response.headers_mut(), self.app.https);
        response
    }
}
