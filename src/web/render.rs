//! How a handler answers: with a page, with its form again, or with a redirect.

use std::{borrow::Cow, time::Duration};

use actix_web::{
    HttpResponse,
    cookie::Cookie,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER},
    },
};
use askama::Template;

use super::{
    app_request::AppRequest,
    cookies::CookieName,
    device_cookie,
    display_time::whole_seconds,
    error::Problem,
    error_page::{Format, HasBody, RETRY_SECONDS},
    flash::Flash,
    guard::{CurrentUser, Visitor},
    language::{COOKIE_MAX_AGE, set_headers},
    layout::Layout,
    messages::Messages,
    problem_json::{FieldDetails, ProblemDetails, app_field, field_name, rejection_code},
    return_to::{ReturnTo, see_other},
};
use crate::{
    accounts::{self, AccountId, Device, DevicesForgotten, FieldError, Rejection, SignedIn},
    apps,
    language::Language,
    request_id,
    sessions::NewSession,
    throttle::Throttled,
};

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// When to try again after a lockout, which does not end by waiting.
const LOCKOUT_RETRY: Duration = Duration::from_hours(1);

/// Enough for most pages, in bytes, so that the buffer is not moved while it grows.
const INITIAL_CAPACITY: usize = 4096;

/// What is wrong with a form: at most one sentence for each field, or one on the whole form.
#[derive(Debug, Default)]
pub struct FormErrors {
    fields: Vec<(&'static str, Cow<'static, str>)>,
    notice: Option<Cow<'static, str>>,
}

impl FormErrors {
    fn new(rejection: &Rejection, messages: &Messages) -> Self {
        match rejection {
            Rejection::Invalid(errors) => Self::of_fields(errors, messages),
            Rejection::App(refused) => {
                let text = (messages.rejection)(rejection);
                match app_field(refused) {
                    Some((field, _)) => Self { fields: vec![(field, text)], notice: None },
                    None => Self { fields: Vec::new(), notice: Some(text) },
                }
            }
            // Beside the first field of the sign-in form, so that the summary links to it.
            Rejection::WrongCredentials => {
                Self { fields: vec![("login", (messages.rejection)(rejection))], notice: None }
            }
            _ => Self { fields: Vec::new(), notice: Some((messages.rejection)(rejection)) },
        }
    }

    fn of_fields(errors: &[FieldError], messages: &Messages) -> Self {
        let mut fields: Vec<(&'static str, Cow<'static, str>)> = Vec::new();
        for error in errors {
            let name = field_name(*error);
            if fields.iter().all(|(known, _)| *known != name) {
                fields.push((name, (messages.field_error)(*error)));
            }
        }
        Self { fields, notice: None }
    }

    /// Returns what is wrong with a field; empty if nothing is.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(field, _)| *field == name).map_or("", |(_, text)| text)
    }

    /// Returns all fields with an error, for the summary.
    #[must_use]
    pub fn fields(&self) -> &[(&'static str, Cow<'static, str>)] {
        &self.fields
    }

    /// Returns what is wrong with the whole form; empty if nothing is.
    #[must_use]
    pub fn notice(&self) -> &str {
        self.notice.as_deref().unwrap_or_default()
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.notice.is_none()
    }
}

