//! argon2id in the parameters that OWASP gives (Password Storage Cheat Sheet: m = 19 MiB, t = 2, p = 1), stored as PHC
//! strings, computed in memory that is used again and again.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::phc::{Output, ParamsString, Salt},
};
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

/// The block of memory of one hashing thread. Taken at its first use, kept from then on.
#[derive(Default)]
pub(super) struct Memory {
    blocks: Vec<Block>,
    computed: Arc<AtomicU64>,
}

fn current() -> Params {
    Params::new(KIBIBYTES, PASSES, LANES, Some(OUTPUT_BYTES)).expect("constants within argon2's limits")
}

impl Memory {
    /// None taken yet; every hash is counted in `computed`.
    pub(super) fn new(computed: Arc<AtomicU64>) -> Self {
        Self { blocks: Vec::new(), computed }
    }

    pub(super) fn hash(&mut self, password: &str) -> String {
        let salt = random::bytes::<SALT_BYTES>();
        let params = current();
        let output = self.fill(Algorithm::Argon2id, Version::V0x13, &params, password, &salt);
        PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).expect("our own parameters can be written"),
            salt: Salt::new(&salt).ok(),
            hash: output.and_then(|output| Output::new(&output).ok()),
        }
        .to_string()
    }

    pub(super) fn verify(&mut self, password: &str, stored: Option<&str>) -> Verdict {
        let right = match stored.map(Stored::parse) {
            Some(Some(stored)) => {
                let output = self.fill(stored.algorithm, stored.version, &stored.params, password, &stored.salt);
                output.is_some_and(|output| output.ct_eq(&stored.output).into()).then_some(stored)
            }
            Some(None) => {
                error!("a stored password hash cannot be read; its owner cannot sign in");
                self.waste(password);
                None
            }
            None => {
                self.waste(password);
                None
            }
        };
        match right {
            Some(stored) if stored.is_weaker_than_now() => Verdict::Right { upgrade: Some(self.hash(password)) },
            Some(_) => Verdict::Right { upgrade: None },
            None => Verdict::Wrong,
        }
    }

    /// The work of one comparison, for nothing.
    fn waste(&mut self, password: &str) {
        let output = self.fill(Algorithm::Argon2id, Version::V0x13, &current(), password, &[0; SALT_BYTES]);
        std::hint::black_box(output);
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
        let blocks = params.block_count();
        if self.blocks.len() < blocks {
            self.blocks = vec![Block::default(); blocks];
        }
        let mut output = vec![0; params.output_len().unwrap_or(OUTPUT_BYTES)];
        let filled = Argon2::new(algorithm, version, params.clone()).hash_password_into_with_memory(
            password.as_bytes(),
            salt,
            &mut output,
            &mut self.blocks[..],
        );
        // A hash from elsewhere may have wanted more than ours do; the bound on memory is ours.
        self.blocks.truncate(current().block_count());
        self.blocks.shrink_to_fit();
        filled.is_ok().then_some(output)
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

    use super::*;

    #[test]
    fn a_new_hash_has_the_parameters_that_owasp_gives_and_the_library_verifies_it() {
        let hash = Memory::default().hash("correct horse battery staple");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let parsed = PasswordHash::new(&hash).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse battery staple", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"correct horse battery stapl", &parsed).is_err());
    }

    #[test]
    fn memory_used_before_does_not_change_a_result() {
        let mut memory = Memory::default();
        let one = memory.hash("one password after");
        let two = memory.hash("another password, longer");
        assert!(matches!(memory.verify("one password after", Some(&one)), Verdict::Right { upgrade: None }));
        assert!(matches!(memory.verify("one password after", Some(&two)), Verdict::Wrong));
        assert!(matches!(memory.verify("one password after", None), Verdict::Wrong));
    }

    #[test]
    fn a_hash_made_with_less_work_is_upgraded_when_the_password_is_right() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8192, 1, 1, None).unwrap());
        let stored = weak.hash_password_with_salt(b"secret", &[7; 16]).unwrap().to_string();
        let mut memory = Memory::default();
        assert!(matches!(memory.verify("wrong", Some(&stored)), Verdict::Wrong));
        let Verdict::Right { upgrade: Some(better) } = memory.verify("secret", Some(&stored)) else {
            panic!("no upgrade");
        };
        assert!(matches!(memory.verify("secret", Some(&better)), Verdict::Right { upgrade: None }));
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
            assert!(matches!(memory.verify("secret", Some(stored)), Verdict::Wrong), "{stored}");
        }
    }

    #[test]
    fn a_thread_keeps_no_more_memory_than_our_own_parameters_need() {
        let greedy = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(65536, 1, 1, None).unwrap());
        let stored = greedy.hash_password_with_salt(b"secret", &[7; 16]).unwrap().to_string();
        let mut memory = Memory::default();
        assert!(matches!(memory.verify("secret", Some(&stored)), Verdict::Right { .. }));
        assert!(memory.blocks.capacity() <= current().block_count());
    }
}
