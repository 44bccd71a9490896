//! The signing secret and the keys derived from it, one for each purpose, so that what was signed for one use is
//! worthless for another. Knows nothing of what is signed but the header that names the key of a token.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use aws_lc_rs::{
    hkdf::{HKDF_SHA256, Prk, Salt},
    hmac::{self, HMAC_SHA256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    config::{ConfigError, Settings},
    random,
};

/// 256 bits, what HS256 wants of its key at least (RFC 7518, 3.2).
const SECRET_BYTES: usize = 32;

/// What is signed with a key of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The hidden field of signed-in forms.
    Form,
    /// The cookie of a browser that has signed in before.
    Device,
    /// The cookie that carries a message over a redirect.
    Flash,
    /// Names of people who do not exist, so that they need not be kept in clear.
    Name,
}

impl Purpose {
    const ALL: [Self; 4] = [Self::Form, Self::Device, Self::Flash, Self::Name];

    fn label(self) -> &'static str {
        match self {
            Self::Form => "gatehouse form v1",
            Self::Device => "gatehouse device v1",
            Self::Flash => "gatehouse flash v1",
            Self::Name => "gatehouse name v1",
        }
    }
}

/// All keys: those that sign, and former ones that only verify.
pub struct Keys {
    current: Derived,
    previous: Vec<Derived>,
}

struct Derived {
    id: String,
    sign_token: EncodingKey,
    token: TokenVerifier,
    macs: [hmac::Key; Purpose::ALL.len()],
}

/// One key that session tokens may be signed with.
pub struct TokenVerifier {
    header: String,
    mac: hmac::Key,
    /// The same key, for the library that reads tokens.
    pub decoding: DecodingKey,
}

impl TokenVerifier {
    /// Whether `signature` was made for `message` with this key. Takes the same time wherever it is wrong.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        hmac::verify(&self.mac, message, signature).is_ok()
    }
}

impl Derived {
    fn from_secret(secret: &[u8]) -> Self {
        let root = Salt::new(HKDF_SHA256, b"gatehouse").extract(secret);
        let token = expand::<32>(&root, "gatehouse session token v1");
        let id = BASE64.encode(expand::<6>(&root, "gatehouse key id v1"));
        let header = serde_json::to_vec(&token_header(&id)).expect("a header is JSON");
        Self {
            id,
            sign_token: EncodingKey::from_secret(&token),
            token: TokenVerifier {
                header: BASE64.encode(header),
                mac: hmac::Key::new(HMAC_SHA256, &token),
                decoding: DecodingKey::from_secret(&token),
            },
            macs: Purpose::ALL.map(|purpose| hmac::Key::new(HMAC_SHA256, &expand::<32>(&root, purpose.label()))),
        }
    }

    fn mac(&self, purpose: Purpose) -> &hmac::Key {
        &self.macs[purpose as usize]
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
        .expect("HKDF-SHA256 gives up to 8160 bytes (RFC 5869, 2.3)");
    key
}

impl Keys {
    /// Reads the secrets that `settings` name; makes and keeps one at the first start.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        let secret = match (&settings.secret, &settings.secret_file) {
            (Some(secret), _) => check("GATEHOUSE_SECRET", secret.clone())?,
            (None, Some(file)) => {
                let secret = read_secret(file).map_err(|problem| ConfigError::new("GATEHOUSE_SECRET_FILE", problem))?;
                check("GATEHOUSE_SECRET_FILE", secret)?
            }
            (None, None) => {
                let file = settings.data_dir.join("secret.key");
                let fail = |problem| ConfigError::new("GATEHOUSE_DATA_DIR", problem);
                make_secret(&file)
                    .map_err(|error| fail(format!("cannot make the secret {}: {error}", file.display())))?;
                check("GATEHOUSE_DATA_DIR", read_secret(&file).map_err(fail)?)?
            }
        };
        let previous = settings
            .previous_secrets
            .iter()
            .filter(|secret| !secret.expose_secret().is_empty())
            .map(|secret| check("GATEHOUSE_PREVIOUS_SECRETS", secret.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(&secret, &previous))
    }

