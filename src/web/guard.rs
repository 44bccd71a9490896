//! Who may enter a page. Every page for browsers is behind the guard; a page is for signed-in people unless the route
//! table says otherwise, so a page that is added without a thought is guarded. Handlers for programs check tokens where
//! they need one, and those for reverse proxies take an `AppRequest`.
//!
//! The guard also verifies the CSRF token: a form of a browser with a session that lacks the session's token does not
//! reach its handler. It checks the session once more when it has read the form: while a slow client sends it, the
//! session may end.

use std::{
    future::{Ready, ready},
    ops::Deref,
    rc::Rc,
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    middleware::Next,
};

use super::{
    app_request::AppRequest,
    cookies::CookieName,
    csrf::token,
    error::Problem,
    error_page::Format,
    flash::Flash,
    form::FormFields,
    request_info::RequestInfo,
    return_to::{ReturnTo, see_other},
    state::AppState,
};
use crate::{
    client::Client,
    events::EventKind,
    sessions::{Session, TokenStatus},
};

/// Who may enter a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// All; a GET does not look the session up.
    Public,
    /// Guests and signed-in people.
    GuestsAndMembers,
    /// Guests; a signed-in person is redirected to the home page.
    Guests,
    /// Signed-in people; a guest is redirected to the sign-in page.
    SignedIn,
    /// Administrators. For others, also guests, there is no such page.
    Administrators,
    /// All. The form has no CSRF token, because it also stands on error pages, which may not know the session; it
    /// changes only the language.
    Appearance,
    /// Programs. There is no guard and cookies are not read; handlers that need a token take an `AuthenticatedCaller`.
    Api,
    /// Reverse proxies, which ask whether a request may pass. There is no guard and no body is read; handlers take an
    /// `AppRequest`, which only trusted peers get.
    Proxy,
    /// Browsers at an application, through its reverse proxy. A form must come from the application's origin.
    AppHost,
}

impl Access {
    /// Whether the form of a person with a session needs the session's token.
    fn needs_csrf_token(self) -> bool {
        match self {
            Self::Public | Self::GuestsAndMembers | Self::SignedIn | Self::Administrators => true,
            Self::Guests | Self::Appearance | Self::Api | Self::Proxy | Self::AppHost => false,
        }
    }

    /// Whether a form is read without a session.
    fn takes_forms_of_guests(self) -> bool {
        !matches!(self, Self::SignedIn | Self::Administrators)
    }

    /// Whether there is no such page for the sender of a request with this session.
    fn is_hidden_from(self, status: Option<&TokenStatus>) -> bool {
        let is_admin = matches!(status, Some(TokenStatus::Active(session)) if session.account.is_admin());
        self == Self::Administrators && !is_admin
    }
}

/// The sender of a request, with the state and the request itself. Handlers take it as an argument.
#[derive(Clone)]
pub struct Visitor {
    /// The request.
    pub request: HttpRequest,
    /// The session, if there is one.
    pub session: Option<Arc<Session>>,
    info: Rc<RequestInfo>,
}

impl Deref for Visitor {
    type Target = RequestInfo;

    fn deref(&self) -> &RequestInfo {
        &self.info
    }
}

/// A signed-in person. A handler with this argument is called only with a session.
#[derive(Clone)]
pub struct CurrentUser {
    /// The session.
    pub session: Arc<Session>,
    visitor: Visitor,
}

impl Deref for CurrentUser {
    type Target = Visitor;

    fn deref(&self) -> &Visitor {
        &self.visitor
    }
}

