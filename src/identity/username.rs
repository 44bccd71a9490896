//! User names: `[a-z0-9][a-z0-9._-]{2,31}` after NFKC and case folding, so that two different names never look the same
//! and both databases compare them alike.

use serde::Serialize;
use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;

/// A user name in its canonical form: lower-case ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Username(String);

/// Why a text is not a user name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsernameError {
    /// The text is empty.
    Missing,
    /// Fewer than [`Username::MIN_LENGTH`] or more than [`Username::MAX_LENGTH`] characters.
    Length,
    /// The first character is neither a letter nor a digit.
    FirstCharacter,
    /// A character other than letters, digits, dot, hyphen and underscore.
    Character,
}

impl Username {
    /// The fewest characters of a user name.
    pub const MIN_LENGTH: usize = 3;
    /// The most characters of a user name.
    pub const MAX_LENGTH: usize = 32;

    /// Returns the canonical form of `typed`; surrounding white space is ignored.
    pub fn parse(typed: &str) -> Result<Self, UsernameError> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(UsernameError::Missing);
        }
        // Under NFKC one character can become eighteen (U+FDFA), so the length is checked before the conversion as
        // well.
        if typed.chars().take(Self::MAX_LENGTH + 1).count() > Self::MAX_LENGTH {
            return Err(UsernameError::Length);
        }
        let compatible: String = typed.nfkc().collect();
        let name = UniCase::unicode(compatible).to_folded_case();
        let allowed = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || ".-_".contains(letter);
        if !name.chars().all(allowed) {
            return Err(UsernameError::Character);
        }
        if !(Self::MIN_LENGTH..=Self::MAX_LENGTH).contains(&name.len()) {
            return Err(UsernameError::Length);
        }
        if name.starts_with(['.', '-', '_']) {
            return Err(UsernameError::FirstCharacter);
        }
        Ok(Self(name))
    }

    /// Returns a name that was parsed before it was stored.
    pub(crate) fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(typed: &str) -> Result<String, UsernameError> {
        Username::parse(typed).map(|name| name.as_str().to_owned())
    }

    #[test]
    fn compatibility_and_case_variants_parse_to_one_username() {
        for typed in ["admin", "ADMIN", "Admin", " admin ", "ａｄｍｉｎ", "ⓐdmin", "\u{1d41a}dmin"] {
            assert_eq!(parse(typed).as_deref(), Ok("admin"), "{typed}");
        }
        // The Kelvin sign is a K (CVE-2019-19844 and Spotify's ᴮᴵᴳᴮᴵᴿᴰ were such letters).
        assert_eq!(parse("\u{212a}elvin").as_deref(), Ok("kelvin"));
    }

    #[test]
    fn lookalike_characters_are_rejected_in_usernames() {
        for typed in
            ["аdmin", "ádmin", "adm\u{200b}in", "adm in", "mıke", "ad\u{202e}min", "admin\0", "admin\n.x", "admin'--"]
        {
            assert_eq!(parse(typed), Err(UsernameError::Character), "{typed:?}");
        }
    }

    #[test]
    fn username_has_3_to_32_characters_and_starts_with_letter_or_digit() {
        assert_eq!(parse("ab"), Err(UsernameError::Length));
        assert_eq!(parse("abc").as_deref(), Ok("abc"));
        assert_eq!(parse(&"a".repeat(32)), Ok("a".repeat(32)));
        assert_eq!(parse(&"a".repeat(33)), Err(UsernameError::Length));
        assert_eq!(parse("_abc"), Err(UsernameError::FirstCharacter));
        assert_eq!(parse("7.of-nine_").as_deref(), Ok("7.of-nine_"));
        assert_eq!(parse("   "), Err(UsernameError::Missing));
    }

    proptest! {
        #[test]
        fn accepted_username_is_canonical_and_parses_to_itself(typed in "\\PC{0,40}") {
            if let Ok(name) = parse(&typed) {
                let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
                prop_assert!(name.bytes().all(allowed));
                prop_assert!((Username::MIN_LENGTH..=Username::MAX_LENGTH).contains(&name.len()));
                prop_assert_eq!(parse(&name), Ok(name.clone()));
                prop_assert_eq!(parse(&name.to_uppercase()), Ok(name));
            }
        }

        #[test]
        fn every_username_matching_the_pattern_is_accepted_unchanged(name in "[a-z0-9][a-z0-9._-]{2,31}") {
            prop_assert_eq!(parse(&name), Ok(name));
        }
    }
}
