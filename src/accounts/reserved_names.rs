//! Reserved user names. Users would take the owner of such a name for staff of the site.

use std::collections::HashSet;

use super::Username;
use crate::config::Settings;

/// Names that mail servers (RFC 2142), operating systems and web sites use for themselves. Without separators, see
/// [`ReservedNames::contains`].
const BUILT_IN: &[&str] = &[
    "abuse",
    "admin",
    "administrator",
    "gatehouse",
    "helpdesk",
    "hostmaster",
    "mailerdaemon",
    "moderator",
    "noc",
    "noreply",
    "operator",
    "postmaster",
    "root",
    "security",
    "staff",
    "support",
    "sysadmin",
    "system",
    "webmaster",
];

/// The reserved names of this server: the built-in ones, those of `GATEHOUSE_RESERVED_NAMES`, and the site's name.
pub(super) struct ReservedNames(HashSet<String>);

impl ReservedNames {
    pub(super) fn new(settings: &Settings) -> Self {
        let configured = settings.reserved_names.iter().map(|name| skeleton(name.as_str()));
        let built_in = BUILT_IN.iter().map(|name| (*name).to_owned());
        Self(built_in.chain(configured).chain([skeleton(&settings.site_name)]).collect())
    }

    /// Whether `name` is reserved, in any spelling: `ad.min` looks like `admin`.
    pub(super) fn contains(&self, name: &Username) -> bool {
        self.0.contains(&skeleton(name.as_str()))
    }
}

/// Returns the letters and digits of a name in lower case.
fn skeleton(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}