    fn new(secret: &SecretString, previous: &[SecretString]) -> Self {
        let derive = |secret: &SecretString| Derived::from_secret(secret.expose_secret().as_bytes());
        Self { current: derive(secret), previous: previous.iter().map(derive).collect() }
    }

    fn all(&self) -> impl Iterator<Item = &Derived> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    /// The key that signs session tokens, and the header that goes with it.
    #[must_use]
    pub fn token_signer(&self) -> (Header, &EncodingKey) {
        (token_header(&self.current.id), &self.current.sign_token)
    }

    /// The key for session tokens with this header, in base64url, if it is one of ours. The header is compared and not
    /// read: what algorithm or key a stranger would like has no say.
    #[must_use]
    pub fn token_verifier(&self, header: &[u8]) -> Option<&TokenVerifier> {
        self.all().map(|keys| &keys.token).find(|token| token.header.as_bytes() == header)
    }

    /// A tag over `message` that is worthless for any other purpose.
    #[must_use]
    pub fn tag(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(self.current.mac(purpose), message).as_ref());
        tag
    }

    /// Whether `tag` was made for `message` and `purpose`, now or before a rotation. Takes the same time wherever the
    /// tag is wrong.
    #[must_use]
    pub fn verifies(&self, purpose: Purpose, message: &[u8], tag: &[u8]) -> bool {
        self.all().any(|keys| hmac::verify(keys.mac(purpose), message, tag).is_ok())
    }

    /// `message` with its tag, in letters that a cookie or a form field may hold.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, message: &[u8]) -> String {
        format!("{}.{}", BASE64.encode(message), BASE64.encode(self.tag(purpose, message)))
    }

    /// The message inside of what [`Keys::seal`] returned; `None` for anything else.
    #[must_use]
    pub fn open(&self, purpose: Purpose, sealed: &[u8]) -> Option<Vec<u8>> {
        let dot = sealed.iter().position(|byte| *byte == b'.')?;
        let message = BASE64.decode(&sealed[..dot]).ok()?;
        let tag = BASE64.decode(&sealed[dot + 1..]).ok()?;
        self.verifies(purpose, &message, &tag).then_some(message)
    }
}

/// Refuses a secret that can be guessed: the shortest that HS256 should have, and one from a README or a tutorial.
fn check(setting: &'static str, secret: SecretString) -> Result<SecretString, ConfigError> {
    // A random secret of 32 hexadecimal digits has 10^38 equals, "changeme" four times over has a few thousand.
    const FEWEST_GUESSES_LOG10: f64 = 18.0;
    let text = secret.expose_secret();
    if text.len() < SECRET_BYTES {
        return Err(ConfigError::new(
            setting,
            format!(
                "the secret has {} bytes; it needs {SECRET_BYTES} at least, for example from: openssl rand -hex 32",
                text.len()
            ),
        ));
    }
    if zxcvbn::zxcvbn(text, &["gatehouse"]).guesses_log10() < FEWEST_GUESSES_LOG10 {
        return Err(ConfigError::new(
            setting,
            "the secret looks like a sample; it has to be random, for example from: openssl rand -hex 32",
        ));
    }
    Ok(secret)
}

fn read_secret(file: &Path) -> Result<SecretString, String> {
    let show = |error: io::Error| format!("cannot read {}: {error}", file.display());
    let mode = fs::metadata(file).map_err(show)?.mode();
    // Others in the group may be meant to read it (a service manager's credentials); the rest of the world is not.
    if mode & 0o007 != 0 {
        return Err(format!("{} can be opened by every user of this machine; run: chmod 600 {0}", file.display()));
    }
    let text = fs::read_to_string(file).map_err(show)?;
    Ok(SecretString::from(text.trim()))
}

