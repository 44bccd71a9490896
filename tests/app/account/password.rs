use super::submit;
use crate::support::{PASSWORD, TestApp};

const NEW: &str = "seventeen geese on a crooked chimney";

fn fields<'a>(current: &'a str, new: &'a str) -> [(&'a str, &'a str); 3] {
    [("current_password", current), ("password", new), ("password_confirm", new)]
}

// ASVS 6.2.2, 7.4.3
#[tokio::test]
async fn password_change_revokes_other_sessions_and_rotates_session_id() {
    let app = TestApp::with(&["--session-cache", "10m"]);
    let client = app.signed_in_client("zoe").await;
    let elsewhere = app.client();
    elsewhere.sign_in("zoe", PASSWORD).await;
    assert!(elsewhere.is_signed_in().await);
    let before = client.fork();

    let answer = submit(&client, "/account/password", &fields(PASSWORD, NEW)).await;

    assert_eq!((answer.status, answer.location()), (303, "/account"));
    assert!(client.get("/account").await.body.contains("Your password is changed."));
    assert!(!elsewhere.is_signed_in().await);
    assert!(!before.is_signed_in().await, "the id from before is dead too");
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 422);
    assert_eq!(app.client().sign_in("zoe", NEW).await.status, 303);
    assert_eq!(app.event_count("password_changed").await, 1);
}

#[tokio::test]
async fn password_change_keeps_remember_me() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let client = app.client();
    client.post("/login", &[("login", "zoe"), ("password", PASSWORD), ("remember", "on")]).await;
    let answer = submit(&client, "/account/password", &fields(PASSWORD, NEW)).await;
    assert!(answer.set_cookie("session").unwrap().contains("Max-Age=2592000"));
}

// ASVS 6.2.3
#[tokio::test]
async fn password_change_requires_current_password_and_counts_failures() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    client.remove_cookie("device");
    let missing = submit(&client, "/account/password", &fields("", NEW)).await;
    assert_eq!((missing.status, missing.error_fields()), (422, vec!["current_password".to_owned()]));
    for _ in 0..5 {
        let wrong = submit(&client, "/account/password", &fields("not the password at all", NEW)).await;
        assert_eq!((wrong.status, wrong.error_fields()), (422, vec!["current_password".to_owned()]));
        assert!(!wrong.body.contains(NEW), "a password is never sent back");
    }
    assert_eq!(submit(&client, "/account/password", &fields(PASSWORD, NEW)).await.status, 429);
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 429, "one budget for every page");
    assert!(client.is_signed_in().await);
}

#[tokio::test]
async fn password_change_enforces_policy_and_rejects_same_password() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    for (new, confirm, wrong) in [
        ("too short", "too short", &["password"][..]),
        ("passwordpassword", "passwordpassword", &["password"]),
        ("zoe@keepers.example", "zoe@keepers.example", &["password"]),
        (NEW, "something else altogether", &["password_confirm"]),
        (PASSWORD, PASSWORD, &["password"]),
        ("", "", &["password"]),
    ] {
        let fields = [("current_password", PASSWORD), ("password", new), ("password_confirm", confirm)];
        let answer = submit(&client, "/account/password", &fields).await;
        assert_eq!(
            (answer.status, answer.error_fields()),
            (422, wrong.iter().map(ToString::to_string).collect()),
            "{new}"
        );
    }
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn password_page_supports_password_managers() {
    let app = TestApp::spawn();
    assert_eq!(app.client().get("/.well-known/change-password").await.location(), "/account/password");
    let page = app.signed_in_client("zoe").await.get("/account/password").await.body;
    assert!(page.contains("value=\"zoe\" autocomplete=\"username\""), "{page}");
    assert_eq!(page.matches("autocomplete=\"new-password\"").count(), 2);
    assert_eq!(page.matches("autocomplete=\"current-password\"").count(), 1);
}
