//! User names: `[a-z0-9][a-z0-9._-]{2,31}` after NFKC and case folding, so that no two names look alike but for the
//! letters themselves, and both databases compare them alike.

use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;

/// The fewest characters of a name.
pub(super) const SHORTEST: usize = 3;
/// The most characters of a name.
pub(super) const LONGEST: usize = 32;

/// A user name in its one canonical form: lower-case ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username(String);

/// Why a text is no user name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsernameError {
    /// Nothing was typed.
    Missing,
    /// Fewer than `SHORTEST` or more than `LONGEST` characters.
    Length,
    /// It does not begin with a letter or a digit.
    Beginning,
    /// It holds something other than letters, digits, dot, hyphen and underscore.
    Character,
}

impl Username {
    /// The canonical form of `typed`, with the space around it left out.
    pub fn parse(typed: &str) -> Result<Self, UsernameError> {
        let typed = typed.trim();
        if typed.is_empty() {
            return Err(UsernameError::Missing);
        }
        // One character can become eighteen under NFKC (U+FDFA); look at no more than could become a name.
        if typed.chars().take(LONGEST + 1).count() > LONGEST {
            return Err(UsernameError::Length);
        }
        let compatible: String = typed.nfkc().collect();
        let name = UniCase::unicode(compatible).to_folded_case();
        let allowed = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || ".-_".contains(letter);
        if !name.chars().all(allowed) {
            return Err(UsernameError::Character);
        }
        if !(SHORTEST..=LONGEST).contains(&name.len()) {
            return Err(UsernameError::Length);
        }
        if name.starts_with(['.', '-', '_']) {
            return Err(UsernameError::Beginning);
        }
        Ok(Self(name))
    }

    /// The name.
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
        assert_eq!(parse("_abc"), Err(UsernameError::Beginning));
        assert_eq!(parse("7.of-nine_").as_deref(), Ok("7.of-nine_"));
        assert_eq!(parse("   "), Err(UsernameError::Missing));
    }

    proptest! {
        #[test]
        fn accepted_username_is_canonical_and_parses_to_itself(typed in "\\PC{0,40}") {
            if let Ok(name) = parse(&typed) {
                prop_assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte)));
                prop_assert!((SHORTEST..=LONGEST).contains(&name.len()));
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
