//! The signing secret and the keys derived from it. Each purpose has its own key, so a signature for one purpose is
//! invalid for all others.

mod encryption;
mod rotation;
mod secret_file;

use std::path::{Path, PathBuf};

use aws_lc_rs::{
    aead::RandomizedNonceKey,
    hkdf::{HKDF_SHA256, Prk, Salt},
    hmac::{self, HMAC_SHA256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use strum::VariantArray;

use self::secret_file::check_strength;
pub(crate) use self::{
    encryption::{Decrypted, EncryptedUnder},
    rotation::{RotationError, rotate},
};
use crate::{
    clock::Timestamp,
    config::{ConfigError, Settings},
};

/// What a signature is for. Each purpose has a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, VariantArray)]
pub enum Purpose {
    /// The CSRF token of forms for signed-in users.
    Form,
    /// The device cookie of a browser that has signed in before.
    Device,
    /// The flash cookie, which carries a message over a redirect.
    Flash,
    /// Hashes of unknown and reserved names, so that the database does not store them in clear text.
    Name,
    /// Hashes of networks in the names of counters. Without a key, all IPv4 addresses could be tried in minutes.
    Network,
    /// Names of sessions in URLs, which end up in the logs of proxies.
    SessionHandle,
    /// Refresh tokens of the JSON API.
    RefreshToken,
    /// The cookie of a browser at an application behind a reverse proxy.
    AppSession,
    /// What a browser brings back from the way through the sign-in page to an application.
    Handover,
    /// The choice of the work that an unknown name costs, among the password hashes of all accounts.
    StandIn,
    /// Names of the keys of Flask-Security.
    FlaskSecurityKey,
    /// The question of `gatehouse doctor` to a running server, and the answer.
    Doctor,
}

impl Purpose {
    /// The HKDF info. A changed label invalidates all existing signatures of the purpose.
    fn label(self) -> &'static str {
        match self {
            Self::Form => "gatehouse form v1",
            Self::Device => "gatehouse device v1",
            Self::Flash => "gatehouse flash v1",
            Self::Name => "gatehouse name v1",
            Self::Network => "gatehouse network v1",
            Self::SessionHandle => "gatehouse session handle v1",
            Self::RefreshToken => "gatehouse refresh token v1",
            Self::AppSession => "gatehouse app session v1",
            Self::Handover => "gatehouse handover v1",
            Self::StandIn => "gatehouse stand-in v1",
            Self::FlaskSecurityKey => "gatehouse flask-security key v1",
            Self::Doctor => "gatehouse doctor v1",
        }
    }
}

/// A secret for the tests of what signs and verifies.
#[cfg(test)]
pub(crate) const TEST_SECRET: &str = "b7c01e2f5d9a4c6880f3e1d2a5b49c7e6f";

/// The keys of the current secret, which sign and verify, and those of previous secrets, which only verify.
pub struct Keys {
    current: DerivedKeys,
    previous: Vec<DerivedKeys>,
}

/// A secret that only verifies.
struct PreviousSecret {
    secret: SecretString,
    /// Whether its session tokens are accepted. Not after all sessions were ended.
    verifies_sessions: bool,
}

/// The keys derived from one secret.
struct DerivedKeys {
    id: String,
    verifies_sessions: bool,
    token_signer: EncodingKey,
    token_verifier: TokenVerifier,
    encryption: RandomizedNonceKey,
    /// One for each [`Purpose`], in the order of the variants.
    macs: Vec<hmac::Key>,
}

/// A key that verifies session tokens.
pub struct TokenVerifier {
    /// The JWT header of tokens that are signed with this key, in base64url.
    header: String,
    mac: hmac::Key,
    /// The same key in the form that `jsonwebtoken` needs.
    pub decoding: DecodingKey,
}

impl TokenVerifier {
    /// Whether `signature` is valid for `message`. Compares in constant time.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        hmac::verify(&self.mac, message, signature).is_ok()
    }
}

