//! Tokens that an application verifies with the library and the secret that it has already: JWTs with HS256 and the
//! claims that the library asks for. The shapes are those of flask-jwt-extended 4.7, djangorestframework-simplejwt 5.5
//! and flask-praetorian 1.6, and `tests/clients` gives them to these libraries.
//!
//! Every application that knows such a secret can make tokens itself, so Gatehouse accepts none of them for anything.

use std::{fmt, time::Duration};

use clap::ValueEnum;
use jsonwebtoken::{EncodingKey, Header, encode};
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::{Value, json};
use strum::{EnumString, IntoStaticStr};

use crate::{
    clock::Timestamp,
    identity::{AccountId, Role, Username},
};

/// The library whose format the tokens of an application have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, ValueEnum)]
#[strum(serialize_all = "kebab-case")]
pub enum TokenFormat {
    /// flask-jwt-extended
    FlaskJwtExtended,
    /// djangorestframework-simplejwt
    Simplejwt,
    /// flask-praetorian
    Praetorian,
}

impl TokenFormat {
    /// Returns its name for operators.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for TokenFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The secret with which an application verifies HS256.
#[derive(Debug)]
pub struct Hs256Secret(SecretSlice<u8>);

/// The bytes cannot be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Hs256SecretError {
    /// There are none.
    #[error("the secret is empty")]
    Empty,
    /// There are too many.
    #[error("the secret has more than {max} bytes", max = Hs256Secret::MAX_BYTES)]
    TooLong,
}

impl Hs256Secret {
    /// The most bytes of a secret.
    pub const MAX_BYTES: usize = 1024;
    /// The fewest bytes that RFC 7518, 3.2 allows for HS256. Applications have shorter ones.
    pub const RECOMMENDED_BYTES: usize = 32;

    /// Returns the secret in the content of a file. A line break at its end does not belong to it.
    pub fn parse(content: &[u8]) -> Result<Self, Hs256SecretError> {
        let secret = content.strip_suffix(b"\n").unwrap_or(content);
        let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
        match secret.len() {
            0 => Err(Hs256SecretError::Empty),
            1..=Self::MAX_BYTES => Ok(Self(SecretSlice::from(secret.to_vec()))),
            _ => Err(Hs256SecretError::TooLong),
        }
    }

    /// Whether it has fewer bytes than RFC 7518 allows.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.0.expose_secret().len() < Self::RECOMMENDED_BYTES
    }

    /// Returns the bytes.
    pub(super) fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

/// Makes the tokens of one application. `Debug` does not show the key.
#[derive(Debug, Clone)]
pub struct AppTokens {
    format: TokenFormat,
    key: Option<EncodingKey>,
}

/// The secret of the application cannot be decrypted with a signing secret of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the HS256 secret of the application cannot be decrypted; set it again with gatehouse app set")]
pub struct UnreadableSecret;

/// What a token says.
#[derive(Debug, Clone)]
pub struct TokenFacts<'a> {
    /// The account.
    pub account: AccountId,
    /// The key that the account had in the database of the application, if it was imported from there.
    pub legacy_id: Option<&'a str>,
    /// Its user name.
    pub username: &'a Username,
    /// Its roles.
    pub roles: &'a [Role],
    /// The id of the session to which the token belongs, as in other tokens.
    pub session: &'a str,
    /// The unique id of the token.
    pub id: &'a str,
    /// Whether the password was given for this token, and not a refresh token.
    pub is_fresh: bool,
    /// When it is issued.
    pub now: Timestamp,
    /// How long it is valid.
    pub lifetime: Duration,
}

impl TokenFacts<'_> {
    /// Returns how the application names the account: by its own key, or by one that it cannot have.
    fn subject(&self) -> String {
        self.legacy_id.map_or_else(|| self.account.to_string(), str::to_owned)
    }

    /// The same, as a number if it is one: flask-praetorian writes the key into its tokens as the database returns it.
    fn numeric_subject(&self) -> Value {
        let subject = self.subject();
        match subject.parse::<i64>() {
            Ok(number) if number.to_string() == subject => number.into(),
            _ => subject.into(),
        }
    }
}

