use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::passwords::Expected;

/// What `tests/fixtures/make_hashes.py` has made with the libraries themselves.
fn fixtures() -> Vec<Value> {
    let text = include_str!("../../../tests/fixtures/hashes.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn adoption(fixture: &Value) -> Adoption {
    let dialect = match fixture["dialect"].as_str() {
        Some("werkzeug") => Some(Dialect::Werkzeug),
        Some(_) => Some(Dialect::Django),
        None => None,
    };
    Adoption {
        dialect,
        weak: if fixture["weak"] == true { Weak::Wrap } else { Weak::Refuse },
        flask_security: fixture["flask_security"].as_str().map(|_| "key".to_owned()),
        bcrypt_prehash: fixture["prehash"] == true,
        werkzeug_rounds: fixture["rounds"].as_u64().map(|rounds| u32::try_from(rounds).unwrap()),
    }
}

fn store(engine: &mut Engine, fixture: &Value) -> String {
    match adoption(fixture).adopt(fixture["hash"].as_str().unwrap()) {
        Ok(Adopted::Hash(stored)) => stored,
        Ok(Adopted::Wrap(digest)) => digest.wrapped(&engine.hash(digest.digest()).unwrap()),
        other => panic!("{fixture}: {other:?}"),
    }
}

#[test]
fn hashes_of_real_libraries_match_their_password_and_no_other() {
    let mut engine = Engine::default();
    for fixture in fixtures() {
        let stored = store(&mut engine, &fixture);
        let hash = PasswordHash::parse(&stored).unwrap_or_else(|error| panic!("{fixture}: {error}"));
        let key = fixture["flask_security"].as_str().map(|key| FlaskSecurityKey::new(key.into()));
        let password = fixture["password"].as_str().unwrap();
        let mut verify =
            |password: &str| hash.matches(&mut engine, &Password::parse(password).unwrap(), key.as_ref()).unwrap();
        assert!(verify(password), "{fixture}");
        // Not at the end: bcrypt ignores what follows 72 bytes.
        assert!(!verify(&format!("x{password}")), "{fixture}");
    }
}

#[test]
fn flask_security_hash_without_its_key_matches_no_password() {
    let mut engine = Engine::default();
    let fixture = fixtures().into_iter().find(|fixture| fixture["flask_security"].is_string()).unwrap();
    let hash = PasswordHash::parse(&store(&mut engine, &fixture)).unwrap();
    assert_eq!(hash.key_name(), Some("key"));
    let password = Password::parse(fixture["password"].as_str().unwrap()).unwrap();
    let other = FlaskSecurityKey::new(b"another key".to_vec());
    assert_eq!(hash.matches(&mut engine, &password, None), Some(false));
    assert_eq!(hash.matches(&mut engine, &password, Some(&other)), Some(false));
}

#[test]
fn every_foreign_hash_is_replaced_after_a_match() {
    let mut engine = Engine::default();
    for fixture in fixtures().into_iter().filter(|fixture| fixture["password"] == "sunlit harbor 7") {
        let stored = store(&mut engine, &fixture);
        assert!(!PasswordHash::parse(&stored).unwrap().is_current(), "{stored}");
        assert!(stored.len() <= MAX_LENGTH);
    }
    let ours = PasswordHash::parse(&engine.hash("sunlit harbor 7").unwrap()).unwrap();
    assert!(ours.is_current());
    assert_eq!(ours.class(), "argon2id m=19456,t=2,p=1");
}

#[test]
fn cut_off_hashes_are_told_as_such() {
    for fixture in fixtures() {
        let (text, adoption) = (fixture["hash"].as_str().unwrap(), adoption(&fixture));
        let cut = &text[..text.len() - 3];
        // The output of argon2 and passlib's scrypt has any length.
        if !text.contains("argon2") && !text.starts_with("$scrypt") {
            assert_eq!(adoption.adopt(cut).unwrap_err(), HashError::Truncated, "{cut}");
        }
    }
    let cut = "$argon2id$v=19$m=65536,t=3,p=4$aE2JsRZirNVaizGm1FqLUQ";
    assert_eq!(PasswordHash::parse(cut).unwrap_err(), HashError::Truncated);
}

#[test]
fn plain_digests_are_refused_reset_or_wrapped() {
    let hex = "0".repeat(40);
    let digests = [&hex[..32], &format!("sha1${hex}"), &format!("sha1$${hex}"), &format!("sha1$salt${hex}")];
    let adoption = |weak| Adoption { weak, dialect: Some(Dialect::Django), ..Adoption::default() };
    for text in [digests[0], digests[2], digests[3]] {
        assert_eq!(adoption(Weak::Refuse).adopt(text), Err(HashError::Weak), "{text}");
        assert_eq!(adoption(Weak::Reset).adopt(text), Ok(Adopted::Unusable), "{text}");
        assert!(matches!(adoption(Weak::Wrap).adopt(text), Ok(Adopted::Wrap(_))), "{text}");
    }
    for text in ["plain$$secret", "$1$salt$hash", "$P$Bhash", "$apr1$salt$hash"] {
        assert_eq!(adoption(Weak::Refuse).adopt(text), Err(HashError::Weak), "{text}");
        assert_eq!(adoption(Weak::Reset).adopt(text), Ok(Adopted::Unusable), "{text}");
    }
    assert!(PasswordHash::parse(digests[3]).is_err(), "a plain digest is never a stored hash");
    let salted = |bytes: usize| format!("sha1${}${hex}", "s".repeat(bytes));
    let Ok(Adopted::Wrap(longest)) = adoption(Weak::Wrap).adopt(&salted(128)) else { panic!("it is not wrapped") };
    let stored = longest.wrapped(&Engine::default().hash(longest.digest()).unwrap());
    assert!(stored.len() <= MAX_LENGTH && PasswordHash::parse(&stored).is_ok(), "{stored}");
    assert_eq!(adoption(Weak::Wrap).adopt(&salted(129)), Err(HashError::Malformed), "it would not fit the column");
    let uncertain = Adoption { weak: Weak::Wrap, ..Adoption::default() };
    assert_eq!(uncertain.adopt(digests[3]), Err(HashError::Ambiguous));
}

#[test]
fn costs_are_bounded() {
    let (hex, salt, hash) = ("0".repeat(128), "c2FsdHNhbHRzYWx0c2FsdA", "A".repeat(43));
    let argon2 = |costs: &str| format!("$argon2id$v=19${costs}${salt}${hash}");
    for (text, allowed) in [
        (format!("pbkdf2:sha256:5000000$salt${}", &hex[..64]), true),
        (format!("pbkdf2:sha256:5000001$salt${}", &hex[..64]), false),
        (format!("pbkdf2:sha512:2000000$salt${hex}"), true),
        (format!("pbkdf2:sha512:2000001$salt${hex}"), false),
        (format!("scrypt:65536:8:1$salt${hex}"), true),
        (format!("scrypt:131072:8:1$salt${hex}"), false),
        (format!("scrypt:32768:8:16$salt${hex}"), true),
        (format!("scrypt:65536:8:16$salt${hex}"), false),
        (format!("scrypt:16:8:17$salt${hex}"), false),
        (argon2("m=131072,t=4,p=1"), true),
        (argon2("m=131073,t=1,p=1"), false),
        (argon2("m=131072,t=5,p=1"), false),
        (argon2("m=8192,t=11,p=1"), false),
        (argon2("m=8192,t=1,p=17"), false),
        (format!("$2b$14${}", ".".repeat(53)), true),
        (format!("$2b$15${}", ".".repeat(53)), false),
        (format!("$6$rounds=1000000$salt${}", ".".repeat(86)), true),
        (format!("$6$rounds=1000001$salt${}", ".".repeat(86)), false),
    ] {
        let parsed = PasswordHash::parse(&text).map(|_| ());
        assert_eq!(parsed, if allowed { Ok(()) } else { Err(HashError::TooCostly) }, "{text}");
    }
    for text in [
        format!("pbkdf2:sha512:0$salt${hex}"),
        format!("scrypt:3:8:1$salt${hex}"),
        format!("scrypt:16:0:1$salt${hex}"),
        format!("pbkdf2:sha512:1000$${hex}"),
        format!("pbkdf2:sha512:1000${}${}", "s".repeat(129), &hex[..64]),
        format!("$2b$03${}", ".".repeat(53)),
        format!("$6$rounds=999$salt${}", ".".repeat(86)),
        argon2("t=2,m=19456,p=1"),
        "x".repeat(MAX_LENGTH + 1),
    ] {
        assert!(PasswordHash::parse(&text).is_err(), "{text}");
    }
}

#[test]
fn only_large_hashes_take_turns() {
    let hash = "A".repeat(43);
    let takes_turns = |kibibytes: u32| {
        let text = format!("$argon2id$v=19$m={kibibytes},t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA${hash}");
        Expected::Hash(PasswordHash::parse(&text).unwrap().into(), None).takes_turns()
    };
    assert!(!takes_turns(19 * 1024));
    assert!(takes_turns(19 * 1024 + 1));
    let scrypt = PasswordHash::parse(&format!("scrypt:32768:8:1$salt${}", "0".repeat(128))).unwrap();
    assert!(scrypt.takes_turns());
}

/// Texts like hashes: pieces of real ones in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("$".to_owned()),
        Just(":".to_owned()),
        Just(",".to_owned()),
        Just("=".to_owned()),
        proptest::sample::select(
            fixtures()
                .iter()
                .flat_map(|line| {
                    let text = line["hash"].as_str().unwrap().to_owned();
                    text.split('$').map(str::to_owned).collect::<Vec<_>>()
                })
                .collect::<Vec<_>>()
        ),
        "[0-9]{1,10}",
        "\\PC{0,8}",
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn parser_never_panics_and_accepts_only_bounded_costs(text in pieces(), weak in 0..3) {
        let weak = [Weak::Refuse, Weak::Reset, Weak::Wrap][usize::try_from(weak).unwrap()];
        let adoption = Adoption { weak, ..Adoption::default() };
        if let Ok(Adopted::Hash(stored)) = adoption.adopt(&text) {
            let hash = PasswordHash::parse(&stored).unwrap();
            prop_assert!(hash.function.kibibytes() <= 128 * 1024);
            prop_assert!(stored.len() <= MAX_LENGTH);
            prop_assert!(hash.class().len() <= 64, "{}", hash.class());
            if let Some(django) = to_django(&stored) {
                prop_assert!(PasswordHash::parse(&django).is_ok(), "{stored}: {django}");
            }
        }
        let _ = PasswordHash::parse(&text);
    }

    #[test]
    fn changed_character_never_panics(number in 0..1000_usize, at in 0..200_usize, with in "\\PC") {
        let fixtures = fixtures();
        let text = fixtures[number % fixtures.len()]["hash"].as_str().unwrap();
        let at = at % text.len();
        let changed = format!("{}{with}{}", &text[..at], &text[at + 1..]);
        let _ = PasswordHash::parse(&changed);
        let _ = Adoption { weak: Weak::Wrap, ..Adoption::default() }.adopt(&changed);
    }
}
