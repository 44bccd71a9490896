//! The session token: a JWT that says which session it is, and nothing about the person. Signs and verifies; whether the
//! token is over is for the clock to say, and whether the session still lives, for its row.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, Validation, decode, encode};
use memchr::{memchr, memrchr};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::SessionId;
use crate::{
    clock::Timestamp,
    keys::{Keys, TokenVerifier},
};

const ISSUER: &str = "gatehouse";
const AUDIENCE: &str = "gatehouse browser";
const TYPE: &str = "session";
/// How far two clocks may be apart (the library's default is a minute).
const LEEWAY: Duration = Duration::from_secs(5);

/// RFC 7519. Times are whole seconds; a token with a fraction of one is not ours.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    /// The account's id.
    sub: Uuid,
    sid: SessionId,
    iat: i64,
    exp: i64,
    /// What the token is for (RFC 8725, 3.11), so that one made for another use is never a session.
    typ: String,
}

/// What a token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// The session.
    pub(super) session: SessionId,
    /// Whose it is.
    pub(super) account: Uuid,
    /// When it is over, to the second.
    pub(super) expires_at: Timestamp,
}

impl Token {
    pub(super) fn is_over(self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

/// Not signed by us, or not for this use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Forged;

/// The signature of a token of ours: no two of them have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Signature([u8; 32]);

/// What is before and after the byte at `place`.
fn split(text: &[u8], place: Option<usize>) -> Option<(&[u8], &[u8])> {
    place.map(|place| (&text[..place], &text[place + 1..]))
}

/// Signs, verifies and reads tokens.
pub(super) struct Tokens {
    validation: Validation,
}

impl Default for Tokens {
    fn default() -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // By our own clock, and again whenever the token is shown.
        validation.validate_exp = false;
        Self { validation }
    }
}

impl Tokens {
    /// The text of a token that begins now.
    ///
    /// # Panics
    /// Never: HMAC signs whatever it is given.
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

    /// The signature of `text`, if we made it. Comes first, and for every request: nothing of what we did not sign is taken
    /// apart.
    pub(super) fn verify<'a>(keys: &'a Keys, text: &[u8]) -> Result<(Signature, &'a TokenVerifier), Forged> {
        let (message, signature) = split(text, memrchr(b'.', text)).ok_or(Forged)?;
        let (header, _claims) = split(message, memchr(b'.', message)).ok_or(Forged)?;
        let key = keys.token_verifier(header).ok_or(Forged)?;
        let mut bytes = [0; 32];
        match BASE64.decode_slice(signature, &mut bytes) {
            Ok(32) if key.verifies(message, &bytes) => Ok((Signature(bytes), key)),
            _ => Err(Forged),
        }
    }

    /// What `text` says, after it was found to be signed by us with `key`.
    pub(super) fn read(&self, key: &TokenVerifier, text: &[u8], now: Timestamp) -> Result<Token, Forged> {
        let claims: Claims = decode(text, &key.decoding, &self.validation).map_err(|_| Forged)?.claims;
        if claims.typ != TYPE || Timestamp::from_seconds(claims.iat) > now.plus(LEEWAY) {
            return Err(Forged);
        }
        Ok(Token { session: claims.sid, account: claims.sub, expires_at: Timestamp::from_seconds(claims.exp) })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use jsonwebtoken::EncodingKey;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::config::Settings;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const SECRET: &str = "b7c01e2f5d9a4c6880f3e1d2a5b49c7e6f";

    fn keys() -> Keys {
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            settings: Settings,
        }
        Keys::load(&Line::parse_from(["test", "--secret", SECRET]).settings).unwrap()
    }

    fn token() -> Token {
        Token { session: SessionId::new(), account: Uuid::now_v7(), expires_at: NOW.plus(Duration::from_mins(1)) }
    }

    fn claims() -> Value {
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": Uuid::now_v7(), "sid": SessionId::new(),
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

    fn verify(text: &[u8]) -> Result<Token, Forged> {
        let keys = keys();
        let (_, key) = Tokens::verify(&keys, text)?;
        Tokens::default().read(key, text, NOW)
    }

    #[test]
    fn token_round_trips_and_expires() {
        let token = token();
        assert_eq!(verify(Tokens::sign(&keys(), token, NOW).as_bytes()), Ok(token));
        assert!(!token.is_over(NOW));
        assert!(!token.is_over(token.expires_at.minus(Duration::from_millis(1))));
        assert!(token.is_over(token.expires_at));
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
            assert_eq!(verify(forge(&header.to_string(), &claims()).as_bytes()), Err(Forged), "{name}: {value}");
        }
        for name in ["jku", "x5u"] {
            let mut header: Value = serde_json::from_str(&header()).unwrap();
            header.as_object_mut().unwrap().remove("kid");
            header[name] = json!("http://127.0.0.1:1/keys");
            assert_eq!(verify(forge(&header.to_string(), &claims()).as_bytes()), Err(Forged), "{name}");
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
            assert_eq!(verify(forge(&header(), &claims).as_bytes()), Err(Forged), "{name}: {value}");
        }
        for name in ["iss", "aud", "sub", "sid", "iat", "exp", "typ"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(name);
            assert_eq!(verify(forge(&header(), &claims).as_bytes()), Err(Forged), "without {name}");
        }
        for past in [json!(NOW.as_seconds()), json!(NOW.as_seconds() - 1), json!(0)] {
            let mut claims = claims();
            claims["exp"] = past;
            assert!(verify(forge(&header(), &claims).as_bytes()).unwrap().is_over(NOW));
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
            assert_eq!(verify(text.as_bytes()), Err(Forged), "{text}");
        }
        let foreign = encode(&keys().token_signer().0, &claims(), &EncodingKey::from_secret(SECRET.as_bytes()));
        assert_eq!(verify(foreign.unwrap().as_bytes()), Err(Forged));
    }

    /// It is compared byte by byte: written in another order, it would sign everybody out.
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
            prop_assert_eq!(verify(&bytes), Err(Forged));
            let begun = [BASE64.encode(header()).as_bytes(), b".", &bytes].concat();
            prop_assert_eq!(verify(&begun), Err(Forged));
            let unsigned = format!("{}.{}.{signature}", BASE64.encode(header()), BASE64.encode(&payload));
            prop_assert_eq!(verify(unsigned.as_bytes()), Err(Forged));
            // Signed by us, and still no token.
            let message = format!("{}.{}", BASE64.encode(header()), BASE64.encode(&payload));
            let key = keys().token_signer().1.clone();
            let ours = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
            prop_assert_eq!(verify(format!("{message}.{ours}").as_bytes()), Err(Forged));
        }
    }
}