impl AppTokens {
    pub(super) fn new(format: TokenFormat, secret: Option<&[u8]>) -> Self {
        Self { format, key: secret.map(EncodingKey::from_secret) }
    }

    /// Returns their format.
    #[must_use]
    pub fn format(&self) -> TokenFormat {
        self.format
    }

    /// Returns an access token. It has no `aud`, because flask-praetorian refuses an audience, and other
    /// libraries one that they do not expect.
    pub fn sign(&self, facts: &TokenFacts<'_>) -> Result<String, UnreadableSecret> {
        let key = self.key.as_ref().ok_or(UnreadableSecret)?;
        Ok(sign(key, &self.claims(facts)))
    }

    fn claims(&self, facts: &TokenFacts<'_>) -> Value {
        let roles: Vec<_> = facts.roles.iter().map(Role::as_str).collect();
        let (issued_at, expires_at) = (facts.now.as_seconds(), facts.now.plus(facts.lifetime).as_seconds());
        match self.format {
            TokenFormat::FlaskJwtExtended => json!({
                "type": "access",
                "fresh": facts.is_fresh,
                // PyJWT refuses a number.
                "sub": facts.subject(),
                "jti": facts.id,
                "iat": issued_at,
                "nbf": issued_at,
                "exp": expires_at,
                "sid": facts.session,
                "username": facts.username.as_str(),
                "roles": roles,
            }),
            TokenFormat::Simplejwt => json!({
                "token_type": "access",
                // Also of an integer key, which Django parses.
                "user_id": facts.subject(),
                "jti": facts.id,
                "iat": issued_at,
                "exp": expires_at,
                "sid": facts.session,
                "username": facts.username.as_str(),
                "roles": roles,
            }),
            TokenFormat::Praetorian => json!({
                "id": facts.numeric_subject(),
                "jti": facts.id,
                "iat": issued_at,
                "exp": expires_at,
                // Not later: until then, the application itself makes a new token of an expired one, also after the
                // session has ended.
                "rf_exp": expires_at,
                "rls": roles.join(","),
                "sid": facts.session,
            }),
        }
    }
}

