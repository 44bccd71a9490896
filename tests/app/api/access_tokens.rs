//! Access tokens: what they say, and what they are not good for.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use gatehouse::accounts::AdminAction;
use serde_json::{Value, json};

use crate::support::{TestApp, client::Answer};

async fn user(app: &TestApp, token: &str) -> Answer {
    app.client().call("GET", "/api/user", token, Value::Null).await
}

/// Returns the header and the claims of a JWT.
fn parts(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| BASE64.decode(part).unwrap_or_default());
    let mut json = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (json(), json())
}

// RFC 9068, 2
#[tokio::test]
async fn token_has_only_the_documented_claims() {
    let app = TestApp::with(&["--public-url", "http://localhost:8080"]);
    app.client().register_program("zoe").await;
    app.operate("zoe", AdminAction::AddRole("staff".parse().unwrap())).await;
    let (header, mut claims) = parts(&app.client().tokens("zoe").await.0);
    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("ES256")));
    let (jti, sid, sub) = (claims["jti"].take(), claims["sid"].take(), claims["sub"].clone());
    assert_eq!((jti.as_str().unwrap().len(), sid.as_str().unwrap().len()), (22, 22));
    let seconds = app.clock.now().as_seconds();
    let expected = json!({
        "iss": "http://localhost:8080", "aud": "http://localhost:8080/api", "client_id": "gatehouse",
        "sub": sub, "user_id": sub, "sid": null, "jti": null, "iat": seconds, "exp": seconds + 600,
        "scope": "user", "roles": ["staff"], "type": "access", "token_type": "access", "fresh": true,
    });
    assert_eq!(claims, expected);
    assert_eq!(user(&app, &app.client().tokens("zoe").await.0).await.json()["id"], sub);
}

#[tokio::test]
async fn token_expires_after_its_lifetime_without_leeway() {
    let app = TestApp::with(&["--access-token-lifetime", "90s"]);
    app.client().register("zoe").await;
    let (token, refresh) = app.client().tokens("zoe").await;
    app.clock.advance(Duration::from_millis(89_999));
    assert_eq!(user(&app, &token).await.status, 200);
    app.clock.advance(Duration::from_millis(1));
    let answer = user(&app, &token).await;
    assert_eq!(answer.problem(), (401, "token_expired".to_owned()));
    assert!(answer.header("www-authenticate").starts_with("Bearer error=\"invalid_token\""));
    let answer = app.client().call("POST", "/api/refresh", &refresh, Value::Null).await;
    assert_eq!(parts(&answer.tokens().0).1["fresh"], json!(false), "no password was given for it");
}

// RFC 8725, 3.11
#[tokio::test]
async fn token_of_one_purpose_is_useless_for_every_other() {
    let app = TestApp::spawn();
    let zoe = app.signed_in_client("zoe").await;
    let (access, refresh) = app.client().tokens("zoe").await;
    let session = zoe.cookie("session").unwrap();
    let form = zoe.csrf_token().await;
    let reset = app.reset_token("zoe").await;
    for (name, token) in [("session", &session), ("refresh", &refresh), ("form", &form), ("reset", &reset)] {
        assert_eq!(user(&app, token).await.problem(), (401, "token_invalid".to_owned()), "{name} as access token");
        let answer = app.client().call("POST", "/api/validate", "", json!({"token": token})).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"active": false})), "{name}");
    }
    for (name, token) in [("session", &session), ("access", &access), ("form", &form), ("reset", &reset)] {
        let answer = app.client().call("POST", "/api/refresh", token, Value::Null).await;
        assert_eq!(answer.problem(), (401, "token_invalid".to_owned()), "{name} as refresh token");
    }
    for (name, token) in [("access", &access), ("refresh", &refresh)] {
        let client = app.client();
        client.set_cookie("session", token);
        assert!(!client.is_signed_in().await, "{name} as session cookie");
        let fields = [("csrf_token", token.as_str())];
        assert_eq!(zoe.post("/logout", &fields).await.status, 403, "{name} as form token");
        assert_eq!(app.client().get(&format!("/reset?token={token}")).await.status, 410, "{name} as reset token");
    }
    assert_eq!(user(&app, &access).await.status, 200);
}

