//! The keys that sign access tokens, and their public parts for applications (RFC 7517).
//!
//! The private keys are in the database, encrypted under the signing secret, so that all processes share them. A key
//! signs for [`SIGNS_FOR`]. Its successor is published a day before it signs, because applications cache the keys, and
//! the key stays published until its last token has expired. A key of a previous secret is replaced in the same way;
//! one of a secret that others may know is not used any more, and its successor signs at once.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header,
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use parking_lot::RwLock;
use secrecy::ExposeSecret;

use super::store::{self, Row};
use crate::{
    clock::Timestamp,
    core::Core,
    db::{self, AnyConnection, QueryResult},
    keys::{EncryptedUnder, Keys},
};

const DAY: Duration = Duration::from_hours(24);
/// How long a key signs.
const SIGNS_FOR: Duration = Duration::from_hours(90 * 24);
/// How long a key is published before it signs.
const PUBLISHED_BEFORE: Duration = DAY;
/// How long a key is published after its successor has begun to sign: longer than any access token is valid.
const PUBLISHED_AFTER: Duration = Duration::from_hours(2 * 24);
/// A key that cannot be decrypted is deleted when no process can need it: a server that was not restarted since the
/// secret was replaced.
const UNREADABLE_FOR: Duration = Duration::from_hours(180 * 24);

/// A key pair of ES256.
pub(super) struct SigningKey {
    /// The JWT header of its tokens.
    pub(super) header: Header,
    /// The same in base64url, as it stands in a token.
    header_text: String,
    pub(super) signer: EncodingKey,
    pub(super) verifier: DecodingKey,
    jwk: Jwk,
    signs_from: Timestamp,
    under: EncryptedUnder,
}

impl SigningKey {
    /// Returns the key of a PKCS #8 document; `None` if it is none.
    fn parse(pkcs8: &[u8], signs_from: Timestamp, under: EncryptedUnder) -> Option<Self> {
        let signer = EncodingKey::from_ec_der(pkcs8);
        let mut jwk = Jwk::from_encoding_key(&signer, Algorithm::ES256).ok()?;
        let verifier = DecodingKey::from_jwk(&jwk).ok()?;
        let id = jwk.thumbprint(ThumbprintHash::SHA256).ok()?;
        jwk.common.key_id = Some(id.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let mut header = Header::new(Algorithm::ES256);
        // RFC 9068, 2.1.
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(id);
        let header_text = BASE64.encode(serde_json::to_vec(&header).ok()?);
        Some(Self { header, header_text, signer, verifier, jwk, signs_from, under })
    }

    fn id(&self) -> &str {
        self.header.kid.as_deref().unwrap_or_default()
    }
}

/// The keys that are published, the oldest first.
pub(super) struct KeySet {
    keys: Vec<SigningKey>,
    /// The public keys as JSON (RFC 7517, 5).
    pub(super) json: String,
}

impl KeySet {
    fn new(keys: Vec<SigningKey>) -> Self {
        let jwks = JwkSet { keys: keys.iter().map(|key| key.jwk.clone()).collect() };
        Self { json: serde_json::to_string(&jwks).unwrap_or_default(), keys }
    }

    /// Returns the key that signs at `now`: the newest that has begun, or the first if none has.
    pub(super) fn signer(&self, now: Timestamp) -> Option<&SigningKey> {
        self.keys.iter().rfind(|key| key.signs_from <= now).or(self.keys.first())
    }

    /// Returns the key whose tokens have this header. Headers are compared as bytes and never parsed, so a client
    /// cannot choose the algorithm.
    pub(super) fn verifier(&self, header: &[u8]) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.header_text.as_bytes() == header)
    }

    /// Returns when a new key has to sign, if one is needed by now.
    fn successor_signs_from(&self, now: Timestamp) -> Option<Timestamp> {
        let Some(newest) = self.keys.last() else { return Some(now) };
        let is_due = now >= newest.signs_from.plus(SIGNS_FOR).minus(PUBLISHED_BEFORE);
        (is_due || newest.under != EncryptedUnder::Current).then(|| now.plus(PUBLISHED_BEFORE))
    }
}

/// All signing keys.
pub(super) struct SigningKeys {
    core: Core,
    /// Those that were read last; `None` before the first time.
    current: RwLock<Option<Arc<KeySet>>>,
}

