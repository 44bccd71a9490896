//! argon2id in the parameters that OWASP gives (Password Storage Cheat Sheet: m = 19 MiB, t = 2, p = 1), stored as PHC
//! strings, computed in memory that is used again and again.
//!
//! Two crates share the work. `argon2` (of the `RustCrypto` group: years of use, and bounds are checked) reads what is
//! stored and computes whatever is not in our own parameters. `argon2-rust` computes our own: it takes a third of the time,
//! because it chooses AVX2 or AVX-512 when it runs (`benches/README.md`). What is slow only for the defender is no
//! protection, and what is fast can be made harder again. But it is young, written by one person, unaudited, and full of
//! unsafe code. Therefore it gets nothing but a password and a salt, at parameters that are constants; its feature for threads
//! is off; its version is pinned; it has to give the same bytes as the other in 10,000 random cases (below); and
//! [`check`] refuses to start where it does not give a known answer.

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
use subtle::ConstantTimeEq;
use tracing::error;

use super::Verdict;
use crate::random;

const KIBIBYTES: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OUTPUT_BYTES: usize = 32;
const SALT_BYTES: usize = 16;

/// More memory than this is refused in a stored hash: it would take the server down, whoever wrote it.
const MOST_KIBIBYTES: u32 = 256 * 1024;

/// What our own parameters make of the password "password" and the salt "somesaltsomesalt".
const KNOWN_ANSWER: [u8; OUTPUT_BYTES] = [
    43, 93, 196, 5, 72, 134, 236, 149, 126, 245, 156, 115, 182, 97, 197, 77, 214, 251, 39, 69, 144, 178, 120, 246, 87,
    198, 217, 106, 172, 143, 166, 209,
];

/// The block of memory of one hashing thread. Taken at its first use, kept from then on.
#[derive(Default)]
pub(super) struct Memory {
    core: Option<argon2_rust::Hasher>,
    computed: Arc<AtomicU64>,
}

fn current() -> Params {
    Params::new(KIBIBYTES, PASSES, LANES, Some(OUTPUT_BYTES)).expect("constants within argon2's limits")
}

/// The fast core at these parameters, in one lane.
fn core(kibibytes: u32, passes: u32) -> Option<argon2_rust::Hasher> {
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

/// Whether hashes come out right on this machine. If not, nobody could sign in, and what was stored would be good nowhere else.
pub(super) fn check() -> io::Result<()> {
    let mut output = [0; OUTPUT_BYTES];
    let computed = core(KIBIBYTES, PASSES)
        .is_some_and(|mut core| core.hash_into(b"password", b"somesaltsomesalt", &mut output).is_ok());
    if computed && output == KNOWN_ANSWER {
        Ok(())
    } else {
        Err(io::Error::other("argon2id gives a wrong result on this machine"))
    }
}

impl Memory {
    /// None taken yet; every hash is counted in `computed`.
    pub(super) fn new(computed: Arc<AtomicU64>) -> Self {
        Self { core: None, computed }
    }

    /// In PHC form; `None` when there is no memory for it.
    pub(super) fn hash(&mut self, password: &str) -> Option<String> {
        let salt = random::bytes::<SALT_BYTES>();
        let params = current();
        let output = self.fill(Algorithm::Argon2id, Version::V0x13, &params, password, &salt)?;
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).expect("our own parameters can be written"),
            salt: Some(Salt::new(&salt).expect("as long as a salt should be")),
            hash: Some(Output::new(&output).expect("as long as an output should be")),
        };
        Some(hash.to_string())
    }

    /// `None` when there is no memory for it: nobody knows then whether the password is right.
    pub(super) fn verify(&mut self, password: &str, stored: Option<&str>) -> Option<Verdict> {
        let right = match stored.map(Stored::parse) {
            Some(Some(stored)) => {
                let output = self.fill(stored.algorithm, stored.version, &stored.params, password, &stored.salt)?;
                bool::from(output.ct_eq(&stored.output)).then_some(stored)
            }
            Some(None) => {
                error!("a stored password hash cannot be read; its owner cannot sign in");
                self.waste(password)?;
                None
            }
            None => {
                self.waste(password)?;
                None
            }
        };
        Some(match right {
            Some(stored) if stored.is_weaker_than_now() => Verdict::Right { upgrade: self.hash(password) },
            Some(_) => Verdict::Right { upgrade: None },
            None => Verdict::Wrong,
        })
    }

    /// The work of one comparison, for nothing.
    fn waste(&mut self, password: &str) -> Option<()> {
        let output = self.fill(Algorithm::Argon2id, Version::V0x13, &current(), password, &[0; SALT_BYTES])?;
        std::hint::black_box(output);
        Some(())
    }

    fn fill(
        &mut self,
        algorithm: Algorithm,
        version: Version,
        params: &Params,
        password: &str,
        salt: &[u8],
    ) -> Option<Vec<u8>> {
        self.computed.fetch_add(1, Ordering::Relaxed);
        let mut output = vec![0; params.output_len().unwrap_or(OUTPUT_BYTES)];
        let filled = if algorithm == Algorithm::Argon2id && version == Version::V0x13 && *params == current() {
            if self.core.is_none() {
                self.core = core(KIBIBYTES, PASSES);
            }
            self.core.as_mut().is_some_and(|core| core.hash_into(password.as_bytes(), salt, &mut output).is_ok())
        } else {
            // In memory of its own, which is given back.
            Argon2::new(algorithm, version, params.clone())
                .hash_password_into(password.as_bytes(), salt, &mut output)
                .is_ok()
        };
        if !filled {
            error!("a password could not be hashed: there is no memory for it");
        }
        filled.then_some(output)
    }
}

