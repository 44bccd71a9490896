//! The session token: a JWT that says which session it is, and nothing about the person. Signs and checks; whether the
//! session still lives is for its row to say.

use std::time::Duration;

use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::SessionId;
use crate::{clock::Timestamp, keys::Keys};

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

/// What a token says, after it was found to be ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// The session.
    pub(super) session: SessionId,
    /// Whose it is.
    pub(super) account: Uuid,
}

/// Why a token is no good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenError {
    /// Not signed by us, or not for this use.
    Forged,
    /// Ours, and over.
    Expired,
}

/// Signs and checks tokens.
pub(super) struct Tokens {
    validation: Validation,
}

impl Default for Tokens {
    fn default() -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are checked below, by our own clock.
        validation.validate_exp = false;
        Self { validation }
    }
}

impl Tokens {
    /// A token for a session that ends at `expires_at`.
    ///
    /// # Panics
    /// Never: HMAC signs whatever it is given.
    #[must_use]
    pub(super) fn sign(keys: &Keys, token: Token, now: Timestamp, expires_at: Timestamp) -> String {
        let (id, key) = keys.token_signer();
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(id.to_owned());
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: token.account,
            sid: token.session,
            iat: now.as_seconds(),
            exp: expires_at.as_seconds(),
            typ: TYPE.to_owned(),
        };
        encode(&header, &claims, key).expect("strings and integers are JSON, and HMAC signs any bytes")
    }

    /// What `text` says, if we signed it and it is not over.
    pub(super) fn check(&self, keys: &Keys, text: &[u8], now: Timestamp) -> Result<Token, TokenError> {
        // The header is only asked which of our own keys to use; its algorithm is compared with ours by `decode`.
        let header = decode_header(text).map_err(|_| TokenError::Forged)?;
        let key = header.kid.and_then(|id| keys.token_verifier(&id)).ok_or(TokenError::Forged)?;
        let claims: Claims = decode(text, key, &self.validation).map_err(|_| TokenError::Forged)?.claims;
        let leeway = i64::try_from(LEEWAY.as_secs()).unwrap_or(0);
        if claims.typ != TYPE || claims.iat > now.as_seconds().saturating_add(leeway) {
            return Err(TokenError::Forged);
        }
        if claims.exp <= now.as_seconds() {
            return Err(TokenError::Expired);
        }
        Ok(Token { session: claims.sid, account: claims.sub })
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
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
        Token { session: SessionId::new(), account: Uuid::now_v7() }
    }

    fn claims() -> Value {
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": Uuid::now_v7(), "sid": SessionId::new(),
            "iat": NOW.as_seconds(), "exp": NOW.as_seconds() + 60, "typ": TYPE,
        })
    }

    fn header() -> Value {
        json!({"alg": "HS256", "typ": "JWT", "kid": keys().token_signer().0})
    }

    /// Signed with the right key, whatever the header says.
    fn forge(header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), keys().token_signer().1, Algorithm::HS256).unwrap();
        format!("{message}.{signature}")
    }

    fn check(text: &str) -> Result<Token, TokenError> {
        Tokens::default().check(&keys(), text.as_bytes(), NOW)
    }

    #[test]
    fn a_token_says_what_was_signed_until_it_is_over() {
        let (tokens, keys, token) = (Tokens::default(), keys(), token());
        let end = NOW.plus(Duration::from_mins(1));
        let text = Tokens::sign(&keys, token, NOW, end);
        assert_eq!(tokens.check(&keys, text.as_bytes(), NOW), Ok(token));
        assert_eq!(tokens.check(&keys, text.as_bytes(), end.minus(Duration::from_secs(1))), Ok(token));
        assert_eq!(tokens.check(&keys, text.as_bytes(), end), Err(TokenError::Expired));
    }

    #[test]
    fn the_claims_are_those_of_the_contract_and_nothing_personal() {
        let text = Tokens::sign(&keys(), token(), NOW, NOW.plus(Duration::from_mins(1)));
        let payload = BASE64.decode(text.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Map<String, Value> = serde_json::from_slice(&payload).unwrap();
        let mut names: Vec<_> = claims.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["aud", "exp", "iat", "iss", "sid", "sub", "typ"]);
    }

    #[test]
    fn the_header_chooses_neither_the_algorithm_nor_the_key() {
        assert!(check(&forge(&header(), &claims())).is_ok());
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
            let mut header = header();
            header[name] = value.clone();
            assert_eq!(check(&forge(&header, &claims())), Err(TokenError::Forged), "{name}: {value}");
        }
        for name in ["jku", "x5u"] {
            let mut header = header();
            header.as_object_mut().unwrap().remove("kid");
            header[name] = json!("http://127.0.0.1:1/keys");
            assert_eq!(check(&forge(&header, &claims())), Err(TokenError::Forged), "{name}");
        }
    }

    #[test]
    fn claims_of_the_wrong_kind_value_or_number_are_refused() {
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
            assert_eq!(check(&forge(&header(), &claims)), Err(TokenError::Forged), "{name}: {value}");
        }
        for name in ["iss", "aud", "sub", "sid", "iat", "exp", "typ"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(name);
            assert_eq!(check(&forge(&header(), &claims)), Err(TokenError::Forged), "without {name}");
        }
        for past in [json!(NOW.as_seconds()), json!(NOW.as_seconds() - 1), json!(0)] {
            let mut claims = claims();
            claims["exp"] = past;
            assert_eq!(check(&forge(&header(), &claims)), Err(TokenError::Expired));
        }
    }

    #[test]
    fn a_signature_that_is_changed_missing_or_of_another_key_is_refused() {
        let text = forge(&header(), &claims());
        for position in text.len() - 8..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'Q' } else { b'A' };
            assert!(Tokens::default().check(&keys(), &changed, NOW).is_err(), "byte {position}");
        }
        let unsigned = text.rsplit_once('.').unwrap().0;
        for text in [unsigned.to_owned(), format!("{unsigned}."), String::new(), "..".to_owned(), "a.b.c".to_owned()] {
            assert_eq!(check(&text), Err(TokenError::Forged), "{text}");
        }
        let foreign = encode(
            &Header { kid: Some(keys().token_signer().0.to_owned()), ..Header::default() },
            &claims(),
            &EncodingKey::from_secret(SECRET.as_bytes()),
        );
        assert_eq!(check(&foreign.unwrap()), Err(TokenError::Forged));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_check_panic_or_pass(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(Tokens::default().check(&keys(), &bytes, NOW), Err(TokenError::Forged));
        }
    }
}