/// Lets a request pass to its page, or answers it.
pub async fn authorize(
    access: Access,
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if access == Access::AppHost {
        check_app_host(&req).await?;
        return next.call(req).await.map(ServiceResponse::map_into_boxed_body);
    }
    let info = RequestInfo::of(&req)?;
    let (state, client) = (&info.state, &info.client);
    let safe = req.method().is_safe();

    // Public pages that change nothing, such as health checks, do not need the session.
    let cookie = state.cookies.get(req.headers(), CookieName::Session);
    let mut status = match cookie {
        Some(cookie) if access != Access::Public || !safe => check(state, cookie, client).await?,
        _ => None,
    };
    if let Some(TokenStatus::Active(session)) = &status {
        info.set_active_session(session);
    }
    if access == Access::Guests && safe && is_active(status.as_ref()) {
        // Not for POST: a sign-in form that was filled in before the person signed in elsewhere still works.
        return Ok(req.into_response(see_other("/")));
    }

    if access.is_hidden_from(status.as_ref()) {
        return Err(Problem::NotFound.into());
    }

    if !safe && (access.takes_forms_of_guests() || is_active(status.as_ref())) {
        let mut fields = Box::pin(FormFields::read(req.headers(), info.payload.as_ref())).await?;
        let csrf_token = fields.take_csrf_token().unwrap_or_default();
        req.extensions_mut().insert(fields);
        // Again, because the session may have ended while a slow client sent the form.
        if let Some(cookie) = cookie
            && is_active(status.as_ref())
        {
            status = check(state, cookie, client).await?;
        }
        if access.is_hidden_from(status.as_ref()) {
            return Err(Problem::NotFound.into());
        }
        if let Some(TokenStatus::Active(session)) = &status
            && access.needs_csrf_token()
            && !token::verify(&state.core.keys, session, &csrf_token)
        {
            state.core.events.count(EventKind::FormRefused, Some(session.account.id), client);
            return Err(Problem::InvalidCsrfToken.into());
        }
    }

    let expired = matches!(status, Some(TokenStatus::Expired | TokenStatus::Ended));
    let session = match status {
        Some(TokenStatus::Active(session)) => Some(session),
        Some(TokenStatus::Expired | TokenStatus::Ended | TokenStatus::Invalid) | None => None,
    };
    if access == Access::SignedIn && session.is_none() {
        let response = redirect_to_login(state, req.request(), expired);
        return Ok(req.into_response(response));
    }
    info.authorize(session);
    let response = next.call(req).await?.map_into_boxed_body();
    // The session has ended between the check above and the transaction of a change.
    let is_unauthenticated = response.status() == Problem::Unauthenticated.status();
    if access == Access::Administrators && is_unauthenticated {
        return Err(Problem::NotFound.into());
    }
    if access == Access::SignedIn && is_unauthenticated {
        let redirect = redirect_to_login(state, response.request(), true);
        return Ok(response.into_response(redirect));
    }
    Ok(response)
}

/// Checks a request for a page on the host of an application, and reads its form.
async fn check_app_host(req: &ServiceRequest) -> Result<(), Problem> {
    let app = AppRequest::extract(req.request())?;
    if req.method().is_safe() {
        return Ok(());
    }
    if !app.is_from_app_origin() {
        app.state.core.events.count(EventKind::CrossOriginRefused, None, &app.client);
        return Err(Problem::CrossOrigin);
    }
    let fields = FormFields::read(req.headers(), app.payload.as_ref()).await?;
    req.extensions_mut().insert(fields);
    Ok(())
}

async fn check(state: &AppState, token: &[u8], client: &Client) -> Result<Option<TokenStatus>, Problem> {
    Ok(Some(state.sessions.check(token, client).await?))
}

fn is_active(status: Option<&TokenStatus>) -> bool {
    matches!(status, Some(TokenStatus::Active(_)))
}

/// Redirects to the sign-in page, and from there back to the page. A form cannot be sent a second time, so after one
/// the way leads to the home page. Clears the session cookie, so that it is not checked again and again.
fn redirect_to_login(state: &AppState, req: &HttpRequest, expired: bool) -> HttpResponse {
    if Format::negotiate(req.headers()) == Format::Json {
        return Problem::Unauthenticated.error_response();
    }
    let path = req.uri().path_and_query().map_or("/", |path| path.as_str());
    let return_to = ReturnTo::parse(path).filter(|_| req.method().is_safe());
    let mut response = see_other(&return_to.map_or_else(|| "/login".to_owned(), |to| to.as_query_of("/login")));
    if state.cookies.get(req.headers(), CookieName::Session).is_some() {
        state.cookies.remove(CookieName::Session, response.headers_mut());
    }
    if expired {
        // Cannot fail: name and value consist of characters that a header may hold.
        let cookie = Flash::SessionEnded.cookie(state.cookies, &state.core.keys, state.core.clock.now());
        let _ = response.add_cookie(&cookie);
    }
    response
}

impl Visitor {
    /// Fails where the guard did not run.
    fn extract(request: &HttpRequest) -> Result<Self, Problem> {
        let info = RequestInfo::of(request)?;
        Ok(Self { request: request.clone(), session: info.authorized()?, info })
    }
}

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::extract(request))
    }
}

impl FromRequest for CurrentUser {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    /// Fails without a session, on whatever page it is used.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Visitor::extract(request).and_then(|visitor| {
            let session = visitor.session.clone().ok_or(Problem::Internal)?;
            Ok(Self { session, visitor })
        }))
    }
}