impl DerivedKeys {
    fn from_secret(secret: &SecretString, verifies_sessions: bool) -> Self {
        let root = Salt::new(HKDF_SHA256, b"gatehouse").extract(secret.expose_secret().as_bytes());
        let token = expand::<32>(&root, "gatehouse session token v1");
        let id = BASE64.encode(expand::<6>(&root, "gatehouse key id v1"));
        let header = serde_json::to_vec(&token_header(&id)).expect("a header has only strings as keys");
        Self {
            id,
            verifies_sessions,
            token_signer: EncodingKey::from_secret(&token),
            token_verifier: TokenVerifier {
                header: BASE64.encode(header),
                mac: hmac::Key::new(HMAC_SHA256, &token),
                decoding: DecodingKey::from_secret(&token),
            },
            encryption: encryption::key(&expand(&root, "gatehouse encryption v1")),
            macs: Purpose::VARIANTS
                .iter()
                .map(|purpose| hmac::Key::new(HMAC_SHA256, &expand::<32>(&root, purpose.label())))
                .collect(),
        }
    }

    fn mac(&self, purpose: Purpose) -> &hmac::Key {
        &self.macs[purpose as usize]
    }

    fn tag(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(self.mac(purpose), message).as_ref());
        tag
    }
}

fn token_header(id: &str) -> Header {
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(id.to_owned());
    header
}

fn expand<const N: usize>(root: &Prk, label: &str) -> [u8; N] {
    struct Length(usize);
    impl aws_lc_rs::hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut key = [0; N];
    root.expand(&[label.as_bytes()], Length(N))
        .and_then(|okm| okm.fill(&mut key))
        .expect("HKDF-SHA256 returns up to 8160 bytes (RFC 5869, 2.3)");
    key
}

impl Keys {
    /// Reads the secrets from `settings` and their files. Creates the secret in the data folder if none is configured
    /// and none exists.
    pub fn load(settings: &Settings, now: Timestamp) -> Result<Self, ConfigError> {
        if let Some(file) = Self::missing_file(settings) {
            secret_file::create_if_missing(&file).map_err(|error| {
                let file = file.display();
                ConfigError::new("GATEHOUSE_DATA_DIR", format!("cannot create the secret {file}: {error}"))
            })?;
        }
        Self::load_existing(settings, now)
    }

    /// Reads the secrets from `settings` and their files.
    pub fn load_existing(settings: &Settings, now: Timestamp) -> Result<Self, ConfigError> {
        let read = |setting, file: &Path| {
            let secret = secret_file::read(file).map_err(|message| ConfigError::new(setting, message))?;
            check_strength(setting, secret)
        };
        let mut former = Vec::new();
        let secret = match (&settings.secret, &settings.secret_file) {
            (Some(secret), _) => check_strength("GATEHOUSE_SECRET", secret.clone())?,
            (None, Some(file)) => read("GATEHOUSE_SECRET_FILE", file)?,
            (None, None) => {
                let file = secret_file::default(settings);
                let secret = read("GATEHOUSE_DATA_DIR", &file)?;
                // After the secret: a rotation in between leaves it in both files, and not in neither.
                former = rotation::read(&file, settings, now)?;
                secret
            }
        };
        let configured = settings.previous_secrets.iter().filter(|secret| !secret.expose_secret().is_empty());
        for secret in configured {
            let secret = check_strength("GATEHOUSE_PREVIOUS_SECRETS", secret.clone())?;
            former.push(PreviousSecret { secret, verifies_sessions: true });
        }
        Ok(Self::new(&secret, &former))
    }

    /// Returns the file that [`Keys::load`] would create.
    #[must_use]
    pub fn missing_file(settings: &Settings) -> Option<PathBuf> {
        let is_configured = settings.secret.is_some() || settings.secret_file.is_some();
        Some(secret_file::default(settings)).filter(|file| !is_configured && !file.exists())
    }