/// Returns the rejection that a form shows, and the status of that answer. Any other error ends the request.
pub(crate) fn rejection_of(error: accounts::Error) -> Result<(Rejection, StatusCode), Problem> {
    let rejection = match error {
        accounts::Error::Rejected(rejection) => rejection,
        accounts::Error::Database(error) => return Err(error.into()),
        accounts::Error::Hashing(error) => return Err(error.into()),
        accounts::Error::SessionEnded => return Err(Problem::Unauthenticated),
    };
    let status = match rejection {
        Rejection::NoSuchAccount | Rejection::NotAdministrator | Rejection::App(apps::Rejection::NoSuchApp) => {
            return Err(Problem::NotFound);
        }
        Rejection::Invalid(_)
        | Rejection::WrongCredentials
        | Rejection::Conflict
        | Rejection::LastAdministrator
        | Rejection::App(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Rejection::LinkInvalid => return Err(Problem::LinkInvalid),
        Rejection::RegistrationClosed => return Err(Problem::RegistrationClosed),
        Rejection::InvitationNeeded => return Err(Problem::InvitationNeeded),
        Rejection::NotAdmitted => return Err(Problem::NotAdmitted),
        Rejection::Throttled(_) | Rejection::TooManyRegistrations(_) => StatusCode::TOO_MANY_REQUESTS,
        Rejection::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
    };
    Ok((rejection, status))
}

/// Answers a rejection with problem+json.
pub(crate) fn reject_json(
    rejection: &Rejection,
    errors: &[FieldDetails],
    status: StatusCode,
    language: Language,
) -> HttpResponse {
    let messages = Messages::of(language);
    let detail = (messages.rejection)(rejection);
    let details =
        ProblemDetails { errors, ..ProblemDetails::new(rejection_code(rejection), messages.form_rejected, &detail) };
    let mut response = details.answer(status, language, request_id::current());
    response.extensions_mut().insert(HasBody);
    if let Some(seconds) = retry_after(rejection) {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Returns the seconds of the `Retry-After` header for a rejection, if it has one.
fn retry_after(rejection: &Rejection) -> Option<u64> {
    match rejection {
        Rejection::Invalid(_)
        | Rejection::WrongCredentials
        | Rejection::Conflict
        | Rejection::NoSuchAccount
        | Rejection::NotAdministrator
        | Rejection::LinkInvalid
        | Rejection::RegistrationClosed
        | Rejection::InvitationNeeded
        | Rejection::LastAdministrator
        | Rejection::NotAdmitted
        | Rejection::App(_) => None,
        Rejection::Throttled(Throttled::RetryAfter(wait)) | Rejection::TooManyRegistrations(wait) => {
            Some(whole_seconds(*wait))
        }
        Rejection::Throttled(Throttled::LockedOut) => Some(whole_seconds(LOCKOUT_RETRY)),
        Rejection::Overloaded => Some(RETRY_SECONDS.into()),
    }
}

/// Answers with `page`, which is written in `language`.
fn render(status: StatusCode, page: &impl Template, language: Language) -> Result<HttpResponse, Problem> {
    let mut body = String::with_capacity(INITIAL_CAPACITY);
    page.render_into(&mut body)?;
    let mut response = HttpResponse::build(status).insert_header((CONTENT_TYPE, HTML)).body(body);
    set_headers(response.headers_mut(), language);
    Ok(response)
}

impl AppRequest {
    /// Returns the layout of a page on the application's host.
    pub(crate) fn layout(&self) -> Layout {
        Layout::on_app_host(&self.state, self.language())
    }

    /// Answers with `page`.
    pub(crate) fn render(&self, page: &impl Template) -> Result<HttpResponse, Problem> {
        render(StatusCode::OK, page, self.language())
    }
}

impl Visitor {
    /// Returns the layout of a page for guests. `return_to` is the address of its form.
    #[must_use]
    pub fn guest_layout(&self, return_to: String) -> Layout {
        Layout::new(&self.state, self.language(), None, return_to).with_flash(self.request.headers())
    }

    /// Returns the layout of a page for guests and signed-in people at `return_to`; only these get the navigation.
    #[must_use]
    pub fn layout_for(&self, return_to: String) -> Layout {
        let layout = Layout::new(&self.state, self.language(), self.session.as_deref(), return_to);
        layout.with_flash(self.request.headers())
    }

    /// Returns the language of the page.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language_for(self.session.as_deref())
    }

    /// Returns the texts in the language of the page.
    #[must_use]
    pub fn messages(&self) -> &'static Messages {
        Messages::of(self.language())
    }

    /// Makes the browser keep the choice of a language.
    pub(crate) fn set_language(&self, response: &mut HttpResponse, language: Language) -> Result<(), Problem> {
        let code = language.code().to_owned();
        set_cookie(response, &self.state.cookies.build(CookieName::Language, code, Some(COOKIE_MAX_AGE)))
    }

    /// Answers with `page`. Removes the cookie of a message, because a page shows it.
    pub fn render(&self, page: &impl Template) -> Result<HttpResponse, Problem> {
        self.render_with_status(StatusCode::OK, page)
    }

    /// Answers a rejected form: with the page that `page` builds from the errors, or with problem+json. Any other error
    /// ends the request.
    pub fn reject<P: Template>(
        &self,
        error: accounts::Error,
        page: impl FnOnce(FormErrors) -> P,
    ) -> Result<HttpResponse, Problem> {
        let (rejection, status) = rejection_of(error)?;
        if Format::negotiate(self.request.headers()) == Format::Json {
            let errors = FieldDetails::of(&rejection, self.messages());
            return Ok(reject_json(&rejection, &errors, status, self.language()));
        }
        let errors = FormErrors::new(&rejection, self.messages());
        let mut response = self.render_with_status(status, &page(errors))?;
        response.extensions_mut().insert(HasBody);
        if let Some(seconds) = retry_after(&rejection) {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        Ok(response)
    }

    fn render_with_status(&self, status: StatusCode, page: &impl Template) -> Result<HttpResponse, Problem> {
        let mut response = render(status, page, self.language())?;
        let cookies = self.state.cookies;
        if cookies.get(self.request.headers(), CookieName::Flash).is_some() {
            cookies.remove(CookieName::Flash, response.headers_mut());
        }
        Ok(response)
    }

    /// Redirects to `path`, whose page shows `flash`.
    pub fn redirect(&self, path: &str, flash: Flash) -> Result<HttpResponse, Problem> {
        let mut response = see_other(path);
        self.set_flash(&mut response, flash)?;
        Ok(response)
    }

    /// Makes the next page show `flash`.
    pub fn set_flash(&self, response: &mut HttpResponse, flash: Flash) -> Result<(), Problem> {
        let core = &self.state.core;
        set_cookie(response, &flash.cookie(self.state.cookies, &core.keys, core.clock.now()))
    }

    /// Gives a browser that knows these accounts a new session, and redirects to `next` if it is a path of this origin,
    /// else to the home page.
    pub(crate) fn start_session(
        &self,
        signed_in: &SignedIn,
        known: &[Device],
        next: &str,
    ) -> Result<HttpResponse, Problem> {
        let return_to = ReturnTo::parse(next);
        let mut response = see_other(return_to.as_ref().map_or("/", ReturnTo::as_str));
        self.set_session(&mut response, &signed_in.session)?;
        // The time of the transaction, because the password may have been changed since.
        let (keys, at) = (&self.state.core.keys, signed_in.session.created_at());
        self.set_device(&mut response, device_cookie::issue(keys, signed_in.account, known, at))?;
        Ok(response)
    }

    /// Sets a new device cookie after all others of the account have become invalid, and the cookie of a new session.
    pub fn keep_device(&self, response: &mut HttpResponse, forgotten: &DevicesForgotten) -> Result<(), Problem> {
        if let Some(session) = &forgotten.session {
            self.set_session(response, session)?;
        }
        let DevicesForgotten { account, known_since, .. } = *forgotten;
        let keys = &self.state.core.keys;
        self.set_device(response, device_cookie::issue(keys, account, &self.known_devices(), known_since))
    }

    /// Makes this browser forget an account that was deleted, but not the others that it knows.
    pub fn forget_account(&self, response: &mut HttpResponse, account: AccountId) -> Result<(), Problem> {
        if let Some(device) = device_cookie::without(&self.state.core.keys, account, &self.known_devices()) {
            return self.set_device(response, device);
        }
        self.state.cookies.remove(CookieName::Device, response.headers_mut());
        Ok(())
    }

    fn set_device(&self, response: &mut HttpResponse, value: String) -> Result<(), Problem> {
        set_cookie(response, &self.state.cookies.build(CookieName::Device, value, Some(device_cookie::MAX_AGE)))
    }

    /// Sets the cookie of a new session.
    pub fn set_session(&self, response: &mut HttpResponse, session: &NewSession) -> Result<(), Problem> {
        let token = self.state.sessions.token(session);
        set_cookie(response, &self.state.cookies.build(CookieName::Session, token, session.max_age))
    }

    /// Returns the accounts that this browser has signed in to before, as its device cookie says.
    #[must_use]
    pub(crate) fn known_devices(&self) -> Vec<Device> {
        let cookie = self.state.cookies.get(self.request.headers(), CookieName::Device).unwrap_or_default();
        device_cookie::decode(&self.state.core.keys, cookie, self.state.core.clock.now())
    }
}

impl CurrentUser {
    /// Returns the layout of the page at the request's address, for signed-in people.
    #[must_use]
    pub fn layout(&self) -> Layout {
        let uri = self.request.uri();
        let is_safe = self.request.method().is_safe();
        // A page that answers a form stands at the address of the form, which has no query.
        let path = uri.path_and_query().filter(|_| is_safe).map_or(uri.path(), |path| path.as_str());
        self.layout_at(path)
    }

    /// Returns the layout of the page at `path`, for signed-in people.
    #[must_use]
    pub fn layout_at(&self, path: &str) -> Layout {
        let layout = Layout::new(&self.state, self.language(), Some(&self.session), path.to_owned());
        layout.at(path.split('?').next().unwrap_or(path)).with_flash(self.request.headers())
    }
}

fn set_cookie(response: &mut HttpResponse, cookie: &Cookie<'_>) -> Result<(), Problem> {
    response.add_cookie(cookie).map_err(|_| Problem::Internal)
}
