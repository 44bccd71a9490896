//! argon2id with the parameters of the OWASP Password Storage Cheat Sheet (m = 19 MiB, t = 2, p = 1), as PHC strings.
//!
//! Two crates compute hashes:
//! - `argon2` (`RustCrypto`, used for years, bounds-checked) parses stored hashes and computes those with
//!   other parameters than ours.
//! - `argon2-rust` computes those with our parameters in a third of the time, because it selects AVX2 or AVX-512 at run
//!   time (`benches/README.md`). An attacker has fast code in any case; slow code only costs the server.
//!
//! `argon2-rust` is young, unaudited, the work of one person, and contains much unsafe code. So it only gets a password
//! and a salt at constant parameters, its threads are off, its version is pinned, a property test below compares it
//! with `argon2`, and [`check`] rejects a machine on which it does not compute a known result.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, Version,
    password_hash::phc::{Output, ParamsString, Salt},
};
use argon2_rust::params::{Memory as Size, TagLen};
use tracing::error;

use crate::random;

const KIBIBYTES: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OUTPUT_BYTES: usize = 32;
const SALT_BYTES: usize = 16;

/// The hash of the password "password" and the salt "somesaltsomesalt" with our parameters.
const KNOWN_ANSWER: [u8; OUTPUT_BYTES] = [
    43, 93, 196, 5, 72, 134, 236, 149, 126, 245, 156, 115, 182, 97, 197, 77, 214, 251, 39, 69, 144, 178, 120, 246, 87,
    198, 217, 106, 172, 143, 166, 209,
];

/// Computes hashes, one at a time. Allocates a block of memory at the first use and keeps it until
/// [`Engine::release_memory`].
#[derive(Default)]
pub(super) struct Engine {
    fast_hasher: Option<argon2_rust::Hasher>,
    computed: Arc<AtomicU64>,
}

fn current_params() -> Params {
    Params::new(KIBIBYTES, PASSES, LANES, Some(OUTPUT_BYTES)).expect("constants within argon2's limits")
}

/// Whether new passwords are hashed with these parameters.
pub(super) fn is_current(algorithm: Algorithm, version: Version, params: &Params) -> bool {
    algorithm == Algorithm::Argon2id && version == Version::V0x13 && *params == current_params()
}

/// Returns a hasher of `argon2-rust`, or `None` if its memory cannot be allocated.
fn fast_hasher(kibibytes: u32, passes: u32) -> Option<argon2_rust::Hasher> {
    let params = argon2_rust::Params::builder()
        .memory(Size::kib(kibibytes.into()))
        .passes(passes)
        .lanes(LANES)
        .threads(1)
        .tag_len(TagLen::bytes(OUTPUT_BYTES as u64))
        .build()
        .ok()?;
    Some(argon2_rust::Argon2::new(argon2_rust::Algorithm::Argon2id, argon2_rust::Version::V0x13, params).hasher())
}

/// Checks that this machine computes the known answer. A server with wrong hashes rejects all passwords and stores
/// hashes that no other server accepts.
pub(super) fn check() -> io::Result<()> {
    let mut output = [0; OUTPUT_BYTES];
    let computed = fast_hasher(KIBIBYTES, PASSES)
        .is_some_and(|mut hasher| hasher.hash_into(b"password", b"somesaltsomesalt", &mut output).is_ok());
    if computed && output == KNOWN_ANSWER {
        Ok(())
    } else {
        Err(io::Error::other("argon2id computes a wrong result on this machine"))
    }
}

impl Engine {
    /// Returns an engine without memory. It adds every computed hash to `computed`.
    pub(super) fn new(computed: Arc<AtomicU64>) -> Self {
        Self { fast_hasher: None, computed }
    }

    /// Whether the engine keeps a block of memory.
    pub(super) fn has_memory(&self) -> bool {
        self.fast_hasher.is_some()
    }

    /// Overwrites the block of memory and returns it to the operating system. `argon2-rust` maps the block itself, so
    /// it does not stay in the heap of the process.
    pub(super) fn release_memory(&mut self) {
        if let Some(mut hasher) = self.fast_hasher.take() {
            // Writes every byte of the block: a hash of a public text instead of what remains of a password.
            let _ = hasher.hash_into(b"", &[0; SALT_BYTES], &mut [0; OUTPUT_BYTES]);
        }
    }

