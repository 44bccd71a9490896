//! The session token: a JWT that names a session and says nothing about the person. Signs, verifies and decodes;
//! whether the token has expired is up to the clock, and whether the session is active, up to its row.

use std::time::Duration;

use aws_lc_rs::digest::{Digest, SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, Validation, encode};
use memchr::{memchr, memrchr};
use serde::{Deserialize, Serialize};

use super::SessionId;
use crate::{
    apps::AppId,
    clock::Timestamp,
    identity::AccountId,
    keys::{Keys, TokenVerifier},
};

const ISSUER: &str = "gatehouse";
const AUDIENCE: &str = "gatehouse browser";
const TYPE: &str = "session";
/// How far the clocks of two processes may differ (the library's default is a minute).
const LEEWAY: Duration = Duration::from_secs(5);

/// The claims (RFC 7519). Times are whole seconds; a fraction of a second makes a token invalid.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    /// The account's id.
    sub: AccountId,
    sid: SessionId,
    iat: i64,
    exp: i64,
    /// The purpose of the token (RFC 8725, 3.11), so that a token for another purpose is never a session.
    typ: String,
}

/// The claims that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// The session.
    pub session: SessionId,
    /// Its owner.
    pub account: AccountId,
    /// When the token expires, to the second.
    pub expires_at: Timestamp,
}

/// The token was not signed by this server, or is not a session token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InvalidToken;

/// Identifies a token that was verified: the HMAC-SHA256 of a session token, or the SHA-256 of an access token or of a
/// cookie at an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TokenDigest(pub(super) [u8; 32]);

impl TokenDigest {
    /// Returns the digest of an access token.
    #[must_use]
    pub fn of_access_token(token: &[u8]) -> Self {
        Self::of(digest(&SHA256, token))
    }

    /// Returns the digest of the cookie of a browser at `app`. No access token has it, because none has a zero byte.
    pub(super) fn of_app_cookie(app: &AppId, cookie: &[u8]) -> Self {
        Self::of(digest(&SHA256, &[app.as_str().as_bytes(), b"\0", cookie].concat()))
    }

    fn of(digest: Digest) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

/// Returns the bytes before and after `position`.
fn split(text: &[u8], position: Option<usize>) -> Option<(&[u8], &[u8])> {
    position.map(|position| (&text[..position], &text[position + 1..]))
}

/// Signs, verifies and decodes tokens.
pub(super) struct Tokens {
    validation: Validation,
}

impl Default for Tokens {
    fn default() -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Checked against the injected clock, each time the token is sent.
        validation.validate_exp = false;
        Self { validation }
    }
}