/// Makes a secret unless there is one. Whole or not at all: the file gets its name when its content is safe on disk, so
/// that of two processes that start at once both read the same.
fn make_secret(file: &Path) -> io::Result<()> {
    if file.exists() {
        return Ok(());
    }
    let folder = file.parent().unwrap_or(Path::new("."));
    let draft = folder.join(format!("secret.{:x}.new", u64::from_ne_bytes(random::bytes())));
    let secret = BASE64.encode(random::bytes::<SECRET_BYTES>());
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).and_then(|mut open| {
        writeln!(open, "{secret}")?;
        open.sync_all()
    });
    let linked = written.and_then(|()| fs::hard_link(&draft, file));
    // What matters is why it was not made, not that there is nothing to remove then.
    let _ = fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    fn keys(secret_: &str, previous: &[&str]) -> Keys {
        let previous: Vec<_> = previous.iter().map(|text| secret(text)).collect();
        Keys::new(&secret(secret_), &previous)
    }

    #[test]
    fn a_short_or_sample_secret_is_refused_and_not_repeated() {
        for text in [
            "",
            "changeme",
            "0123456789abcdef0123456789abcde",
            "changemechangemechangemechangeme",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "00000000000000000000000000000000",
            "passwordpasswordpasswordpassword",
        ] {
            let error = check("GATEHOUSE_SECRET", secret(text)).unwrap_err().to_string();
            assert!(error.starts_with("GATEHOUSE_SECRET: "), "{error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }

    #[test]
    fn a_random_secret_is_accepted() {
        for _ in 0..100 {
            let hex = format!("{:032x}", u128::from_ne_bytes(random::bytes()));
            assert!(check("GATEHOUSE_SECRET", secret(&hex)).is_ok(), "{hex}");
            let text = BASE64.encode(random::bytes::<24>());
            assert!(check("GATEHOUSE_SECRET", secret(&text)).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_was_sealed_for_one_purpose_does_not_open_for_another() {
        let keys = keys("one", &[]);
        let sealed = keys.seal(Purpose::Device, b"message");
        assert_eq!(keys.open(Purpose::Device, sealed.as_bytes()).unwrap(), b"message");
        assert_eq!(keys.open(Purpose::Flash, sealed.as_bytes()), None);
    }

    #[test]
    fn one_changed_letter_anywhere_closes_a_seal() {
        let keys = keys("one", &[]);
        let sealed = keys.seal(Purpose::Device, b"message").into_bytes();
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            // The last letter of unpadded base64 has spare bits, which the decoder refuses or which change the tag.
            assert_eq!(keys.open(Purpose::Device, &changed), None, "position {position}");
        }
        assert_eq!(keys.open(Purpose::Device, b""), None);
        assert_eq!(keys.open(Purpose::Device, b"."), None);
    }

    #[test]
    fn a_previous_secret_verifies_and_does_not_sign() {
        let old = keys("one", &[]);
        let rotated = keys("two", &["one"]);
        let sealed = old.seal(Purpose::Form, b"message");
        assert!(rotated.open(Purpose::Form, sealed.as_bytes()).is_some());
        assert!(rotated.token_verifier(old.current.token.header.as_bytes()).is_some());
        assert_eq!(old.open(Purpose::Form, rotated.seal(Purpose::Form, b"message").as_bytes()), None);
        assert!(old.token_verifier(rotated.current.token.header.as_bytes()).is_none());
    }

    #[test]
    fn the_secret_is_made_once_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        make_secret(&file).unwrap();
        let first = fs::read_to_string(&file).unwrap();
        make_secret(&file).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), first);
        assert_eq!(BASE64.decode(first.trim()).unwrap().len(), SECRET_BYTES);
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_secret_that_everybody_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        make_secret(&file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read_secret(&file).unwrap_err().contains("chmod 600"));
    }
}
