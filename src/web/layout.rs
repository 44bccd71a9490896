//! What surrounds every page: title, style sheet, header, navigation and a message. See `templates/layout.html`.

use actix_web::{http::header::HeaderMap, web::Data};

use super::{cookies::CookieName, csrf::token, flash::Flash, messages, state::AppState};
use crate::sessions::Session;

/// The values of `templates/layout.html`.
pub struct Layout {
    state: Data<AppState>,
    /// A message after a redirect.
    pub flash: Option<&'static str>,
    /// The header of signed-in pages.
    pub nav: Option<NavState>,
    /// The CSRF token for every form of the page; empty for guests.
    pub csrf_token: String,
}

/// The values of the header of signed-in pages.
pub struct NavState {
    /// The user name.
    pub username: String,
    /// The path of the page, which the navigation marks.
    pub here: String,
}

impl Layout {
    /// Returns a layout without message and navigation, which cannot fail.
    #[must_use]
    pub fn minimal(state: &Data<AppState>) -> Self {
        Self { state: state.clone(), flash: None, nav: None, csrf_token: String::new() }
    }

    /// Returns the layout for a guest.
    #[must_use]
    pub fn guest(state: &Data<AppState>, headers: &HeaderMap) -> Self {
        let cookie = state.cookies.get(headers, CookieName::Flash);
        let flash = cookie.and_then(|cookie| Flash::decode(&state.core.keys, cookie, state.core.clock.now()));
        Self { flash: flash.map(messages::flash), ..Self::minimal(state) }
    }

    /// Returns the layout for the owner of `session`, on the page at the path `here`.
    #[must_use]
    pub fn signed_in(state: &Data<AppState>, headers: &HeaderMap, session: &Session, here: &str) -> Self {
        let Self { flash, .. } = Self::guest(state, headers);
        Self { flash, ..Self::signed_in_without_flash(state, session, here) }
    }

    /// Returns the same without a message, for pages that do not remove its cookie.
    #[must_use]
    pub fn signed_in_without_flash(state: &Data<AppState>, session: &Session, here: &str) -> Self {
        Self {
            nav: Some(NavState { username: session.account.username.as_str().to_owned(), here: here.to_owned() }),
            csrf_token: token::issue(&state.core.keys, session),
            ..Self::minimal(state)
        }
    }

    /// Returns the site's name.
    #[must_use]
    pub fn site_name(&self) -> &str {
        &self.state.settings.site_name
    }

    /// Returns the URL of the style sheet.
    #[must_use]
    pub fn style(&self) -> &str {
        &self.state.assets.style
    }

    /// Returns the URL of the site's mark.
    #[must_use]
    pub fn mark(&self) -> &str {
        &self.state.assets.mark
    }
}
