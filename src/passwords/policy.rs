//! Which new passwords are admitted: long ones that are neither common nor about the person. No rules on what kinds of
//! characters they hold (NIST SP 800-63B-4, 3.1.1.2; ASVS 6.2.5).

use super::Password;

/// What a new password has to be like.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// In characters.
    pub shortest: usize,
}

/// What the person is called, and the place.
#[derive(Debug, Clone)]
pub struct Context {
    /// The user name.
    pub username: String,
    /// The e-mail address.
    pub email: String,
    /// The site's name.
    pub site: String,
}

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// It has fewer characters than this.
    TooShort(usize),
    /// It is the user name, the address or the site's name, turned round or with something added.
    Personal,
    /// It is in every list of common passwords, or made from them in a usual way.
    Common,
}

/// zxcvbn's third step of four: "safely unguessable, moderate protection from an offline attack on a slow hash".
const FEWEST_GUESSES_LOG10: f64 = 8.0;

/// How many characters zxcvbn is shown. Its time grows with the square of the length, and with every sign that might
/// stand for a letter: the worst text of 32 takes it 40 ms, of 100 it takes 460 ms. A password that is strong is strong
/// in its first 32 characters.
const JUDGED: usize = 32;

impl Policy {
    /// Whether `password` may be used. Its time is bounded whatever is typed; see `JUDGED`.
    pub fn judge(self, password: &Password, context: &Context) -> Result<(), Weakness> {
        let text = password.expose();
        if text.chars().count() < self.shortest {
            return Err(Weakness::TooShort(self.shortest));
        }
        if context.is_all_there_is_to(text) {
            return Err(Weakness::Personal);
        }
        // zxcvbn's dictionaries and keyboards are Latin. What is written in another script it takes for a handful of
        // symbols and would refuse however long it is; so it is asked about the Latin part, where that is most of it.
        let latin: String = text.chars().filter(char::is_ascii).collect();
        let judged = latin.get(..JUDGED).unwrap_or(&latin);
        let mostly_latin = 2 * latin.len() > text.chars().count();
        if mostly_latin && zxcvbn::zxcvbn(judged, &context.words()).guesses_log10() < FEWEST_GUESSES_LOG10 {
            return Err(Weakness::Common);
        }
        Ok(())
    }
}

impl Context {
    fn words(&self) -> Vec<&str> {
        let local = self.email.split('@').next().unwrap_or_default();
        let domain = self.email.rsplit('@').next().unwrap_or_default();
        let words = [self.username.as_str(), &self.email, local, domain, &self.site, "gatehouse"];
        words.into_iter().filter(|word| word.chars().count() >= 3).collect()
    }

    /// Whether `password` is made of these words and of nothing that would have to be guessed: forwards or backwards,
    /// once or many times, with digits and signs around them. The whole password is compared, not a part of it.
    fn is_all_there_is_to(&self, password: &str) -> bool {
        let mut rest = letters(password);
        if rest.is_empty() {
            return false;
        }
        let mut words: Vec<String> = self.words().into_iter().map(letters).filter(|word| word.len() >= 3).collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        for word in words {
            let backwards: String = word.chars().rev().collect();
            rest = rest.replace(&word, "").replace(&backwards, "");
        }
        rest.is_empty()
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphabetic()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judge(text: &str) -> Result<(), Weakness> {
        let context = Context {
            username: "zoe.castle".to_owned(),
            email: "zoe@keepers.example".to_owned(),
            site: "Gatehouse".to_owned(),
        };
        Policy { shortest: 15 }.judge(&Password::new(text).unwrap(), &context)
    }

    #[test]
    fn fourteen_characters_are_too_few_and_fifteen_enough() {
        assert_eq!(judge("mvkq hztw lrpb"), Err(Weakness::TooShort(15)));
        assert_eq!(judge("mvkq hztw lrpbx"), Ok(()));
        assert_eq!(judge(&"🦀".repeat(14)), Err(Weakness::TooShort(15)));
    }

    #[test]
    fn common_passwords_and_what_is_usually_made_of_them_are_refused() {
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
            assert_eq!(judge(text), Err(Weakness::Common), "{text}");
        }
    }

    // ASVS 6.2.4: the lists of common passwords hold few of fifteen characters; people who are told to use more take two.
    #[test]
    fn three_thousand_passwords_made_of_two_of_the_commonest_are_refused() {
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
                assert_eq!(judge(&format!("{one}{other}")), Err(Weakness::Common), "{one}{other}");
                refused += 1;
            }
        }
        assert!(refused > 3000);
    }

    #[test]
    fn any_kind_of_character_will_do() {
        for text in [
            "correct horse battery staple",
            "a quiet wall with one lit door",
            "835104729461053",
            "xkqzwvjtrpmbnhd",
            "почему бы и нет, спросила она",
            "門番小屋の静かな壁と一つの灯り",
        ] {
            assert_eq!(judge(text), Ok(()), "{text}");
        }
        assert_eq!(judge(&"🦀".repeat(64)), Ok(()));
        assert_eq!(judge(&"🦀".repeat(128)), Ok(()));
    }

    #[test]
    fn the_persons_and_the_sites_own_names_are_refused_with_that_reason() {
        for text in [
            "zoe.castle123456",
            "zoe@keepers.example",
            "ZOE.CASTLE-2026-2026",
            "eltsac.eoz123456",
            "gatehousegatehouse",
            "Gatehouse12345678",
            "zoe.castle@gatehouse",
        ] {
            assert_eq!(judge(text), Err(Weakness::Personal), "{text}");
        }
    }

    #[test]
    fn a_longer_password_may_hold_such_a_word() {
        assert_eq!(judge("zoe keeps seventeen geese"), Ok(()));
        assert_eq!(judge("my gatehouse has a crooked chimney"), Ok(()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn no_text_makes_the_policy_panic(text in ".{0,256}") {
            if let Some(password) = Password::new(&text) {
                let context = Context { username: text.chars().take(5).collect(), email: String::new(), site: text.clone() };
                let _ = Policy { shortest: 1 }.judge(&password, &context);
            }
        }
    }
}
