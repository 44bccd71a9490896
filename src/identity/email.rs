//! E-mail addresses: one strict parser. ASCII only, no quoted parts, no comments, no address literals, so that every
//! mail system reads an accepted address in the same way (oauth2-proxy's GHSA-c5c4-8r6x-56w3 was two parsers that
//! disagreed). An internationalised domain is accepted in its ASCII form, in which browsers send it.

use email_address::{EmailAddress, Options};
use serde::Serialize;

/// An address as it was typed, with a lower-case domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Email(String);

/// Why a text is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailError {
    /// The text is empty.
    Missing,
    /// More than [`Email::MAX_LENGTH`] characters.
    TooLong,
    /// Not of the form name@example.org.
    Malformed,
}

impl Email {
    /// The longest address that mail can carry, in characters (RFC 5321, 4.5.3.1.3, with erratum 1690).
    pub const MAX_LENGTH: usize = 254;

    /// Returns the address in `typed`; surrounding white space is ignored.
    pub fn parse(typed: &str) -> Result<Self, EmailError> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(EmailError::Missing);
        }
        if typed.len() > Self::MAX_LENGTH {
            return Err(EmailError::TooLong);
        }
        let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
        let address = EmailAddress::parse_with_options(typed, options).map_err(|_| EmailError::Malformed)?;
        let (local, domain) = (address.local_part(), address.domain().to_ascii_lowercase());
        let numeric = domain.rsplit('.').next().is_some_and(|top| top.bytes().all(|byte| byte.is_ascii_digit()));
        if !typed.is_ascii() || local.starts_with('"') || numeric {
            return Err(EmailError::Malformed);
        }
        Ok(Self(format!("{local}@{domain}")))
    }

    /// Returns an address that was parsed before it was stored.
    pub(crate) fn from_stored(address: String) -> Self {
        Self(address)
    }

    /// Returns the address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the form under which an address is unique. Mail systems may distinguish `Ann@` from `ann@`, but none is
    /// known that gives the two to different people.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn domain_is_lowercased_and_local_part_is_preserved() {
        let email = Email::parse(" Zoe.Castle+gate@Keepers.EXAMPLE ").unwrap();
        assert_eq!(email.as_str(), "Zoe.Castle+gate@keepers.example");
        assert_eq!(email.key(), "zoe.castle+gate@keepers.example");
    }

    #[test]
    fn ambiguous_email_syntax_is_rejected() {
        for typed in [
            "zoe",
            "@keepers.example",
            "zoe@",
            "zoe@keepers",
            "zoe@a@keepers.example",
            "\"zoe castle\"@keepers.example",
            "\"zoe@evil.example\"@keepers.example",
            "zoe@[192.0.2.1]",
            "zoe@192.0.2.1",
            "Zoe <zoe@keepers.example>",
            "zoe (gate)@keepers.example",
            "zoe@keepers.example\r\nBcc: all@keepers.example",
            "zoe@keepers..example",
            ".zoe@keepers.example",
            "zoe.@keepers.example",
            "zoe@-keepers.example",
            "mıke@keepers.example",
            "zoe@kеepers.example",
            "zoe\0@keepers.example",
            "zoe castle@keepers.example",
        ] {
            assert_eq!(Email::parse(typed), Err(EmailError::Malformed), "{typed:?}");
        }
    }

    #[test]
    fn email_is_limited_to_254_characters() {
        let domain = format!("{}.{}.{}.example", "a".repeat(63), "b".repeat(63), "c".repeat(56));
        let fits = format!("{}@{domain}", "z".repeat(Email::MAX_LENGTH - 1 - domain.len()));
        assert_eq!(fits.len(), Email::MAX_LENGTH);
        assert!(Email::parse(&fits).is_ok(), "{fits}");
        assert_eq!(Email::parse(&format!("z{fits}")), Err(EmailError::TooLong));
        assert_eq!(Email::parse(&"a@b.example".repeat(100_000)), Err(EmailError::TooLong));
        assert_eq!(Email::parse(" "), Err(EmailError::Missing));
    }

    proptest! {
        #[test]
        fn accepted_email_has_one_at_sign_and_parses_to_itself(typed in "[ -~]{0,20}@[ -~]{0,20}") {
            if let Ok(email) = Email::parse(&typed) {
                prop_assert_eq!(email.as_str().matches('@').count(), 1);
                prop_assert!(!email.as_str().contains(|letter: char| letter.is_whitespace() || letter.is_control()));
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
                prop_assert_eq!(Email::parse(&email.key()).unwrap().key(), email.key());
            }
        }

        #[test]
        fn parser_never_panics_on_arbitrary_text(typed in "\\PC{0,300}") {
            let _ = Email::parse(&typed);
        }
    }
}
