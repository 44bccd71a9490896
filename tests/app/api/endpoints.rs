//! The small endpoints.

use serde_json::{Value, json};

use crate::support::TestApp;

#[tokio::test]
async fn protected_endpoint_greets_the_owner_of_a_token() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    let (access, _) = app.client().tokens("zoe").await;
    let answer = app.client().call("GET", "/api/protected", &access, Value::Null).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"message": "Hello, zoe"})));
}

#[tokio::test]
async fn user_is_told_with_times_in_rfc_3339() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    let (access, _) = app.client().tokens("zoe").await;
    let answer = app.client().call("GET", "/api/user", &access, Value::Null).await;
    let mut body = answer.json();
    let id = body["id"].take();
    assert_eq!(id.as_str().unwrap().parse::<gatehouse::accounts::AccountId>().unwrap().to_string(), id);
    let expected = json!({
        "id": null, "username": "zoe", "email": "zoe@keepers.example", "roles": [],
        "created_at": "2026-11-22T00:00:00Z", "updated_at": "2026-11-22T00:00:00Z",
    });
    assert_eq!((body, answer.header("cache-control")), (expected, "no-store"));
}

#[tokio::test]
async fn user_follows_changes_of_the_profile() {
    let app = TestApp::with(&["--session-cache", "1m"]);
    let client = app.signed_in_client("zoe").await;
    let (access, _) = app.client().tokens("zoe").await;
    let name = async || {
        let answer = app.client().call("GET", "/api/user", &access, Value::Null).await;
        answer.json()["username"].as_str().unwrap().to_owned()
    };
    assert_eq!(name().await, "zoe");
    client.submit("/account", &[("username", "ida"), ("email", "zoe@keepers.example")]).await;
    assert_eq!(name().await, "ida");
}