impl SigningKeys {
    pub(super) fn new(core: Core) -> Self {
        Self { core, current: RwLock::new(None) }
    }

    /// Returns the keys as they were read last. Never changes them, because a GET asks for them.
    pub(super) async fn current(&self) -> Result<Arc<KeySet>, db::Error> {
        let current = self.current.read().clone();
        match current {
            Some(keys) => Ok(keys),
            None => Ok(self.keep(&self.core.database.read(store::load).await?)),
        }
    }

    /// Returns the keys as they were read last, with a new one if there was none that signs at `now`.
    pub(super) async fn for_signing(&self, now: Timestamp) -> Result<Arc<KeySet>, db::Error> {
        let keys = self.current().await?;
        if keys.signer(now).is_some() { Ok(keys) } else { self.maintain().await }
    }

    fn keep(&self, rows: &[Row]) -> Arc<KeySet> {
        let keys = Arc::new(readable(&self.core.keys, rows));
        *self.current.write() = Some(Arc::clone(&keys));
        keys
    }

    /// Reads the keys, and creates and deletes some if it is time.
    pub(super) async fn maintain(&self) -> Result<Arc<KeySet>, db::Error> {
        let now = self.core.clock.now();
        let mut rows = self.core.database.read(store::load).await?;
        if Changes::due(&self.core.keys, &rows, now).is_any() {
            let keys = Arc::clone(&self.core.keys);
            rows = self.core.database.write(move |conn| change(conn, &keys, now)).await?;
        }
        Ok(self.keep(&rows))
    }
}

/// Returns the keys of rows that can be decrypted, and whose secret is not known to others.
fn readable(keys: &Keys, rows: &[Row]) -> KeySet {
    let parse = |row: &Row| {
        let decrypted = keys.decrypt(&context(&row.id), &row.private_key)?;
        let key = SigningKey::parse(decrypted.plaintext.expose_secret(), row.signs_from, decrypted.under)?;
        (decrypted.under != EncryptedUnder::Compromised && key.id() == row.id).then_some(key)
    };
    KeySet::new(rows.iter().filter_map(parse).collect())
}

/// Binds an encrypted key to its row.
fn context(id: &str) -> String {
    format!("signing key {id}")
}

/// What has to be done to the rows.
struct Changes {
    /// When a new key has to sign.
    new_signs_from: Option<Timestamp>,
    /// Keys that no valid token needs.
    obsolete: Vec<String>,
}

impl Changes {
    fn due(keys: &Keys, rows: &[Row], now: Timestamp) -> Self {
        let readable = readable(keys, rows);
        let succeeded = readable.keys.windows(2).filter(|pair| now >= pair[1].signs_from.plus(PUBLISHED_AFTER));
        let succeeded = succeeded.map(|pair| pair[0].id().to_owned());
        let is_readable = |row: &Row| readable.keys.iter().any(|key| key.id() == row.id);
        let unreadable = rows.iter().filter(|row| !is_readable(row) && now >= row.signs_from.plus(UNREADABLE_FOR));
        let obsolete = succeeded.chain(unreadable.map(|row| row.id.clone())).collect();
        Self { new_signs_from: readable.successor_signs_from(now), obsolete }
    }

    fn is_any(&self) -> bool {
        self.new_signs_from.is_some() || !self.obsolete.is_empty()
    }
}

/// Does what is due, unless another process has done it. Returns the rows after it.
fn change(conn: &mut AnyConnection, keys: &Keys, now: Timestamp) -> QueryResult<Vec<Row>> {
    store::lock(conn)?;
    let changes = Changes::due(keys, &store::load(conn)?, now);
    if let Some(signs_from) = changes.new_signs_from {
        store::insert(conn, &generate(keys, signs_from))?;
    }
    store::delete(conn, &changes.obsolete)?;
    store::load(conn)
}

fn generate(keys: &Keys, signs_from: Timestamp) -> Row {
    let pkcs8 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
        .and_then(|pair| pair.to_pkcs8v1())
        .expect("a key pair can be generated");
    let key = SigningKey::parse(pkcs8.as_ref(), signs_from, EncryptedUnder::Current).expect("it is a key pair");
    let id = key.id().to_owned();
    Row { private_key: keys.encrypt(&context(&id), pkcs8.as_ref()), id, signs_from }
}
