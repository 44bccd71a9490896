//! The policy for new passwords: long, not common, and not made of the user's or the site's names. There are no rules
//! on kinds of characters (NIST SP 800-63B-4, 3.1.1.2; ASVS 6.2.5).

use super::{
    Password,
    canonical::canonical,
    common::COMMON,
    guesses::{Guesses, estimate},
    repetition::is_repetitive,
};

/// The rules for new passwords.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// The minimum length in code points.
    pub min_length: usize,
}

/// The names of the user and the site, which must not make up a password.
#[derive(Debug, Clone)]
pub struct PersonalTerms {
    /// The user name.
    pub username: String,
    /// The e-mail address.
    pub email: String,
    /// The site's name.
    pub site: String,
}

/// Why a password is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// It has fewer code points than this minimum.
    TooShort(usize),
    /// It consists of the user name, the e-mail address or the site's name, possibly reversed, repeated, or with digits
    /// and punctuation added.
    Personal,
    /// It is one part repeated, or follows a keyboard or an alphabet.
    Pattern,
    /// It is a common password, a well-known phrase, or a usual variation of common passwords.
    Common,
}

/// The threshold of zxcvbn's score 3 of 4: "safely unguessable: moderate protection from offline slow-hash scenario".
const MIN_GUESSES_LOG10: f64 = 8.0;

/// The length of a part that zxcvbn checks, in bytes of ASCII. Its time grows with the square of the length and with
/// the number of characters that may replace a letter: the slowest text found of 24 characters takes 11 ms, of 32
/// characters 31 ms, of 100 characters 460 ms.
const ZXCVBN_PART: usize = 24;

/// The number of parts that zxcvbn checks. The first may be two long words of a longer passphrase; a strong password
/// has enough entropy in two parts.
const ZXCVBN_PARTS: usize = 2;

impl Policy {
    /// Checks whether `password` may be used. The time is bounded for all input; see `ZXCVBN_PART`.
    pub fn check(self, password: &Password, terms: &PersonalTerms) -> Result<(), Weakness> {
        self.check_quickly(password, terms)?;
        if is_common_latin(password.expose(), &terms.terms()) { Err(Weakness::Common) } else { Ok(()) }
    }

    /// Checks as much of it as takes well below a millisecond, so that it needs no hashing thread: all but zxcvbn.
    pub fn check_quickly(self, password: &Password, terms: &PersonalTerms) -> Result<(), Weakness> {
        let text = password.expose();
        if text.chars().count() < self.min_length {
            return Err(Weakness::TooShort(self.min_length));
        }
        if terms.consists_only_of_terms(text) {
            return Err(Weakness::Personal);
        }
        let canonical = canonical(text);
        if is_repetitive(&canonical) {
            return Err(Weakness::Pattern);
        }
        match estimate(&canonical, |key| COMMON.contains(key)) {
            Guesses::Many => Ok(()),
            Guesses::FewPatterns => Err(Weakness::Pattern),
            Guesses::FewWords => Err(Weakness::Common),
        }
    }
}

/// Whether zxcvbn finds that `password` takes few guesses.
fn is_common_latin(password: &str, terms: &[&str]) -> bool {
    // The dictionaries and keyboards of zxcvbn are Latin. It counts all characters of another script as a few symbols
    // and rejects such text at any length, so it checks only the ASCII part, if that is more than half of the password.
    let latin: Vec<u8> = password.bytes().filter(u8::is_ascii).collect();
    if 2 * latin.len() <= password.chars().count() {
        return false;
    }
    let mut guesses_log10 = 0.0;
    for part in latin.chunks(ZXCVBN_PART).take(ZXCVBN_PARTS) {
        guesses_log10 += zxcvbn::zxcvbn(&String::from_utf8_lossy(part), terms).guesses_log10();
        if guesses_log10 >= MIN_GUESSES_LOG10 {
            return false;
        }
    }
    true
}

impl PersonalTerms {
    /// Returns the terms of at least three characters.
    fn terms(&self) -> Vec<&str> {
        let local = self.email.split('@').next().unwrap_or_default();
        let domain = self.email.rsplit('@').next().unwrap_or_default();
        let terms = [self.username.as_str(), &self.email, local, domain, &self.site, "gatehouse"];
        terms.into_iter().filter(|term| term.chars().count() >= 3).collect()
    }

    /// Whether the letters of `password` are all part of a term, forwards or backwards, once or repeatedly. Digits and
    /// punctuation are ignored.
    fn consists_only_of_terms(&self, password: &str) -> bool {
        let mut rest = letters(password);
        if rest.is_empty() {
            return false;
        }
        let mut terms: Vec<String> = self.terms().into_iter().map(letters).filter(|term| term.len() >= 3).collect();
        terms.sort_by_key(|term| std::cmp::Reverse(term.len()));
        for term in terms {
            let reversed: String = term.chars().rev().collect();
            rest = rest.replace(&term, "").replace(&reversed, "");
        }
        rest.is_empty()
    }
}

