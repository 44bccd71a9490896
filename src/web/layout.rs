//! What is around every page: title, style sheet, header, a message. See `templates/layout.html`.

use std::sync::Arc;

use actix_web::http::header::HeaderMap;

use crate::{
    sessions::Session,
    web::messages,
    web::state::App,
    web::{cookies::Name, csrf::token, flash::Flash},
};

/// See the module.
#[derive(Debug)]
pub struct Layout {
    /// The site's name.
    pub site: Arc<str>,
    /// The URL of the style sheet.
    pub style: Arc<str>,
    /// The URL of the mark.
    pub mark: Arc<str>,
    /// A message after a redirect.
    pub flash: Option<&'static str>,
    /// Who is signed in.
    pub member: Option<SignedInAs>,
}

/// For the header of signed-in pages.
#[derive(Debug)]
pub struct SignedInAs {
    /// Their session.
    pub session: Arc<Session>,
    /// For every form of the page.
    pub csrf_token: String,
    /// The address of the page, for the navigation.
    pub here: &'static str,
}

impl Layout {
    /// Without message or person, for pages that must not fail.
    #[must_use]
    pub fn plain(app: &App) -> Self {
        Self {
            site: app.site_name.clone(),
            style: app.assets.style.clone(),
            mark: app.assets.mark.clone(),
            flash: None,
            member: None,
        }
    }

    /// For a guest.
    #[must_use]
    pub fn guest(app: &App, headers: &HeaderMap) -> Self {
        let flash =
            app.jar.read(headers, Name::Flash).and_then(|cookie| Flash::read(&app.keys, cookie, app.clock.now()));
        Self { flash: flash.map(messages::flash), ..Self::plain(app) }
    }

    /// For somebody who is signed in.
    #[must_use]
    pub fn member(app: &App, headers: &HeaderMap, session: &Arc<Session>, here: &'static str) -> Self {
        Self {
            member: Some(SignedInAs {
                session: Arc::clone(session),
                csrf_token: token::make(&app.keys, session),
                here,
            }),
            ..Self::guest(app, headers)
        }
    }
}
