//! The functions that slow down guessing, with the bounds on what a stored hash may ask of them: a row must not occupy
//! a hashing thread for seconds, or the memory of the machine.

use std::{num::NonZero, ops::RangeInclusive};

use argon2::{Algorithm, Params, Version};
use aws_lc_rs::pbkdf2;
use strum::{EnumString, IntoStaticStr};

use super::HashError;
use crate::passwords::argon2id::Engine;

/// Rounds of PBKDF2. Django 5.2 has 1,000,000, which rise with each release.
const MAX_PBKDF2_ROUNDS: u32 = 5_000_000;
/// The same with SHA-384 and SHA-512, whose rounds take twice as long. A wrong password that is not NFC is hashed
/// twice: that takes 3.0 s, took 3.5 s with 2,500,000, and takes at most 2.8 s with the other functions.
const MAX_SHA512_ROUNDS: u32 = 2_000_000;
/// Memory of scrypt in bytes, N × r × 128. Werkzeug has 32 MiB.
const MAX_SCRYPT_BYTES: u64 = 64 << 20;
/// Work of scrypt, N × r × p. Werkzeug has 2^18.
const MAX_SCRYPT_WORK: u64 = 1 << 22;
const MAX_SCRYPT_P: u32 = 16;
/// Memory of argon2. Django has 100 MiB.
const MAX_ARGON2_KIBIBYTES: u32 = 128 << 10;
const MAX_ARGON2_PASSES: u32 = 10;
const MAX_ARGON2_LANES: u32 = 16;
/// Work of argon2: memory × passes, in KiB.
const MAX_ARGON2_WORK: u32 = 512 << 10;
/// Logarithms of the rounds of bcrypt. Django and Flask-Bcrypt have 12.
const BCRYPT_COSTS: RangeInclusive<u32> = 4..=14;
/// Rounds of SHA-crypt. libpass has 656,000.
const SHA_CRYPT_ROUNDS: RangeInclusive<u32> = 1_000..=1_000_000;
/// bcrypt ignores the bytes after these.
const BCRYPT_BYTES: usize = 72;

/// The hash inside of PBKDF2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(super) enum Digest {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    /// Returns the length of its output in bytes.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn max_rounds(self) -> u32 {
        match self {
            Self::Md5 | Self::Sha1 | Self::Sha224 | Self::Sha256 => MAX_PBKDF2_ROUNDS,
            Self::Sha384 | Self::Sha512 => MAX_SHA512_ROUNDS,
        }
    }
}

/// A function with its parameters, which are within the bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Function {
    Pbkdf2 { digest: Digest, rounds: u32 },
    Scrypt { log_n: u8, r: u32, p: u32 },
    Argon2 { algorithm: Algorithm, version: Version, params: Params },
    Bcrypt { cost: u32 },
    Sha256Crypt { rounds: u32 },
    Sha512Crypt { rounds: u32 },
}

impl Function {
    pub(super) fn pbkdf2(digest: Digest, rounds: u32) -> Result<Self, HashError> {
        bounded(rounds, 1..=digest.max_rounds())?;
        Ok(Self::Pbkdf2 { digest, rounds })
    }

    pub(super) fn scrypt(n: u32, r: u32, p: u32) -> Result<Self, HashError> {
        if !n.is_power_of_two() || n < 2 {
            return Err(HashError::Malformed);
        }
        bounded(r, 1..=u32::MAX)?;
        bounded(p, 1..=MAX_SCRYPT_P)?;
        let (blocks, log_n) = (u64::from(n).saturating_mul(r.into()), n.trailing_zeros());
        if blocks.saturating_mul(128) > MAX_SCRYPT_BYTES || blocks.saturating_mul(p.into()) > MAX_SCRYPT_WORK {
            return Err(HashError::TooCostly);
        }
        Ok(Self::Scrypt { log_n: u8::try_from(log_n).map_err(|_| HashError::TooCostly)?, r, p })
    }

    pub(super) fn argon2(
        algorithm: Algorithm,
        version: Version,
        (kibibytes, passes, lanes): (u32, u32, u32),
        output: usize,
    ) -> Result<Self, HashError> {
        bounded(kibibytes, 1..=MAX_ARGON2_KIBIBYTES)?;
        bounded(passes, 1..=MAX_ARGON2_PASSES)?;
        bounded(lanes, 1..=MAX_ARGON2_LANES)?;
        bounded(kibibytes.saturating_mul(passes), 1..=MAX_ARGON2_WORK)?;
        let params = Params::new(kibibytes, passes, lanes, Some(output)).map_err(|_| HashError::Malformed)?;
        Ok(Self::Argon2 { algorithm, version, params })
    }