// ASVS 9.1.2
#[tokio::test]
async fn changed_byte_or_header_makes_a_token_invalid_before_and_after_it_was_seen() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    let (fresh, _) = app.client().tokens("zoe").await;
    let (seen, _) = app.client().tokens("zoe").await;
    assert_eq!(user(&app, &seen).await.status, 200);
    for token in [&fresh, &seen] {
        for position in (0..token.len()).step_by(7).chain([token.len() - 1]) {
            let mut changed = token.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(user(&app, &changed).await.problem(), (401, "token_invalid".to_owned()), "byte {position}");
        }
        let (_, rest) = token.split_once('.').unwrap();
        let (claims, _) = rest.split_once('.').unwrap();
        for header in [r#"{"typ":"at+jwt","alg":"none"}"#, r#"{"typ":"at+jwt","alg":"HS256"}"#, "{}", "x"] {
            for signature in ["", "AAAA"] {
                let forged = format!("{}.{claims}.{signature}", BASE64.encode(header));
                assert_eq!(user(&app, &forged).await.problem().1, "token_invalid", "{header}");
            }
        }
    }
    app.flush().await;
    assert!(app.event_count("token_refused").await > 0);
}

#[tokio::test]
async fn request_without_a_token_is_told_so() {
    let app = TestApp::spawn();
    let zoe = app.signed_in_client("zoe").await;
    for (method, path) in [("GET", "/api/user"), ("GET", "/api/protected"), ("POST", "/api/logout")] {
        for client in [app.client(), zoe.clone()] {
            let answer = client.send(client.request(method, path)).await;
            assert_eq!(answer.problem(), (401, "token_missing".to_owned()), "{method} {path}: cookies are not read");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
}

#[tokio::test]
async fn sign_out_ends_the_session_and_all_its_tokens_and_is_idempotent() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    let (other, _) = app.client().tokens("zoe").await;
    for by_refresh_token in [false, true] {
        let (access, refresh) = app.client().tokens("zoe").await;
        let token = if by_refresh_token { &refresh } else { &access };
        for time in ["first", "second"] {
            let answer = app.client().call("POST", "/api/logout", token, Value::Null).await;
            assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{time} time");
        }
        assert_eq!(user(&app, &access).await.problem(), (401, "token_revoked".to_owned()));
        let answer = app.client().call("POST", "/api/refresh", &refresh, Value::Null).await;
        assert_eq!(answer.problem(), (401, "token_revoked".to_owned()));
    }
    assert_eq!(user(&app, &other).await.status, 200, "another program goes on");
    assert_eq!(app.event_count("signed_out").await, 2);
    let answer = app.client().call("POST", "/api/logout", "x", Value::Null).await;
    assert_eq!(answer.problem(), (401, "token_invalid".to_owned()));
}

#[tokio::test]
async fn validation_tells_whether_a_token_is_good_and_whose_it_is() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    app.operate("zoe", AdminAction::AddRole("staff".parse().unwrap())).await;
    let (access, refresh) = app.client().tokens("zoe").await;
    let (_, claims) = parts(&access);
    let by_body = app.client().call("POST", "/api/validate", "", json!({"token": access})).await;
    let by_header = app.client().call("POST", "/api/validate", &access, Value::Null).await;
    let expected = json!({
        "active": true, "sub": claims["sub"], "username": "zoe", "roles": ["staff"], "sid": claims["sid"],
        "iat": claims["iat"], "exp": claims["exp"],
    });
    assert_eq!((by_body.json(), by_header.json()), (expected.clone(), expected));
    app.client().call("POST", "/api/logout", &access, Value::Null).await;
    for token in [access.as_str(), &refresh, "x"] {
        let answer = app.client().call("POST", "/api/validate", "", json!({"token": token})).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"active": false})));
    }
}

#[tokio::test]
async fn change_of_name_and_roles_shows_on_the_next_request() {
    let app = TestApp::spawn();
    let zoe = app.signed_in_client("zoe").await;
    let (access, _) = app.client().tokens("zoe").await;
    let created_at = user(&app, &access).await.json()["created_at"].clone();
    app.clock.advance(Duration::from_mins(1));
    assert_eq!(zoe.submit("/account", &[("username", "zora"), ("email", "zoe@keepers.example")]).await.status, 303);
    app.operate("zora", AdminAction::AddRole("staff".parse().unwrap())).await;
    let body = user(&app, &access).await.json();
    assert_eq!((&body["username"], &body["roles"]), (&json!("zora"), &json!(["staff"])));
    assert_eq!((&body["created_at"], &body["updated_at"]), (&created_at, &json!("2026-11-22T00:01:00Z")));
    app.clock.advance(Duration::from_mins(1));
    app.operate("zora", AdminAction::RemoveRole("staff".parse().unwrap())).await;
    assert_eq!(user(&app, &access).await.json()["updated_at"], json!("2026-11-22T00:02:00Z"));
}
