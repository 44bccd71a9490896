//! The keys of access tokens: published before they sign, shared by all processes, useless without the secret.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    time::Duration,
};

use diesel::{QueryDsl, RunQueryDsl};
use gatehouse::db::schema::signing_keys;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::Value;

use crate::support::TestApp;

const PUBLIC: [&str; 2] = ["--public-url", "http://localhost:8080"];
const DAY: Duration = Duration::from_hours(24);
const SECOND: Duration = Duration::from_secs(1);

async fn published(app: &TestApp) -> JwkSet {
    let answer = app.client().get("/.well-known/jwks.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("cache-control"), "public, max-age=3600");
    assert!(!answer.body.contains("\"d\""), "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// Returns the id of the key that signed a token, after verifying the token as an application does.
fn verify(keys: &JwkSet, token: &str) -> String {
    let id = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(keys.find(&id).expect("the key is published")).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&["http://localhost:8080/api"]);
    validation.set_issuer(&["http://localhost:8080"]);
    validation.validate_exp = false;
    jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap();
    id
}

async fn token(app: &TestApp) -> String {
    app.client().tokens("zoe").await.0
}

async fn maintain(app: &TestApp) {
    app.state.access_tokens.maintain_keys().await.unwrap();
}

#[tokio::test]
async fn application_verifies_tokens_with_the_published_keys() {
    let app = TestApp::with(&PUBLIC);
    app.client().register_program("zoe").await;
    let token = token(&app).await;
    let keys = published(&app).await;
    verify(&keys, &token);
    assert_eq!(keys.keys.len(), 1);
    for host in ["login.internal", "127.0.0.1:1"] {
        let request = app.client().request("GET", "/.well-known/jwks.json").header("host", host);
        assert_eq!(app.client().send(request).await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn key_is_published_a_day_before_it_signs_and_until_its_last_token_expires() {
    let app = TestApp::with(&PUBLIC);
    app.client().register_program("zoe").await;
    let first = verify(&published(&app).await, &token(&app).await);
    app.clock.advance((DAY * 89).saturating_sub(SECOND));
    maintain(&app).await;
    assert_eq!(published(&app).await.keys.len(), 1);
    app.clock.advance(SECOND);
    maintain(&app).await;
    let keys = published(&app).await;
    assert_eq!(keys.keys.len(), 2, "the successor is published");
    app.clock.advance(DAY.saturating_sub(SECOND));
    let last = token(&app).await;
    assert_eq!(verify(&keys, &last), first);
    app.clock.advance(SECOND);
    assert_ne!(verify(&keys, &token(&app).await), first, "the successor signs");
    maintain(&app).await;
    assert_eq!(app.client().call("GET", "/api/user", &last, Value::Null).await.status, 200);
    app.clock.advance((DAY * 2).saturating_sub(SECOND));
    maintain(&app).await;
    assert_eq!(published(&app).await.keys.len(), 2);
    app.clock.advance(SECOND);
    maintain(&app).await;
    let keys = published(&app).await;
    assert_eq!(keys.keys.len(), 1);
    assert!(keys.find(&first).is_none());
}

#[tokio::test]
async fn processes_that_start_at_once_share_one_key() {
    let app = TestApp::with(&PUBLIC);
    let other = app.second_process(&PUBLIC);
    app.client().register_program("zoe").await;
    futures_util::future::join(maintain(&app), maintain(&other)).await;
    let id = verify(&published(&other).await, &token(&app).await);
    assert_eq!(verify(&published(&app).await, &token(&other).await), id);
}

#[tokio::test]
async fn private_key_is_stored_encrypted() {
    let app = TestApp::spawn();
    maintain(&app).await;
    let stored: Vec<u8> =
        app.query(|conn| signing_keys::table.select(signing_keys::private_key).get_result(conn)).await;
    // The prefix of every PKCS #8 key of P-256: its algorithm identifier.
    let prefix = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
    assert!(!stored.windows(prefix.len()).any(|window| window == prefix));
}

#[tokio::test]
async fn key_of_a_previous_secret_signs_until_its_successor_is_a_day_old() {
    let (old, new) = ("b7c01e2f5d9a4c6880f3e1d2a5b49c7e6f", "0f9e8d7c6b5a49382716a5b4c3d2e1f00f9e");
    let app = TestApp::with(&[&PUBLIC[..], &["--secret", old]].concat());
    app.client().register_program("zoe").await;
    let former = token(&app).await;
    let id = verify(&published(&app).await, &former);
    let app = app.restart(&[&PUBLIC[..], &["--secret", new, "--previous-secrets", old]].concat());
    maintain(&app).await;
    assert_eq!(app.client().call("GET", "/api/user", &former, Value::Null).await.status, 200);
    let keys = published(&app).await;
    assert_eq!((verify(&keys, &token(&app).await), keys.keys.len()), (id.clone(), 2));
    app.clock.advance(DAY);
    assert_ne!(verify(&keys, &token(&app).await), id);
}

#[tokio::test]
async fn key_of_a_secret_that_others_may_know_is_neither_published_nor_used() {
    let app = TestApp::with(&PUBLIC);
    app.client().register_program("zoe").await;
    let id = verify(&published(&app).await, &token(&app).await);
    // As `secret rotate --sign-out-everybody` leaves it.
    let file = app.data_dir().join("secret.key");
    let old = fs::read_to_string(&file).unwrap();
    let previous = app.data_dir().join("secret.key.previous");
    fs::write(&previous, format!("{} 2026-11-22T00:00:00Z no-sessions\n", old.trim())).unwrap();
    fs::set_permissions(&previous, Permissions::from_mode(0o600)).unwrap();
    fs::write(&file, "0f9e8d7c6b5a49382716a5b4c3d2e1f00f9e").unwrap();
    let app = app.restart(&PUBLIC);
    maintain(&app).await;
    let keys = published(&app).await;
    assert!(keys.find(&id).is_none());
    assert_ne!(verify(&keys, &token(&app).await), id, "its successor signs at once");
}

#[tokio::test]
async fn key_of_a_secret_that_is_not_known_is_neither_published_nor_used() {
    let (old, new) = ("b7c01e2f5d9a4c6880f3e1d2a5b49c7e6f", "0f9e8d7c6b5a49382716a5b4c3d2e1f00f9e");
    let app = TestApp::with(&[&PUBLIC[..], &["--secret", old]].concat());
    app.client().register_program("zoe").await;
    let former = token(&app).await;
    let id = verify(&published(&app).await, &former);
    let app = app.restart(&[&PUBLIC[..], &["--secret", new]].concat());
    maintain(&app).await;
    let keys = published(&app).await;
    assert!(keys.find(&id).is_none());
    assert_ne!(verify(&keys, &token(&app).await), id, "its successor signs at once");
    let answer = app.client().call("GET", "/api/user", &former, Value::Null).await;
    assert_eq!(answer.problem(), (401, "token_invalid".to_owned()));
}
