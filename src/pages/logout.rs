//! `/logout`: dead on the server at once. The device cookie stays, since its owner will be back.

use actix_web::{
    HttpResponse,
    http::header::{HeaderName, HeaderValue},
    web::Data,
};

use super::add_cookie;
use crate::{
    web::state::App,
    web::{
        cookies::Name,
        error::Problem,
        flash::Flash,
        guard::{self, Visitor},
    },
};

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// `POST /logout`. Also fine without a session. When the database does not answer it is an error and the cookie stays: to
/// say "signed out" would not be true, and without the cookie it could not be tried again.
pub async fn post(app: Data<App>, visitor: Visitor) -> Result<HttpResponse, Problem> {
    if let Some(session) = visitor.session {
        app.sessions.end(session, &visitor.client).await?;
    }
    let mut response = leave();
    app.jar.clear(Name::Session, response.headers_mut());
    add_cookie(&mut response, &Flash::SignedOut.cookie(app.jar, &app.keys, app.clock.now()))?;
    Ok(response)
}

/// To the sign-in page, leaving nothing in the browser that it showed before.
pub(super) fn leave() -> HttpResponse {
    let mut response = guard::see_other("/login");
    response.headers_mut().insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\", \"storage\""));
    response
}
