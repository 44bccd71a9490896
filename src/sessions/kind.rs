//! What sessions are for, which decides how long they live.

use std::{sync::Arc, time::Duration};

use strum::{EnumString, IntoStaticStr};

use super::Session;
use crate::{apps::AppId, clock::Timestamp, config::Settings, db::types::text_type};

/// What a session is for. Stored by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SessionKind {
    /// A browser, until it is closed.
    Browser,
    /// A browser with "Keep me signed in".
    Remembered,
    /// A program that uses the JSON API.
    Api,
}

impl SessionKind {
    fn name(&self) -> &str {
        (*self).into()
    }

    /// Returns the kind with this name. A name of a later release is a browser's, which lives shortest.
    #[expect(clippy::needless_pass_by_value, reason = "the signature that `text_type` takes")]
    fn from_stored(name: String) -> Self {
        name.parse().unwrap_or(Self::Browser)
    }
}

text_type!(SessionKind, SessionKind::name, SessionKind::from_stored);

/// A session that a sign-in asks for.
#[derive(Debug, Clone)]
pub struct SessionRequest {
    /// What it is for.
    pub kind: SessionKind,
    /// The application whose tokens a program asks for.
    pub application: Option<AppId>,
    /// The session that the browser had before. It ends when the new one begins (ASVS 7.2.4).
    pub replaces: Option<Arc<Session>>,
}

impl SessionRequest {
    /// Returns a request for a browser.
    #[must_use]
    pub fn browser(remembered: bool, replaces: Option<Arc<Session>>) -> Self {
        let kind = if remembered { SessionKind::Remembered } else { SessionKind::Browser };
        Self { kind, application: None, replaces }
    }

    /// Returns a request for a program.
    #[must_use]
    pub fn api(application: Option<AppId>) -> Self {
        Self { kind: SessionKind::Api, application, replaces: None }
    }
}

/// How long sessions of one kind live.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) idle: Duration,
    pub(super) lifetime: Duration,
}

/// How long sessions live.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lifetimes {
    browser: Limits,
    remembered: Limits,
    api: Limits,
}

impl Lifetimes {
    pub(super) fn new(settings: &Settings) -> Self {
        let limits = |idle, lifetime| Limits { idle, lifetime };
        Self {
            browser: limits(settings.session_idle, settings.session_lifetime),
            remembered: limits(settings.remember_idle, settings.remember_lifetime),
            api: limits(settings.refresh_idle, settings.refresh_lifetime),
        }
    }

    pub(super) fn of(&self, kind: SessionKind) -> Limits {
        match kind {
            SessionKind::Browser => self.browser,
            SessionKind::Remembered => self.remembered,
            SessionKind::Api => self.api,
        }
    }

    /// Returns the times at `now` before which a last use is too long ago, and by `margin` more.
    pub(super) fn idle_since(&self, now: Timestamp, margin: Duration) -> IdleSince {
        let since = |limits: Limits| now.minus(limits.idle.saturating_add(margin));
        IdleSince { now, browser: since(self.browser), remembered: since(self.remembered), api: since(self.api) }
    }
}

/// The times before which a last use is too long ago.
#[derive(Debug, Clone, Copy)]
pub(super) struct IdleSince {
    pub(super) now: Timestamp,
    pub(super) browser: Timestamp,
    pub(super) remembered: Timestamp,
    pub(super) api: Timestamp,
}

impl IdleSince {
    pub(super) fn by_kind(self) -> [(SessionKind, Timestamp); 3] {
        [(SessionKind::Browser, self.browser), (SessionKind::Remembered, self.remembered), (SessionKind::Api, self.api)]
    }
}