    /// Returns the keys of [`TEST_SECRET`].
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self::new(&SecretString::from(TEST_SECRET), &[])
    }

    fn new(secret: &SecretString, previous: &[PreviousSecret]) -> Self {
        Self {
            current: DerivedKeys::from_secret(secret, true),
            previous: previous
                .iter()
                .map(|previous| DerivedKeys::from_secret(&previous.secret, previous.verifies_sessions))
                .collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = &DerivedKeys> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    /// Returns the key that signs session tokens, and the JWT header for it.
    #[must_use]
    pub fn token_signer(&self) -> (Header, &EncodingKey) {
        (token_header(&self.current.id), &self.current.token_signer)
    }

    /// Returns the key whose tokens have this JWT header (in base64url), or `None` if no key has it. Headers are
    /// compared as bytes and never parsed, so a client cannot choose the algorithm.
    #[must_use]
    pub fn token_verifier(&self, header: &[u8]) -> Option<&TokenVerifier> {
        self.all()
            .filter(|keys| keys.verifies_sessions)
            .map(|keys| &keys.token_verifier)
            .find(|verifier| verifier.header.as_bytes() == header)
    }

    /// Returns the HMAC-SHA256 of `message` with the key for `purpose`.
    #[must_use]
    pub fn tag(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
        self.current.tag(purpose, message)
    }

    /// Returns the tags of `message` with the current and all previous secrets, the current one first: what was stored
    /// under a previous secret is still found.
    #[must_use]
    pub fn all_tags(&self, purpose: Purpose, message: &[u8]) -> Vec<[u8; 32]> {
        self.all().map(|keys| keys.tag(purpose, message)).collect()
    }

    /// Whether `tag` is valid for `message` and `purpose` with the current or a previous secret. Compares in constant
    /// time.
    #[must_use]
    pub fn verifies(&self, purpose: Purpose, message: &[u8], tag: &[u8]) -> bool {
        self.all().any(|keys| hmac::verify(keys.mac(purpose), message, tag).is_ok())
    }

    /// Returns `message` and its tag in base64url, which cookies and form fields can carry. The message is signed, not
    /// encrypted.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, message: &[u8]) -> String {
        format!("{}.{}", BASE64.encode(message), BASE64.encode(self.tag(purpose, message)))
    }

    /// Returns the message that [`Keys::seal`] sealed for `purpose`, or `None` if the tag is invalid.
    #[must_use]
    pub fn open(&self, purpose: Purpose, sealed: &[u8]) -> Option<Vec<u8>> {
        let dot = sealed.iter().position(|byte| *byte == b'.')?;
        let message = BASE64.decode(&sealed[..dot]).ok()?;
        let tag = BASE64.decode(&sealed[dot + 1..]).ok()?;
        self.verifies(purpose, &message, &tag).then_some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secret: &str, previous: &[&str]) -> Keys {
        let previous: Vec<_> = previous
            .iter()
            .map(|text| PreviousSecret { secret: SecretString::from(*text), verifies_sessions: true })
            .collect();
        Keys::new(&SecretString::from(secret), &previous)
    }

    #[test]
    fn seal_for_one_purpose_does_not_open_for_another() {
        let keys = keys("one", &[]);
        let sealed = keys.seal(Purpose::Device, b"message");
        assert_eq!(keys.open(Purpose::Device, sealed.as_bytes()).unwrap(), b"message");
        assert_eq!(keys.open(Purpose::Flash, sealed.as_bytes()), None);
    }

    #[test]
    fn any_changed_byte_invalidates_the_tag() {
        let keys = keys("one", &[]);
        let sealed = keys.seal(Purpose::Device, b"message").into_bytes();
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            // The last character of unpadded base64 has unused bits, which the decoder rejects unless they are zero.
            assert_eq!(keys.open(Purpose::Device, &changed), None, "position {position}");
        }
        assert_eq!(keys.open(Purpose::Device, b""), None);
        assert_eq!(keys.open(Purpose::Device, b"."), None);
    }

    #[test]
    fn previous_secret_verifies_but_never_signs() {
        let old = keys("one", &[]);
        let rotated = keys("two", &["one"]);
        let sealed = old.seal(Purpose::Form, b"message");
        assert!(rotated.open(Purpose::Form, sealed.as_bytes()).is_some());
        assert!(rotated.token_verifier(old.current.token_verifier.header.as_bytes()).is_some());
        assert_eq!(old.open(Purpose::Form, rotated.seal(Purpose::Form, b"message").as_bytes()), None);
        assert!(old.token_verifier(rotated.current.token_verifier.header.as_bytes()).is_none());
    }
}
