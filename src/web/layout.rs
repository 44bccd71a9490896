//! What surrounds every page: title, style sheet, header, navigation, a message, and the choice of language. See
//! `templates/layout.html`.

use std::borrow::Cow;

use actix_web::{http::header::HeaderMap, web::Data};
use strum::VariantArray;

use super::{cookies::CookieName, csrf::token, flash::Flash, messages::Messages, return_to::APP_PATH, state::AppState};
use crate::{
    config::Contact,
    language::Language,
    sessions::{NewSession, Session},
};

/// The values of `templates/layout.html`.
pub struct Layout {
    state: Data<AppState>,
    /// Whether the page is on the host of an application, where there are no other pages to go to.
    pub is_on_app_host: bool,
    /// The language of the page.
    pub language: Language,
    /// The texts in this language.
    pub messages: &'static Messages,
    /// The page that the choice of another language returns to.
    pub return_to: String,
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
    /// Whether there is a link to the admin area.
    pub is_admin: bool,
    /// The path of the page, which the navigation marks; empty on error pages.
    pub here: String,
}

/// A language that a page offers.
pub struct LanguageChoice {
    /// Its code.
    pub code: &'static str,
    /// Its name in this language.
    pub name: &'static str,
    /// Whether the page is written in it.
    pub is_current: bool,
}

impl Layout {
    /// Returns the layout of a page in `language`, without a message, for the owner of `session` or a guest.
    #[must_use]
    pub(crate) fn new(
        state: &Data<AppState>,
        language: Language,
        session: Option<&Session>,
        return_to: String,
    ) -> Self {
        let username = |session: &Session| session.account.username.as_str().to_owned();
        Self {
            state: state.clone(),
            is_on_app_host: false,
            language,
            messages: Messages::of(language),
            flash: None,
            nav: session.map(|session| NavState {
                username: username(session),
                is_admin: session.account.is_admin(),
                here: String::new(),
            }),
            csrf_token: session.map(|session| token::issue(&state.core.keys, session.id)).unwrap_or_default(),
            return_to,
        }
    }

    /// Returns the layout of a page in `language` on the host of an application.
    #[must_use]
    pub(crate) fn on_app_host(state: &Data<AppState>, language: Language) -> Self {
        Self { is_on_app_host: true, ..Self::new(state, language, None, String::new()) }
    }

    /// Makes the forms of the page valid for a new session, whose cookie comes with the page.
    #[must_use]
    pub(crate) fn for_new_session(self, session: &NewSession) -> Self {
        Self { csrf_token: token::issue(&self.state.core.keys, session.id()), ..self }
    }

    /// Marks the page at `path` in the navigation.
    #[must_use]
    pub(crate) fn at(mut self, path: &str) -> Self {
        if let Some(nav) = &mut self.nav {
            path.clone_into(&mut nav.here);
        }
        self
    }

    /// Adds the message of the cookie in `headers`.
    #[must_use]
    pub(crate) fn with_flash(self, headers: &HeaderMap) -> Self {
        let cookie = self.state.cookies.get(headers, CookieName::Flash);
        let core = &self.state.core;
        let flash = cookie.and_then(|cookie| Flash::decode(&core.keys, cookie, core.clock.now()));
        Self { flash: flash.map(self.messages.flash), ..self }
    }

    /// Returns all languages.
    pub fn languages(&self) -> impl Iterator<Item = LanguageChoice> {
        Language::VARIANTS.iter().map(|language| LanguageChoice {
            code: language.code(),
            name: Messages::of(*language).language_name,
            is_current: *language == self.language,
        })
    }

    /// Returns whom people ask who cannot sign in.
    #[must_use]
    pub fn contact(&self) -> Option<&Contact> {
        self.state.settings.contact.as_ref()
    }

    /// Returns the site's name.
    #[must_use]
    pub fn site_name(&self) -> &str {
        &self.state.settings.site_name
    }

    /// Returns the URL of the style sheet.
    #[must_use]
    pub fn style(&self) -> Cow<'_, str> {
        self.asset(&self.state.assets.style)
    }

    /// Returns the URL of the style sheet of the pages of signed-in people.
    #[must_use]
    pub fn account_style(&self) -> &str {
        &self.state.assets.account_style
    }

    /// Returns the URL of the style sheet of the admin area.
    #[must_use]
    pub fn admin_style(&self) -> &str {
        &self.state.assets.admin_style
    }

    /// Returns the URL of the site's mark.
    #[must_use]
    pub fn mark(&self) -> Cow<'_, str> {
        self.asset(&self.state.assets.mark)
    }

    /// Returns the URL of a file on the host of the page.
    fn asset<'a>(&self, url: &'a str) -> Cow<'a, str> {
        if self.is_on_app_host { format!("{APP_PATH}{url}").into() } else { url.into() }
    }
}