/// Returns the letters of `text` in lower case.
fn letters(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphabetic()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str) -> Result<(), Weakness> {
        let terms = PersonalTerms {
            username: "zoe.castle".to_owned(),
            email: "zoe@keepers.example".to_owned(),
            site: "Gatehouse".to_owned(),
        };
        Policy { min_length: 15 }.check(&Password::parse(text).unwrap(), &terms)
    }

    #[test]
    fn password_needs_at_least_15_characters() {
        assert_eq!(check("mvkq hztw lrpb"), Err(Weakness::TooShort(15)));
        assert_eq!(check("mvkq hztw lrpbx"), Ok(()));
        assert_eq!(check(&"🦀".repeat(14)), Err(Weakness::TooShort(15)));
    }

    #[test]
    fn common_passwords_and_their_variants_are_rejected() {
        for text in [
            "passwordpassword",
            "qwertyuiopasdfgh",
            "PasswordPassword",
            "P@ssw0rdP@ssw0rd",
            "passwordpassword1",
            "123456789012345",
            "1234567890123456",
            "aaaaaaaaaaaaaaa",
            "abcdefghijklmnop",
            "abcabcabcabcabc",
            "iloveyouiloveyou",
            "qwertyuiopqwertyuiop",
            "1qaz2wsx3edc4rfv",
            "zxcvbnmzxcvbnmzxcvbnm",
            "letmeinletmeinletmein",
            "111111111111111",
            "passwordpasswordé",
            "🦀passwordpassword",
        ] {
            assert!(matches!(check(text), Err(Weakness::Common | Weakness::Pattern)), "{text}");
        }
    }

    // ASVS 6.2.4: lists of common passwords contain few of 15 characters, and users who need a longer one combine two.
    #[test]
    fn pairs_of_common_passwords_are_rejected() {
        let common = [
            "password",
            "iloveyou",
            "princess",
            "football",
            "baseball",
            "sunshine",
            "superman",
            "trustno1",
            "starwars",
            "whatever",
            "computer",
            "michelle",
            "jennifer",
            "corvette",
            "mercedes",
            "maverick",
            "qwertyui",
            "12345678",
            "87654321",
            "11111111",
            "00000000",
            "asdfghjk",
            "qwerty123",
            "password1",
            "letmein1",
            "welcome1",
            "charlie1",
            "steelers",
            "marlboro",
            "midnight",
            "victoria",
            "hardcore",
            "scorpion",
            "redskins",
            "internet",
            "dolphins",
            "einstein",
            "danielle",
            "chocolate",
            "butterfly",
            "liverpool",
            "elizabeth",
            "alexander",
            "1q2w3e4r",
            "1qaz2wsx",
            "zaq12wsx",
            "q1w2e3r4",
            "passw0rd",
            "p@ssw0rd",
            "abcd1234",
            "abc12345",
            "test1234",
            "monkey12",
            "dragon12",
            "master12",
            "shadow12",
        ];
        let mut refused = 0;
        for one in common {
            for other in common {
                let weakness = check(&format!("{one}{other}"));
                assert!(matches!(weakness, Err(Weakness::Common | Weakness::Pattern)), "{one}{other}");
                refused += 1;
            }
        }
        assert!(refused > 3000);
    }

    #[test]
    fn password_accepts_any_kind_of_character() {
        for text in [
            "a quiet wall with one lit door",
            "835104729461053",
            "xkqzwvjtrpmbnhd",
            "почему бы и нет, спросила она",
            "門番小屋の静かな壁と一つの灯り",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    // The filter has no reversed words and no personal terms; zxcvbn finds them.
    #[test]
    fn reversed_words_and_personal_terms_are_rejected() {
        for text in ["ylfrettubenihsnus", "keeperszoekeepers1"] {
            assert_eq!(check(text), Err(Weakness::Common), "{text}");
        }
    }

    // The first part of 24 letters is two words, which alone are too few.
    #[test]
    fn passphrase_of_long_words_is_accepted() {
        assert_eq!(check("internationaldevelopmentquietlighthouse"), Ok(()));
        assert_eq!(check("internationaldevelopment"), Err(Weakness::Common));
    }

    #[test]
    fn short_minimum_length_accepts_random_text() {
        let terms = PersonalTerms { username: String::new(), email: String::new(), site: String::new() };
        for text in ["xv9#mq!kz2%t", "kq7vzp2m", "жщэюгчфц"] {
            let password = Password::parse(text).unwrap();
            assert_eq!(Policy { min_length: 8 }.check(&password, &terms), Ok(()), "{text}");
        }
    }

    #[test]
    fn password_made_of_user_or_site_names_is_rejected_as_personal() {
        for text in [
            "zoe.castle123456",
            "zoe@keepers.example",
            "ZOE.CASTLE-2026-2026",
            "eltsac.eoz123456",
            "gatehousegatehouse",
            "Gatehouse12345678",
            "zoe.castle@gatehouse",
        ] {
            assert_eq!(check(text), Err(Weakness::Personal), "{text}");
        }
    }

    #[test]
    fn long_password_may_contain_a_personal_term() {
        assert_eq!(check("zoe keeps seventeen geese"), Ok(()));
        assert_eq!(check("my gatehouse has a crooked chimney"), Ok(()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn policy_never_panics_on_arbitrary_text(text in ".{0,256}") {
            if let Ok(password) = Password::parse(&text) {
                let username = text.chars().take(5).collect();
                let terms = PersonalTerms { username, email: String::new(), site: text.clone() };
                let _ = Policy { min_length: 1 }.check(&password, &terms);
            }
        }
    }
}
