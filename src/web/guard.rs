//! The guard: every page is behind it, and it decides who may go on. A page is for the signed in unless the route table
//! says otherwise, so that a page that somebody adds and forgets about is guarded.
//!
//! It also holds the second lock on requests that change something: for a browser with a session, a form without that
//! session's token goes no further than here, whatever its handler does.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::header::LOCATION,
    middleware::Next,
    web::Data,
};

use super::{
    cookies::Name,
    csrf::token,
    error::{Problem, Reader},
    flash::Flash,
    form::{Fields, Incoming},
    return_to,
};
use crate::{
    client::Client,
    events::Kind,
    sessions::{Checked, Session},
    web::state::App,
};

/// Who may see a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// Those who are not signed in; others have no business there.
    Guests,
    /// Those who are signed in.
    SignedIn,
}

/// What the guard found out about a request.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The session, if there is one.
    pub session: Option<Arc<Session>>,
    /// Who is asking.
    pub client: Client,
}

/// A handler that takes this is only ever called for the signed in.
#[derive(Debug, Clone)]
pub struct Member {
    /// The session.
    pub session: Arc<Session>,
    /// Who is asking.
    pub client: Client,
}

impl Member {
    /// The hidden field of this person's forms.
    #[must_use]
    pub fn form_token(&self, app: &App) -> String {
        token::make(&app.keys, &self.session)
    }
}

/// Lets a request pass or answers it.
pub async fn enter(
    access: Access,
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let app = req.app_data::<Data<App>>().cloned().ok_or(Problem::Internal)?;
    let client = req.extensions().get::<Client>().cloned().ok_or(Problem::Internal)?;
    let safe = req.method().is_safe();

    // Health checks and the like have no use for a session.
    let checked = match app.jar.read(req.headers(), Name::Session) {
        Some(token) if access != Access::Public || !safe => {
            Some(app.sessions.check(token, &client).await.map_err(Problem::from)?)
        }
        _ => None,
    };
    let ended = matches!(checked, Some(Checked::Ended));
    let session = match checked {
        Some(Checked::Live(session)) => Some(session),
        Some(Checked::Ended | Checked::Forged) | None => None,
    };

    match access {
        Access::SignedIn if session.is_none() => return Ok(turn_away(&app, req, ended)),
        // Only from looking at the page. A form that was filled in before somebody signed in elsewhere is still sent.
        Access::Guests if session.is_some() && safe => return Ok(req.into_response(see_other("/"))),
        _ => {}
    }

    if !safe {
        let incoming = req.extensions().get::<Incoming>().cloned();
        let mut fields = Fields::read(req.headers(), incoming.as_ref()).await?;
        let token = fields.take_token().unwrap_or_default();
        if access != Access::Guests
            && let Some(session) = &session
            && !token::is_good(&app.keys, session, &token)
        {
            app.notes.note(Kind::FormRefused, Some(session.owner.id), &client);
            return Err(Problem::StaleForm.into());
        }
        req.extensions_mut().insert(fields);
    }

    req.extensions_mut().insert(Visitor { session, client });
    next.call(req).await.map(ServiceResponse::map_into_boxed_body)
}

/// To the sign-in page, and from there back to where the person wanted to go; a form cannot be sent a second time, so
/// after one it is the front page. The dead cookie goes, so that it is not checked again and again.
fn turn_away(app: &App, req: ServiceRequest, ended: bool) -> ServiceResponse<BoxBody> {
    if Reader::of(req.headers()) == Reader::Program {
        return req.error_response(Problem::SignedOut);
    }
    let wanted = req.uri().path_and_query().map_or("/", |path| path.as_str());
    let next = return_to::Next::parse(wanted).filter(|_| req.method().is_safe());
    let mut response = see_other(&next.map_or_else(|| "/login".to_owned(), |next| next.carried_by("/login")));
    if app.jar.read(req.headers(), Name::Session).is_some() {
        app.jar.clear(Name::Session, response.headers_mut());
    }
    if ended {
        // Its name and value are ours: letters that a header may hold.
        let _ = response.add_cookie(&Flash::SessionEnded.cookie(app.jar, &app.keys, app.clock.now()));
    }
    req.into_response(response)
}

/// `303 See Other`: a browser follows it with GET, and going back does not send a form again.
#[must_use]
pub fn see_other(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, to)).finish()
}

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(req.extensions().get::<Self>().cloned().ok_or(Problem::Internal))
    }
}

impl FromRequest for Member {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    /// Without the guard, or without a session, there is no member, and the answer is an error: it fails closed.
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let member = req.extensions().get::<Visitor>().and_then(|visitor| {
            let session = visitor.session.clone()?;
            Some(Self { session, client: visitor.client.clone() })
        });
        ready(member.ok_or(Problem::Internal))
    }
}