    pub(super) fn bcrypt(cost: u32) -> Result<Self, HashError> {
        bounded(cost, BCRYPT_COSTS)?;
        Ok(Self::Bcrypt { cost })
    }

    pub(super) fn sha_crypt(length: usize, rounds: u32) -> Result<Self, HashError> {
        bounded(rounds, SHA_CRYPT_ROUNDS)?;
        Ok(if length == 64 { Self::Sha512Crypt { rounds } } else { Self::Sha256Crypt { rounds } })
    }

    /// Returns the memory that it needs.
    pub(super) fn kibibytes(&self) -> u64 {
        match self {
            Self::Scrypt { log_n, r, .. } => (u64::from(*r) << log_n) / 8,
            Self::Argon2 { params, .. } => params.m_cost().into(),
            Self::Pbkdf2 { .. } | Self::Bcrypt { .. } | Self::Sha256Crypt { .. } | Self::Sha512Crypt { .. } => 0,
        }
    }

    /// Returns its name and its costs.
    pub(super) fn describe(&self) -> (String, String) {
        match self {
            Self::Pbkdf2 { digest, rounds } => (format!("pbkdf2-{}", <&str>::from(digest)), rounds.to_string()),
            Self::Scrypt { log_n, r, p } => ("scrypt".to_owned(), format!("ln={log_n},r={r},p={p}")),
            Self::Argon2 { algorithm, params, .. } => {
                let costs = format!("m={},t={},p={}", params.m_cost(), params.t_cost(), params.p_cost());
                (algorithm.as_str().to_owned(), costs)
            }
            Self::Bcrypt { cost } => ("bcrypt".to_owned(), cost.to_string()),
            Self::Sha256Crypt { rounds } => ("sha256-crypt".to_owned(), rounds.to_string()),
            Self::Sha512Crypt { rounds } => ("sha512-crypt".to_owned(), rounds.to_string()),
        }
    }

    /// Returns `length` bytes, or `None` if there is not enough memory.
    pub(super) fn derive(&self, engine: &mut Engine, password: &[u8], salt: &[u8], length: usize) -> Option<Vec<u8>> {
        if let Self::Argon2 { algorithm, version, params } = self {
            return engine.derive(*algorithm, *version, params, password, salt);
        }
        engine.count();
        let mut output = vec![0; length];
        match self {
            Self::Pbkdf2 { digest, rounds } => derive_pbkdf2(*digest, *rounds, password, salt, &mut output)?,
            Self::Scrypt { log_n, r, p } => {
                let params = scrypt::Params::new(*log_n, *r, *p).ok()?;
                scrypt::scrypt(password, salt, &params, &mut output).ok()?;
            }
            Self::Bcrypt { cost } => {
                let mut text: Vec<u8> = password.iter().copied().take(BCRYPT_BYTES).collect();
                if text.len() < BCRYPT_BYTES {
                    text.push(0);
                }
                let all = bcrypt::bcrypt(*cost, salt.try_into().ok()?, &text);
                output.copy_from_slice(all.get(..length)?);
            }
            Self::Sha256Crypt { rounds } => {
                output = sha_crypt::sha256_crypt(password, salt, sha_crypt::Params::new(*rounds).ok()?).to_vec();
            }
            Self::Sha512Crypt { rounds } => {
                output = sha_crypt::sha512_crypt(password, salt, sha_crypt::Params::new(*rounds).ok()?).to_vec();
            }
            Self::Argon2 { .. } => return None,
        }
        Some(output)
    }
}

fn bounded(value: u32, bounds: RangeInclusive<u32>) -> Result<(), HashError> {
    match value {
        value if value < *bounds.start() => Err(HashError::Malformed),
        value if value > *bounds.end() => Err(HashError::TooCostly),
        _ => Ok(()),
    }
}

fn derive_pbkdf2(digest: Digest, rounds: u32, password: &[u8], salt: &[u8], output: &mut [u8]) -> Option<()> {
    let algorithm = match digest {
        // aws-lc-rs lacks these two.
        Digest::Md5 => {
            ::pbkdf2::pbkdf2_hmac::<md5::Md5>(password, salt, rounds, output);
            return Some(());
        }
        Digest::Sha224 => {
            ::pbkdf2::pbkdf2_hmac::<sha2::Sha224>(password, salt, rounds, output);
            return Some(());
        }
        Digest::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
        Digest::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        Digest::Sha384 => pbkdf2::PBKDF2_HMAC_SHA384,
        Digest::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
    };
    pbkdf2::derive(algorithm, NonZero::new(rounds)?, salt, password, output);
    Some(())
}
