//! Tokens: what applications get, and what programs send.

use std::time::Duration;

use gatehouse::accounts::AdminAction;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::{Value, json};

use super::{AtApp, add, person_at_wiki, with_wiki};
use crate::support::{PASSWORD, TestApp};

/// Verifies an assertion as an application does.
async fn verified(app: &TestApp, assertion: &str) -> (Header, Value) {
    let keys: JwkSet = serde_json::from_str(&app.client().get("/.well-known/jwks.json").await.body).unwrap();
    let header = decode_header(assertion).unwrap();
    let key = keys.find(header.kid.as_deref().unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[&app.address]);
    validation.set_audience(&["wiki"]);
    validation.validate_exp = false;
    let claims = decode(assertion, &DecodingKey::from_jwk(key).unwrap(), &validation).unwrap().claims;
    (header, claims)
}

#[tokio::test]
async fn application_can_verify_who_sends_a_request() {
    let app = with_wiki().await;
    let (person, wiki) = person_at_wiki(&app, "zoe").await;
    let assertion = wiki.verify_with("any", &[]).await.header("x-gatehouse-jwt").to_owned();
    let (header, claims) = verified(&app, &assertion).await;
    assert_eq!(header.typ.as_deref(), Some("gatehouse-assertion+jwt"));
    let now = app.clock.now().as_seconds();
    assert_eq!(claims["sub"], person.account_id().await.to_string());
    assert_eq!(claims["preferred_username"], "zoe");
    assert_eq!(claims["email"], "zoe@keepers.example");
    assert_eq!(claims["groups"], json!([]));
    assert_eq!((claims["iat"].as_i64(), claims["exp"].as_i64()), (Some(now), Some(now + 300)));
    let names: Vec<_> = claims.as_object().unwrap().keys().cloned().collect();
    let expected = ["aud", "email", "exp", "groups", "iat", "iss", "jti", "preferred_username", "sid", "sub"];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn assertion_is_signed_once_a_minute_and_after_every_change() {
    let app = with_wiki().await;
    let (_, wiki) = person_at_wiki(&app, "zoe").await;
    let assertion = async || wiki.verify_with("any", &[]).await.header("x-gatehouse-jwt").to_owned();
    let first = assertion().await;
    app.clock.advance(Duration::from_secs(59));
    assert_eq!(assertion().await, first);
    app.operate("zoe", AdminAction::AddRole("staff".parse().unwrap())).await;
    let second = assertion().await;
    assert_eq!(verified(&app, &second).await.1["groups"], json!(["staff"]));
    app.clock.advance(Duration::from_mins(1));
    assert_ne!(assertion().await, second);
}

#[tokio::test]
async fn assertion_is_no_access_token() {
    let app = with_wiki().await;
    let (_, wiki) = person_at_wiki(&app, "zoe").await;
    let assertion = wiki.verify_with("any", &[]).await.header("x-gatehouse-jwt").to_owned();
    let answer = app.client().call("GET", "/api/user", &assertion, Value::Null).await;
    assert_eq!(answer.problem(), (401, "token_invalid".to_owned()));
    let bearer = format!("Bearer {assertion}");
    assert_eq!(AtApp::wiki(&app).verify_with("any", &[("authorization", &bearer)]).await.status, 401);
}

#[tokio::test]
async fn bearer_token_decides_alone() {
    let app = with_wiki().await;
    add(&app, "photos", &["staff"]).await;
    let (_, wiki) = person_at_wiki(&app, "zoe").await;
    app.client().register("eva").await;
    let (access, refresh) = app.client().tokens("eva").await;
    let program = AtApp::wiki(&app);
    let bearer = |token: &str| format!("Bearer {token}");
    let answer = program.verify_with("any", &[("authorization", &bearer(&access))]).await;
    assert_eq!((answer.status, answer.header("remote-user")), (200, "eva"));
    let answer = program.ask("/subrequest/wiki/any", &[("authorization", &bearer(&access))]).await;
    assert_eq!((answer.status, answer.header("remote-user")), (200, "eva"));
    let answer = wiki.verify_with("any", &[("authorization", &bearer(&access))]).await;
    assert_eq!(answer.header("remote-user"), "eva", "not the owner of the cookie");
    let photos = AtApp::new(&app, "photos");
    assert_eq!(photos.verify_with("any", &[("authorization", &bearer(&access))]).await.status, 403);
    for token in [refresh.as_str(), "x", "", wiki.client.cookie("gate").unwrap().as_str()] {
        let answer = wiki.verify_with("any", &[("authorization", &bearer(token))]).await;
        assert_eq!(answer.status, 401, "{token}: the cookie does not help");
        let answer = wiki.ask("/subrequest/wiki/any", &[("authorization", &bearer(token))]).await;
        assert_eq!((answer.status, answer.body.as_str()), (401, ""), "{token}");
        assert!(!answer.headers.contains_key("www-authenticate"), "{token}");
    }
    app.client().call("POST", "/api/logout", &access, Value::Null).await;
    let answer = program.verify_with("any", &[("authorization", &bearer(&access))]).await;
    assert_eq!(answer.problem(), (401, "token_revoked".to_owned()));
}

#[tokio::test]
async fn access_token_of_one_application_is_refused_at_another() {
    let app = with_wiki().await;
    add(&app, "photos", &[]).await;
    app.client().register("zoe").await;
    let body = json!({"login": "zoe", "password": PASSWORD, "app": "photos"});
    let (access, _) = app.client().call("POST", "/api/login", "", body).await.tokens();
    let bearer = format!("Bearer {access}");
    assert_eq!(AtApp::new(&app, "photos").verify_with("any", &[("authorization", &bearer)]).await.status, 200);
    assert_eq!(AtApp::wiki(&app).verify_with("any", &[("authorization", &bearer)]).await.status, 403);
}
