//! `/logout`: ends the session on the server at once. The device cookie stays, because it protects the owner's next
//! sign-in.

use actix_web::{
    HttpResponse,
    http::header::{HeaderName, HeaderValue},
};

use crate::web::{cookies::CookieName, error::Problem, flash::Flash, guard::Visitor};

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// `POST /logout`, also without a session. If the database does not answer, the response is an error and the cookie
/// stays: "signed out" would not be true, and without the cookie the person could not try again.
pub(crate) async fn post(visitor: Visitor) -> Result<HttpResponse, Problem> {
    if let Some(session) = visitor.session.clone() {
        visitor.state.sessions.sign_out(session, &visitor.client).await?;
    }
    redirect_to_login_clearing_data(&visitor, Flash::SignedOut)
}

/// Redirects to the sign-in page, and makes the browser drop the session cookie and everything it has cached.
pub(super) fn redirect_to_login_clearing_data(visitor: &Visitor, flash: Flash) -> Result<HttpResponse, Problem> {
    let mut response = visitor.redirect("/login", flash)?;
    response.headers_mut().insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\", \"storage\""));
    visitor.state.cookies.remove(CookieName::Session, response.headers_mut());
    Ok(response)
}
