//! Compares a password with a stored hash, on a hashing thread.

use std::sync::Arc;

use super::{
    Password,
    argon2id::Engine,
    foreign::{FlaskSecurityKey, PasswordHash},
};

/// What a password is compared with.
#[derive(Debug, Clone)]
pub enum Expected {
    /// The hash of an account, with the key that it needs, if any.
    Hash(Arc<PasswordHash>, Option<FlaskSecurityKey>),
    /// Nothing: no password matches. Comparing takes the same work as with this hash of another account, or with a new
    /// hash, so that the time does not show whether there is an account.
    StandIn(Option<Arc<PasswordHash>>),
}

/// The result of comparing a password with a stored hash.
#[derive(Debug)]
pub enum Verification {
    /// The password is right.
    Match {
        /// A new hash to store, if the stored one is not like new ones.
        upgrade: Option<String>,
    },
    /// The password is wrong, or there was no stored hash.
    Mismatch,
}

impl Expected {
    /// Whether comparing needs so much memory that only one password is compared at a time.
    pub(super) fn takes_turns(&self) -> bool {
        match self {
            Self::Hash(hash, _) => hash.takes_turns(),
            Self::StandIn(hash) => hash.as_ref().is_some_and(|hash| hash.takes_turns()),
        }
    }

    /// Returns the result, or `None` if there is not enough memory.
    pub(super) fn verify(&self, engine: &mut Engine, password: &Password) -> Option<Verification> {
        match self {
            Self::Hash(hash, key) if hash.matches(engine, password, key.as_ref())? => {
                let upgrade = if hash.is_current() { None } else { engine.hash(password.expose()) };
                return Some(Verification::Match { upgrade });
            }
            Self::Hash(..) => {}
            Self::StandIn(Some(hash)) => {
                std::hint::black_box(hash.matches(engine, password, None)?);
            }
            Self::StandIn(None) => engine.dummy_verify(password.expose())?,
        }
        Some(Verification::Mismatch)
    }
}

#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};

    use super::*;

    fn verify(engine: &mut Engine, password: &str, stored: &str) -> Option<Verification> {
        let expected = Expected::Hash(PasswordHash::parse(stored).unwrap().into(), None);
        expected.verify(engine, &Password::parse(password).unwrap())
    }

    fn weak() -> String {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8192, 1, 1, None).unwrap());
        weak.hash_password_with_salt(b"secret", &[7; 16]).unwrap().to_string()
    }

    #[test]
    fn reused_memory_does_not_affect_results() {
        let mut engine = Engine::default();
        let one = engine.hash("one password after").unwrap();
        let two = engine.hash("another password, longer").unwrap();
        let result = verify(&mut engine, "one password after", &one);
        assert!(matches!(result, Some(Verification::Match { upgrade: None })));
        assert!(matches!(verify(&mut engine, "one password after", &two), Some(Verification::Mismatch)));
        let nothing = Expected::StandIn(None);
        let result = nothing.verify(&mut engine, &Password::parse("one password after").unwrap());
        assert!(matches!(result, Some(Verification::Mismatch)));
    }

    #[test]
    fn verify_returns_new_hash_for_other_parameters() {
        let mut engine = Engine::default();
        assert!(matches!(verify(&mut engine, "wrong", &weak()), Some(Verification::Mismatch)));
        let Some(Verification::Match { upgrade: Some(better) }) = verify(&mut engine, "secret", &weak()) else {
            panic!("no upgrade");
        };
        assert!(matches!(verify(&mut engine, "secret", &better), Some(Verification::Match { upgrade: None })));
    }

    #[test]
    fn stand_in_never_matches_and_takes_the_work_of_its_hash() {
        let mut engine = Engine::default();
        let stand_in = Expected::StandIn(Some(Arc::new(PasswordHash::parse(&weak()).unwrap())));
        let result = stand_in.verify(&mut engine, &Password::parse("secret").unwrap());
        assert!(
            matches!(result, Some(Verification::Mismatch)),
            "although it is the right password of the other account"
        );
        assert!(!engine.has_memory(), "hashed with the parameters of the other account");
    }

    #[test]
    fn fast_hasher_is_kept_only_for_default_parameters() {
        let ours = Engine::default().hash("secret").unwrap();
        for (stored, fast) in [(ours, true), (weak(), false)] {
            let mut engine = Engine::default();
            assert!(matches!(verify(&mut engine, "wrong", &stored), Some(Verification::Mismatch)));
            assert_eq!(engine.has_memory(), fast, "{stored}");
        }
    }
}