impl Tokens {
    /// Returns the text of a token that is issued at `now`.
    #[must_use]
    pub(super) fn sign(keys: &Keys, token: Token, now: Timestamp) -> String {
        let (header, key) = keys.token_signer();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: token.account,
            sid: token.session,
            iat: now.as_seconds(),
            exp: token.expires_at.as_seconds(),
            typ: TYPE.to_owned(),
        };
        encode(&header, &claims, key).expect("strings and integers are JSON, and HMAC signs any bytes")
    }

    /// Returns the signature of `text` and its key, if this server signed it. Comes first, for every request: text that
    /// this server did not sign is not parsed.
    pub(super) fn verify<'a>(keys: &'a Keys, text: &[u8]) -> Result<(TokenDigest, &'a TokenVerifier), InvalidToken> {
        let (message, signature) = split(text, memrchr(b'.', text)).ok_or(InvalidToken)?;
        let (header, _claims) = split(message, memchr(b'.', message)).ok_or(InvalidToken)?;
        let key = keys.token_verifier(header).ok_or(InvalidToken)?;
        let mut bytes = [0; 32];
        match BASE64.decode_slice(signature, &mut bytes) {
            Ok(32) if key.verifies(message, &bytes) => Ok((TokenDigest(bytes), key)),
            _ => Err(InvalidToken),
        }
    }

    /// Returns the claims of `text`, whose signature was verified with `key`.
    pub(super) fn decode(&self, key: &TokenVerifier, text: &[u8], now: Timestamp) -> Result<Token, InvalidToken> {
        let claims: Claims =
            jsonwebtoken::decode(text, &key.decoding, &self.validation).map_err(|_| InvalidToken)?.claims;
        if claims.typ != TYPE || Timestamp::from_seconds(claims.iat) > now.plus(LEEWAY) {
            return Err(InvalidToken);
        }
        Ok(Token { session: claims.sid, account: claims.sub, expires_at: Timestamp::from_seconds(claims.exp) })
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::EncodingKey;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::{keys::TEST_SECRET, sessions::claim::Claim};

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn keys() -> Keys {
        Keys::for_tests()
    }

    fn token() -> Token {
        Token { session: SessionId::new(), account: AccountId::new(), expires_at: NOW.plus(Duration::from_mins(1)) }
    }

    fn claims() -> Value {
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": AccountId::new(), "sid": SessionId::new(),
            "iat": NOW.as_seconds(), "exp": NOW.as_seconds() + 60, "typ": TYPE,
        })
    }

    fn header() -> String {
        serde_json::to_string(&keys().token_signer().0).unwrap()
    }

    /// Signed with the right key, whatever the header says.
    fn forge(header: &str, claims: &Value) -> String {
        let message = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims.to_string()));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), keys().token_signer().1, Algorithm::HS256).unwrap();
        format!("{message}.{signature}")
    }

    fn verify(text: &[u8]) -> Result<Token, InvalidToken> {
        let keys = keys();
        let (_, key) = Tokens::verify(&keys, text)?;
        Tokens::default().decode(key, text, NOW)
    }

    #[test]
    fn token_round_trips_and_expires() {
        let token = token();
        assert_eq!(verify(Tokens::sign(&keys(), token, NOW).as_bytes()), Ok(token));
        assert!(!Claim::from(token).is_expired(NOW));
        assert!(!Claim::from(token).is_expired(token.expires_at.minus(Duration::from_millis(1))));
        assert!(Claim::from(token).is_expired(token.expires_at));
    }

    #[test]
    fn token_has_only_the_documented_claims() {
        let text = Tokens::sign(&keys(), token(), NOW);
        let payload = BASE64.decode(text.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Map<String, Value> = serde_json::from_slice(&payload).unwrap();
        let mut names: Vec<_> = claims.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["aud", "exp", "iat", "iss", "sid", "sub", "typ"]);
    }

    #[test]
    fn token_header_cannot_select_algorithm_or_key() {
        assert!(verify(forge(&header(), &claims()).as_bytes()).is_ok());
        for (name, value) in [
            ("alg", json!("none")),
            ("alg", json!("None")),
            ("alg", json!("nOnE")),
            ("alg", json!("HS384")),
            ("alg", json!("RS256")),
            ("alg", json!("EdDSA")),
            ("kid", json!("../../../../dev/null")),
            ("kid", json!("' or 1=1--")),
            ("kid", json!("")),
            ("kid", Value::Null),
        ] {
            let mut header: Value = serde_json::from_str(&header()).unwrap();
            header[name] = value.clone();
            assert_eq!(verify(forge(&header.to_string(), &claims()).as_bytes()), Err(InvalidToken), "{name}: {value}");
        }
        for name in ["jku", "x5u"] {
            let mut header: Value = serde_json::from_str(&header()).unwrap();
            header.as_object_mut().unwrap().remove("kid");
            header[name] = json!("http://127.0.0.1:1/keys");
            assert_eq!(verify(forge(&header.to_string(), &claims()).as_bytes()), Err(InvalidToken), "{name}");
        }
    }

    #[test]
    fn missing_extra_or_invalid_claims_are_rejected() {
        for (name, value) in [
            ("exp", json!("9999999999")),
            ("exp", json!(9_999_999_999.5)),
            ("exp", json!(-1)),
            ("exp", json!(null)),
            ("iat", json!(NOW.as_seconds() + 6)),
            ("iat", json!("now")),
            ("iss", json!("elsewhere")),
            ("aud", json!("elsewhere")),
            ("aud", json!(["gatehouse browser", 7])),
            ("typ", json!("reset")),
            ("sub", json!("admin")),
            ("sid", json!("1")),
            ("admin", json!(true)),
        ] {
            let mut claims = claims();
            claims[name] = value.clone();
            assert_eq!(verify(forge(&header(), &claims).as_bytes()), Err(InvalidToken), "{name}: {value}");
        }
        for name in ["iss", "aud", "sub", "sid", "iat", "exp", "typ"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(name);
            assert_eq!(verify(forge(&header(), &claims).as_bytes()), Err(InvalidToken), "without {name}");
        }
        for past in [json!(NOW.as_seconds()), json!(NOW.as_seconds() - 1), json!(0)] {
            let mut claims = claims();
            claims["exp"] = past;
            assert!(Claim::from(verify(forge(&header(), &claims).as_bytes()).unwrap()).is_expired(NOW));
        }
    }

    #[test]
    fn altered_missing_or_foreign_signature_is_rejected() {
        let text = forge(&header(), &claims());
        for position in text.len() - 8..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'Q' } else { b'A' };
            assert!(verify(&changed).is_err(), "byte {position}");
        }
        let unsigned = text.rsplit_once('.').unwrap().0;
        for text in [unsigned.to_owned(), format!("{unsigned}."), String::new(), "..".to_owned(), "a.b.c".to_owned()] {
            assert_eq!(verify(text.as_bytes()), Err(InvalidToken), "{text}");
        }
        let foreign = encode(&keys().token_signer().0, &claims(), &EncodingKey::from_secret(TEST_SECRET.as_bytes()));
        assert_eq!(verify(foreign.unwrap().as_bytes()), Err(InvalidToken));
    }

    /// It is compared byte by byte: written in another order, it would invalidate all tokens.
    #[test]
    fn token_header_text_is_stable() {
        let id = keys().token_signer().0.kid.unwrap();
        assert_eq!(header(), format!(r#"{{"typ":"JWT","alg":"HS256","kid":"{id}"}}"#));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_rejected_without_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            payload in "[ -~]{0,100}",
            signature in "[A-Za-z0-9_.-]{0,60}",
        ) {
            prop_assert_eq!(verify(&bytes), Err(InvalidToken));
            let begun = [BASE64.encode(header()).as_bytes(), b".", &bytes].concat();
            prop_assert_eq!(verify(&begun), Err(InvalidToken));
            let unsigned = format!("{}.{}.{signature}", BASE64.encode(header()), BASE64.encode(&payload));
            prop_assert_eq!(verify(unsigned.as_bytes()), Err(InvalidToken));
            // Correctly signed, but not a session token.
            let message = format!("{}.{}", BASE64.encode(header()), BASE64.encode(&payload));
            let key = keys().token_signer().1.clone();
            let ours = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
            prop_assert_eq!(verify(format!("{message}.{ours}").as_bytes()), Err(InvalidToken));
        }
    }
}