/// A stored hash, taken apart.
struct Stored {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Stored {
    fn parse(text: &str) -> Option<Self> {
        let hash = PasswordHash::new(text).ok()?;
        let params = Params::try_from(&hash).ok()?;
        if params.m_cost() > MOST_KIBIBYTES {
            return None;
        }
        Some(Self {
            algorithm: Algorithm::try_from(hash.algorithm.as_str()).ok()?,
            version: hash.version.map_or(Ok(Version::V0x13), Version::try_from).ok()?,
            params,
            salt: hash.salt?.as_ref().to_vec(),
            output: hash.hash?.as_bytes().to_vec(),
        })
    }

    fn is_weaker_than_now(&self) -> bool {
        self.algorithm != Algorithm::Argon2id
            || self.version != Version::V0x13
            || self.params.m_cost() < KIBIBYTES
            || self.params.t_cost() < PASSES
            || self.output.len() < OUTPUT_BYTES
    }
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHasher, PasswordVerifier};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_new_hash_has_the_parameters_that_owasp_gives_and_the_library_verifies_it() {
        let hash = Memory::default().hash("correct horse battery staple").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let parsed = PasswordHash::new(&hash).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse battery staple", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"correct horse battery stapl", &parsed).is_err());
    }

    #[test]
    fn memory_used_before_does_not_change_a_result() {
        let mut memory = Memory::default();
        let one = memory.hash("one password after").unwrap();
        let two = memory.hash("another password, longer").unwrap();
        assert!(matches!(memory.verify("one password after", Some(&one)), Some(Verdict::Right { upgrade: None })));
        assert!(matches!(memory.verify("one password after", Some(&two)), Some(Verdict::Wrong)));
        assert!(matches!(memory.verify("one password after", None), Some(Verdict::Wrong)));
    }

    #[test]
    fn a_hash_made_with_less_work_is_upgraded_when_the_password_is_right() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8192, 1, 1, None).unwrap());
        let stored = weak.hash_password_with_salt(b"secret", &[7; 16]).unwrap().to_string();
        let mut memory = Memory::default();
        assert!(matches!(memory.verify("wrong", Some(&stored)), Some(Verdict::Wrong)));
        let Some(Verdict::Right { upgrade: Some(better) }) = memory.verify("secret", Some(&stored)) else {
            panic!("no upgrade");
        };
        assert!(matches!(memory.verify("secret", Some(&better)), Some(Verdict::Right { upgrade: None })));
    }

    #[test]
    fn a_hash_that_cannot_be_read_or_wants_too_much_memory_is_no_way_in() {
        let mut memory = Memory::default();
        for stored in [
            "",
            "secret",
            "!",
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA",
            "$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g",
        ] {
            assert!(matches!(memory.verify("secret", Some(stored)), Some(Verdict::Wrong)), "{stored}");
        }
    }

    #[test]
    fn the_fast_core_computes_what_has_our_own_parameters_and_memory_for_all_else_is_given_back() {
        let ours = Memory::default().hash("secret").unwrap();
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8192, 1, 1, None).unwrap());
        let weak = weak.hash_password_with_salt(b"secret", &[7; 16]).unwrap().to_string();
        for (stored, fast) in [(ours.as_str(), true), (&weak, false)] {
            let mut memory = Memory::default();
            assert!(matches!(memory.verify("wrong", Some(stored)), Some(Verdict::Wrong)));
            assert_eq!(memory.core.is_some(), fast, "{stored}");
        }
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
        core(kibibytes, passes).unwrap().hash_into(password, salt, &mut output).unwrap();
        output
    }

    /// From `src/test.c` of the reference implementation (phc-winner-argon2), argon2id, version 19, one lane.
    #[test]
    fn both_cores_give_the_answers_of_the_reference_implementation() {
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
            for answer in [reference, fast].map(|core| core(1 << log, passes, password.as_bytes(), salt.as_bytes())) {
                let expected: Vec<u8> =
                    (0..64).step_by(2).map(|at| u8::from_str_radix(&expected[at..at + 2], 16).unwrap()).collect();
                assert_eq!(answer[..], expected, "t={passes}, m=2^{log}, {password}, {salt}");
            }
        }
    }

    #[test]
    fn the_known_answer_is_that_of_the_reference_core_and_the_machine_is_checked_by_it() {
        assert_eq!(reference(KIBIBYTES, PASSES, b"password", b"somesaltsomesalt"), KNOWN_ANSWER);
        assert!(check().is_ok());
    }

    #[test]
    fn the_fast_core_gives_the_same_bytes_in_memory_that_it_used_before() {
        let mut core = core(KIBIBYTES, PASSES).unwrap();
        for number in 0..32_usize {
            let (password, salt) = (vec![b'p'; number * 8], [number.to_le_bytes(), [7; 8]].concat());
            let mut output = [0; OUTPUT_BYTES];
            core.hash_into(&password, &salt, &mut output).unwrap();
            assert_eq!(output, reference(KIBIBYTES, PASSES, &password, &salt), "{number}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn the_fast_core_gives_the_same_bytes_as_the_reference_core(
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