    /// Returns the PHC string of `password` with a new salt, or `None` if there is not enough memory.
    pub(super) fn hash(&mut self, password: &str) -> Option<String> {
        let salt = random::bytes::<SALT_BYTES>();
        let params = current_params();
        let output = self.derive(Algorithm::Argon2id, Version::V0x13, &params, password.as_bytes(), &salt)?;
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).expect("constants within the limits of PHC strings"),
            salt: Some(Salt::new(&salt).expect("16 bytes are a valid salt")),
            hash: Some(Output::new(&output).expect("32 bytes are a valid output")),
        };
        Some(hash.to_string())
    }

    /// Does the work of verifying a hash of ours and drops the result.
    pub(super) fn dummy_verify(&mut self, password: &str) -> Option<()> {
        let (version, params) = (Version::V0x13, current_params());
        let output = self.derive(Algorithm::Argon2id, version, &params, password.as_bytes(), &[0; SALT_BYTES])?;
        std::hint::black_box(output);
        Some(())
    }

    /// Counts a hash that another function computes.
    pub(super) fn count(&self) {
        self.computed.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the raw hash, or `None` if there is not enough memory.
    pub(super) fn derive(
        &mut self,
        algorithm: Algorithm,
        version: Version,
        params: &Params,
        password: &[u8],
        salt: &[u8],
    ) -> Option<Vec<u8>> {
        self.count();
        let mut output = vec![0; params.output_len().unwrap_or(OUTPUT_BYTES)];
        let computed = if is_current(algorithm, version, params) {
            if self.fast_hasher.is_none() {
                self.fast_hasher = fast_hasher(KIBIBYTES, PASSES);
            }
            self.fast_hasher.as_mut().is_some_and(|hasher| hasher.hash_into(password, salt, &mut output).is_ok())
        } else {
            // Allocates its own memory and frees it.
            Argon2::new(algorithm, version, params.clone()).hash_password_into(password, salt, &mut output).is_ok()
        };
        if !computed {
            error!("a password could not be hashed: not enough memory");
        }
        computed.then_some(output)
    }
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn new_hash_uses_owasp_parameters_and_verifies_with_reference_library() {
        let hash = Engine::default().hash("correct horse battery staple").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let parsed = PasswordHash::new(&hash).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse battery staple", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"correct horse battery stapl", &parsed).is_err());
    }

    #[test]
    fn engine_without_memory_still_computes_after_release() {
        let mut engine = Engine::default();
        let hash = engine.hash("one password").unwrap();
        assert!(engine.has_memory());
        engine.release_memory();
        assert!(!engine.has_memory());
        let parsed = PasswordHash::new(&hash).unwrap();
        assert!(Argon2::default().verify_password(b"one password", &parsed).is_ok());
        assert!(engine.dummy_verify("one password").is_some() && engine.has_memory());
    }

    fn reference(kibibytes: u32, passes: u32, password: &[u8], salt: &[u8]) -> [u8; OUTPUT_BYTES] {
        let params = Params::new(kibibytes, passes, LANES, Some(OUTPUT_BYTES)).unwrap();
        let mut output = [0; OUTPUT_BYTES];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(password, salt, &mut output)
            .unwrap();
        output
    }

    fn fast(kibibytes: u32, passes: u32, password: &[u8], salt: &[u8]) -> [u8; OUTPUT_BYTES] {
        let mut output = [0; OUTPUT_BYTES];
        fast_hasher(kibibytes, passes).unwrap().hash_into(password, salt, &mut output).unwrap();
        output
    }

    /// From `src/test.c` of the reference implementation (phc-winner-argon2), argon2id, version 19, one lane.
    #[test]
    fn both_hashers_match_phc_reference_vectors() {
        for (passes, log, password, salt, expected) in [
            (2, 16, "password", "somesalt", "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"),
            (2, 8, "password", "somesalt", "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"),
            (1, 16, "password", "somesalt", "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"),
            (4, 16, "password", "somesalt", "9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c"),
            (
                2,
                16,
                "differentpassword",
                "somesalt",
                "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde",
            ),
            (2, 16, "password", "diffsalt", "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c"),
        ] {
            for answer in [reference, fast].map(|hash| hash(1 << log, passes, password.as_bytes(), salt.as_bytes())) {
                let expected: Vec<u8> =
                    (0..64).step_by(2).map(|at| u8::from_str_radix(&expected[at..at + 2], 16).unwrap()).collect();
                assert_eq!(answer[..], expected, "t={passes}, m=2^{log}, {password}, {salt}");
            }
        }
    }

    #[test]
    fn known_answer_matches_reference_hasher_and_self_test_passes() {
        assert_eq!(reference(KIBIBYTES, PASSES, b"password", b"somesaltsomesalt"), KNOWN_ANSWER);
        assert!(check().is_ok());
    }

    #[test]
    fn fast_hasher_matches_reference_with_reused_memory() {
        let mut hasher = fast_hasher(KIBIBYTES, PASSES).unwrap();
        for number in 0..32_usize {
            let (password, salt) = (vec![b'p'; number * 8], [number.to_le_bytes(), [7; 8]].concat());
            let mut output = [0; OUTPUT_BYTES];
            hasher.hash_into(&password, &salt, &mut output).unwrap();
            assert_eq!(output, reference(KIBIBYTES, PASSES, &password, &salt), "{number}");
        }
    }

    /// 1,000 unless `PROPTEST_CASES` is set.
    fn cases() -> u32 {
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1000)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]
        #[test]
        fn fast_hasher_matches_reference_hasher(
            kibibytes in 8_u32..300,
            passes in 1_u32..4,
            password in proptest::collection::vec(any::<u8>(), 0..200),
            salt in proptest::collection::vec(any::<u8>(), 8..64),
        ) {
            prop_assert_eq!(
                fast(kibibytes, passes, &password, &salt),
                reference(kibibytes, passes, &password, &salt)
            );
        }
    }
}