fn sign(key: &EncodingKey, claims: &Value) -> String {
    encode(&Header::default(), claims, key).expect("the claims are JSON, and HMAC signs any bytes")
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};

    use super::*;

    const SECRET: &[u8] = b"the secret of the old application";
    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_999);
    const ID: &str = "0199a0a0-7f00-7000-8000-000000000001";

    /// Returns the header and the claims of a token, after its signature was verified.
    fn signed(format: TokenFormat, legacy_id: Option<&str>) -> (Header, Value) {
        let roles = ["editor", "staff"].map(|role| role.parse().unwrap());
        let username = Username::parse("zoe").unwrap();
        let facts = TokenFacts {
            account: ID.parse().unwrap(),
            legacy_id,
            username: &username,
            roles: &roles,
            session: "session",
            id: "token",
            is_fresh: true,
            now: NOW,
            lifetime: Duration::from_mins(10),
        };
        let text = AppTokens::new(format, Some(SECRET)).sign(&facts).unwrap();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let token = decode::<Value>(&text, &DecodingKey::from_secret(SECRET), &validation).unwrap();
        (token.header, token.claims)
    }

    #[test]
    fn flask_jwt_extended_gets_its_claims_and_no_others_that_it_reads() {
        let (header, claims) = signed(TokenFormat::FlaskJwtExtended, Some("7"));
        assert_eq!((header.alg, header.typ.as_deref(), header.kid), (Algorithm::HS256, Some("JWT"), None));
        let expected = json!({
            "type": "access", "fresh": true, "sub": "7", "jti": "token", "iat": 1_800_000_000, "nbf": 1_800_000_000,
            "exp": 1_800_000_600, "sid": "session", "username": "zoe", "roles": ["editor", "staff"],
        });
        assert_eq!(claims, expected);
    }

    #[test]
    fn simplejwt_gets_the_key_of_its_own_user_table() {
        let (_, claims) = signed(TokenFormat::Simplejwt, Some("7"));
        let expected = json!({
            "token_type": "access", "user_id": "7", "jti": "token", "iat": 1_800_000_000, "exp": 1_800_000_600,
            "sid": "session", "username": "zoe", "roles": ["editor", "staff"],
        });
        assert_eq!(claims, expected);
    }

    #[test]
    fn praetorian_gets_roles_as_a_text_and_no_audience() {
        let (_, claims) = signed(TokenFormat::Praetorian, Some("7"));
        let expected = json!({
            "id": 7, "jti": "token", "iat": 1_800_000_000, "exp": 1_800_000_600, "rf_exp": 1_800_000_600,
            "rls": "editor,staff", "sid": "session",
        });
        assert_eq!(claims, expected);
    }

    #[test]
    fn account_without_a_key_of_the_application_is_named_by_its_uuid() {
        for (format, claim) in [
            (TokenFormat::FlaskJwtExtended, "sub"),
            (TokenFormat::Simplejwt, "user_id"),
            (TokenFormat::Praetorian, "id"),
        ] {
            assert_eq!(signed(format, None).1[claim], ID, "{format}");
        }
    }

    #[test]
    fn key_is_a_number_only_if_no_character_is_lost() {
        for (legacy_id, expected) in [
            ("7", json!(7)),
            ("9223372036854775807", json!(i64::MAX)),
            ("9223372036854775808", json!("9223372036854775808")),
            ("007", json!("007")),
            ("+7", json!("+7")),
            ("7.0", json!("7.0")),
            ("", json!("")),
            ("zoe", json!("zoe")),
        ] {
            assert_eq!(signed(TokenFormat::Praetorian, Some(legacy_id)).1["id"], expected, "{legacy_id}");
        }
    }

    #[test]
    fn secret_is_the_content_of_its_file_without_the_last_line_break() {
        for (content, expected) in [
            (&b"secret"[..], Ok(&b"secret"[..])),
            (b"secret\n", Ok(b"secret")),
            (b"secret\r\n", Ok(b"secret")),
            (b"secret\n\n", Ok(b"secret\n")),
            (b" secret ", Ok(b" secret ")),
            (b"\xff\x00", Ok(b"\xff\x00")),
            (b"", Err(Hs256SecretError::Empty)),
            (b"\n", Err(Hs256SecretError::Empty)),
            (b"\r\n", Err(Hs256SecretError::Empty)),
            (&[b'a'; Hs256Secret::MAX_BYTES + 1], Err(Hs256SecretError::TooLong)),
        ] {
            let secret = Hs256Secret::parse(content);
            assert_eq!(secret.as_ref().map(Hs256Secret::expose).map_err(|error| *error), expected);
        }
        assert!(Hs256Secret::parse(&[b'a'; 31]).unwrap().is_short());
        assert!(!Hs256Secret::parse(&[b'a'; 32]).unwrap().is_short());
    }

    #[test]
    fn debug_output_shows_nothing_of_the_secret() {
        let secret = Hs256Secret::parse(b"hunter2hunter2").unwrap();
        let tokens = AppTokens::new(TokenFormat::Simplejwt, Some(secret.expose()));
        let shown = format!("{secret:?} {tokens:?} {tokens:#?}");
        // 104 is the first byte.
        assert!(shown.contains("Simplejwt") && !shown.contains("hunter2") && !shown.contains("104"), "{shown}");
    }

    #[test]
    fn unreadable_secret_signs_nothing() {
        let username = Username::parse("zoe").unwrap();
        let facts = TokenFacts {
            account: AccountId::new(),
            legacy_id: None,
            username: &username,
            roles: &[],
            session: "",
            id: "",
            is_fresh: false,
            now: NOW,
            lifetime: Duration::from_mins(10),
        };
        assert_eq!(AppTokens::new(TokenFormat::Simplejwt, None).sign(&facts), Err(UnreadableSecret));
    }
}
