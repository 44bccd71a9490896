//! Encryption of what the database stores and only this server may read: AES-256-GCM under a key derived from the
//! signing secret, so a copy of the database alone discloses nothing.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use secrecy::SecretSlice;

use super::{DerivedKeys, Keys};

/// The secret under which a value is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EncryptedUnder {
    /// The current one.
    Current,
    /// A previous one.
    Previous,
    /// A previous one that was replaced because it may be known to others (`secret rotate --sign-out-everybody`).
    Compromised,
}

/// A value that was encrypted.
pub(crate) struct Decrypted {
    /// The value.
    pub(crate) plaintext: SecretSlice<u8>,
    /// Its secret.
    pub(crate) under: EncryptedUnder,
}

impl fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decrypted").field("under", &self.under).finish_non_exhaustive()
    }
}

impl Keys {
    /// Encrypts `plaintext` under the current secret. It can be decrypted with the same `context` only, so a value
    /// that is copied to another row or column of the database is invalid there. Returns nonce, ciphertext and tag.
    #[must_use]
    pub(crate) fn encrypt(&self, context: &str, plaintext: &[u8]) -> Vec<u8> {
        let mut ciphertext = plaintext.to_vec();
        let nonce = self
            .current
            .encryption
            .seal_in_place_append_tag(Aad::from(context), &mut ciphertext)
            .expect("AES-GCM encrypts up to 64 GiB, and the random generator works");
        [&nonce.as_ref()[..], &ciphertext].concat()
    }

    /// Decrypts what [`Keys::encrypt`] returned. `None` if it was changed, belongs to another context, or its secret is
    /// not known any more.
    #[must_use]
    pub(crate) fn decrypt(&self, context: &str, encrypted: &[u8]) -> Option<Decrypted> {
        let (nonce, ciphertext) = encrypted.split_at_checked(NONCE_LEN)?;
        let decrypt = |keys: &DerivedKeys| {
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut buffer = ciphertext.to_vec();
            let plaintext = keys.encryption.open_in_place(nonce, Aad::from(context), &mut buffer).ok()?;
            Some(SecretSlice::from(plaintext.to_vec()))
        };
        if let Some(plaintext) = decrypt(&self.current) {
            return Some(Decrypted { plaintext, under: EncryptedUnder::Current });
        }
        self.previous.iter().find_map(|keys| {
            let under = if keys.verifies_sessions { EncryptedUnder::Previous } else { EncryptedUnder::Compromised };
            decrypt(keys).map(|plaintext| Decrypted { plaintext, under })
        })
    }
}

/// Returns the key that encrypts, from the 32 bytes that are derived from a secret.
pub(super) fn key(bytes: &[u8; 32]) -> RandomizedNonceKey {
    RandomizedNonceKey::new(&AES_256_GCM, bytes).expect("a key of AES-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use secrecy::{ExposeSecret, SecretString};

    use super::*;
    use crate::keys::PreviousSecret;

    fn keys(secret: &str, previous: &[(&str, bool)]) -> Keys {
        let previous = previous.iter().map(|(secret, verifies_sessions)| PreviousSecret {
            secret: SecretString::from(*secret),
            verifies_sessions: *verifies_sessions,
        });
        Keys::new(&SecretString::from(secret), &previous.collect::<Vec<_>>())
    }

    #[test]
    fn value_is_decrypted_in_its_context_only() {
        let keys = keys("one", &[]);
        let encrypted = keys.encrypt("app wiki", b"value");
        let decrypted = keys.decrypt("app wiki", &encrypted).unwrap();
        assert_eq!((decrypted.plaintext.expose_secret(), decrypted.under), (&b"value"[..], EncryptedUnder::Current));
        assert!(keys.decrypt("app blog", &encrypted).is_none());
        assert_ne!(encrypted, keys.encrypt("app wiki", b"value"), "the nonce is new each time");
    }

    #[test]
    fn any_changed_or_missing_byte_makes_a_value_invalid() {
        let keys = keys("one", &[]);
        let encrypted = keys.encrypt("", b"value");
        for position in 0..encrypted.len() {
            let mut changed = encrypted.clone();
            changed[position] ^= 1;
            assert!(keys.decrypt("", &changed).is_none(), "byte {position}");
            assert!(keys.decrypt("", &encrypted[..position]).is_none(), "cut at {position}");
        }
    }

    #[test]
    fn value_of_a_previous_secret_is_decrypted_and_told() {
        let encrypted = keys("one", &[]).encrypt("", b"value");
        for (secret, previous, under) in [
            ("two", &[("one", true)][..], Some(EncryptedUnder::Previous)),
            ("two", &[("one", false)], Some(EncryptedUnder::Compromised)),
            ("two", &[("three", true)], None),
        ] {
            assert_eq!(keys(secret, previous).decrypt("", &encrypted).map(|it| it.under), under);
        }
    }
}
