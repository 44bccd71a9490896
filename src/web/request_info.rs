//! What the server knows of a request beside its head: one value that the middleware makes, and that the guard, the
//! extractors and the error page share. An error or a panic consumes the request, and leaves this.

use std::{
    cell::{Cell, OnceCell},
    rc::Rc,
    sync::Arc,
};

use actix_web::{HttpMessage, dev::ServiceRequest, web::Data};

use super::{error::Problem, form::SharedPayload, language::RequestedLanguages, state::AppState};
use crate::{client::Client, language::Language, request_id::RequestId, sessions::Session};

/// What the server knows of a request beside its head.
pub struct RequestInfo {
    /// The state of the application.
    pub state: Data<AppState>,
    /// Address and browser.
    pub client: Client,
    /// The id in the log.
    pub(crate) id: RequestId,
    /// The body, before it is read. The middleware keeps it from the handler, because the guard reads it.
    pub(crate) payload: Option<SharedPayload>,
    languages: RequestedLanguages,
    /// The pattern of the route, once one was found.
    route: Cell<Option<&'static str>>,
    active_session: OnceCell<Arc<Session>>,
    authorized: OnceCell<Option<Arc<Session>>>,
}

impl RequestInfo {
    /// Returns what is known before the request is handled.
    pub(super) fn new(
        state: Data<AppState>,
        client: Client,
        languages: RequestedLanguages,
        payload: Option<SharedPayload>,
    ) -> Rc<Self> {
        Rc::new(Self {
            state,
            client,
            id: RequestId::new(),
            payload,
            languages,
            route: Cell::default(),
            active_session: OnceCell::default(),
            authorized: OnceCell::default(),
        })
    }

    /// Returns what is known of `request`. Fails where the middleware did not run.
    pub(super) fn of(request: &impl HttpMessage) -> Result<Rc<Self>, Problem> {
        request.extensions().get::<Rc<Self>>().cloned().ok_or(Problem::Internal)
    }

    /// Records which route of the table a request has.
    pub(crate) fn set_route(request: &ServiceRequest, pattern: &'static str) {
        if let Some(info) = request.extensions().get::<Rc<Self>>() {
            info.route.set(Some(pattern));
        }
    }

    /// Returns the pattern of the route, if one was found.
    pub(super) fn route(&self) -> Option<&'static str> {
        self.route.get()
    }

    /// Records the session of the request's token, once, for the error page.
    pub(super) fn set_active_session(&self, session: &Arc<Session>) {
        let _ = self.active_session.set(Arc::clone(session));
    }

    /// Returns the session of the request's token, once it was found active. `None` for a guest, for pages that need no
    /// session, for addresses without a page, and if the database did not answer; then the error page has no
    /// navigation, and its language is that of the browser.
    pub(super) fn active_session(&self) -> Option<&Session> {
        self.active_session.get().map(|session| &**session)
    }

    /// Records that the guard let the request pass, with the session of a signed-in person.
    pub(super) fn authorize(&self, session: Option<Arc<Session>>) {
        let _ = self.authorized.set(session);
    }

    /// Returns the session with which the guard let the request pass. Fails where the guard did not run.
    pub(super) fn authorized(&self) -> Result<Option<Arc<Session>>, Problem> {
        self.authorized.get().cloned().ok_or(Problem::Internal)
    }

    /// Returns the language for the owner of `session` or a guest.
    pub(crate) fn language_for(&self, session: Option<&Session>) -> Language {
        self.languages.choose(session, self.state.settings.language)
    }
}
