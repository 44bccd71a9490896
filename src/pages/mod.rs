//! The pages: one file each, of the same name as its template and its test. A page turns a form into a call of
//! `accounts` or `sessions` and the outcome into an answer; it decides nothing else.

pub mod account;
pub mod health;
pub mod home;
pub mod login;
pub mod logout;
pub mod register;

use std::borrow::Cow;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    },
};
use askama::Template;
use time::format_description::well_known::Rfc3339;

use crate::web::layout::Layout;
use crate::{
    accounts::{Device, Mistake, Refused, SignedIn},
    client::Client,
    clock::Timestamp,
    web::messages,
    web::state::App,
    web::{
        cookies::Name,
        device_cookie,
        error::{self, FieldError, Problem, Reader, Words},
        guard,
        return_to::Next,
    },
};

/// A page with a layout around it.
pub trait Page: Template {
    /// What is around it.
    fn layout(&self) -> &Layout;
}

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// Room for most pages, in bytes, so that they are not moved while they grow.
const USUAL: usize = 4096;

/// An answer with `page` in it; a message that it shows is not shown again. Not for errors, which [`show_again`] answers.
fn show(app: &App, status: StatusCode, page: &impl Page) -> Result<HttpResponse, Problem> {
    let mut body = String::with_capacity(USUAL);
    page.render_into(&mut body)?;
    let mut response = HttpResponse::build(status).insert_header((CONTENT_TYPE, HTML)).body(body);
    if page.layout().flash.is_some() {
        app.jar.clear(Name::Flash, response.headers_mut());
    }
    Ok(response)
}

/// A moment for people and, exactly, for machines.
#[derive(Debug)]
pub struct When {
    words: String,
    exact: String,
}

impl When {
    fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { words: messages::when(at, now), exact: at.date().format(&Rfc3339).unwrap_or_default() }
    }
}

/// What is wrong with a form: for each field at most one sentence, and perhaps a notice on the whole.
#[derive(Debug, Default)]
pub struct Errors {
    fields: Vec<(&'static str, Cow<'static, str>)>,
    notice: Option<Cow<'static, str>>,
}

impl Errors {
    fn of_field(name: &'static str, text: &'static str) -> Self {
        Self { fields: vec![(name, text.into())], notice: None }
    }

    fn of_mistakes(mistakes: Vec<Mistake>) -> Self {
        Self { fields: mistakes.into_iter().map(messages::mistake).collect(), notice: None }
    }

    fn of_form(notice: impl Into<Cow<'static, str>>) -> Self {
        Self { fields: Vec::new(), notice: Some(notice.into()) }
    }

    /// What is wrong with a field; empty if nothing is.
    #[must_use]
    pub fn of(&self, name: &str) -> &str {
        self.fields.iter().find(|(field, _)| *field == name).map_or("", |(_, text)| text)
    }

    /// All of it, for the summary.
    #[must_use]
    pub fn fields(&self) -> &[(&'static str, Cow<'static, str>)] {
        &self.fields
    }

    /// What is wrong with the form as a whole; empty if nothing is.
    #[must_use]
    pub fn notice(&self) -> &str {
        self.notice.as_deref().unwrap_or_default()
    }

    /// Whether there is nothing wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.notice.is_none()
    }

    /// The same for a program.
    fn details(&self, status: StatusCode, client: &Client) -> HttpResponse {
        let errors: Vec<_> = self.fields.iter().map(|(field, message)| FieldError { field, message }).collect();
        let (title, mistakes) = messages::FORM_REFUSED;
        let detail = self.notice.as_deref().unwrap_or(mistakes);
        error::details(status, title, detail, &errors, client.request_id)
    }
}

/// A form shown again: with `page` for a person, with the same errors as JSON for a program.
fn show_again(
    app: &App,
    req: &HttpRequest,
    status: StatusCode,
    retry_after: Option<u64>,
    page: &impl Page,
    errors: &Errors,
    client: &Client,
) -> Result<HttpResponse, Problem> {
    let mut response = match Reader::of(req.headers()) {
        Reader::Person => show(app, status, page)?,
        Reader::Program => errors.details(status, client),
    };
    response.extensions_mut().insert(Words);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

/// A refused change as the status of the answer, when to come back, and the errors of its form.
fn refused(refused: Refused) -> (StatusCode, Option<u64>, Errors) {
    match refused {
        Refused::Mistakes(mistakes) => (StatusCode::UNPROCESSABLE_ENTITY, None, Errors::of_mistakes(mistakes)),
        Refused::Throttled(refusal) => (
            StatusCode::TOO_MANY_REQUESTS,
            Some(messages::retry_after(refusal)),
            Errors::of_form(messages::sign_in_refused(refusal)),
        ),
        Refused::Busy => {
            (StatusCode::SERVICE_UNAVAILABLE, Some(messages::RETRY_SECONDS.into()), Errors::of_form(messages::BUSY))
        }
    }
}

/// On to where the person wanted to go, with the cookies of a new session.
fn go_on(app: &App, req: &HttpRequest, signed_in: &SignedIn, next: &str) -> Result<HttpResponse, Problem> {
    let next = Next::parse(next);
    let mut response = guard::see_other(next.as_ref().map_or("/", Next::as_str));
    let now = app.clock.now();
    let known = known_devices(app, req);
    let device = device_cookie::make(&app.keys, signed_in.account, &known, now);
    let session = app.sessions.token(&signed_in.session);
    add_cookie(&mut response, &app.jar.write(Name::Session, session, signed_in.session.keep_for))?;
    add_cookie(&mut response, &app.jar.write(Name::Device, device, Some(device_cookie::KNOWN_FOR)))?;
    Ok(response)
}

/// The accounts that this browser has signed in to before, as its cookie says.
fn devices(app: &App, req: &HttpRequest) -> Vec<Device> {
    known_devices(app, req).into_iter().map(|known| known.device).collect()
}

/// The same with what the cookie is made of.
fn known_devices(app: &App, req: &HttpRequest) -> Vec<device_cookie::Known> {
    let cookie = app.jar.read(req.headers(), Name::Device).unwrap_or_default();
    device_cookie::read(&app.keys, cookie, app.clock.now())
}

fn add_cookie(response: &mut HttpResponse, cookie: &actix_web::cookie::Cookie<'_>) -> Result<(), Problem> {
    response.add_cookie(cookie).map_err(|_| Problem::Internal)
}
