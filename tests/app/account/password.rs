use crate::support::{
    PASSWORD, TestApp, WRONG_PASSWORD,
    client::{assert_field_errors, assert_redirect},
};

const NEW_PASSWORD: &str = "seventeen geese on a crooked chimney";

fn fields<'a>(current: &'a str, new: &'a str) -> [(&'a str, &'a str); 3] {
    [("current_password", current), ("password", new), ("password_confirm", new)]
}

// ASVS 6.2.2, 7.4.3
#[tokio::test]
async fn password_change_revokes_other_sessions_and_rotates_session_id() {
    let app = TestApp::with(&["--session-cache", "1m"]);
    let client = app.signed_in_client("zoe").await;
    let other_client = app.client();
    other_client.sign_in("zoe", PASSWORD).await;
    assert!(other_client.is_signed_in().await);
    let before = client.fork();

    let answer = client.submit("/account/password", &fields(PASSWORD, NEW_PASSWORD)).await;

    assert_redirect(&answer, "/account");
    assert!(client.get("/account").await.body.contains("Your password is changed."));
    assert!(!other_client.is_signed_in().await);
    assert!(!before.is_signed_in().await, "the previous session id is revoked too");
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 422);
    assert_eq!(app.client().sign_in("zoe", NEW_PASSWORD).await.status, 303);
    assert_eq!(app.event_count("password_changed").await, 1);
}

#[tokio::test]
async fn password_change_keeps_remember_me() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let client = app.client();
    client.sign_in_remembered("zoe", PASSWORD).await;
    let answer = client.submit("/account/password", &fields(PASSWORD, NEW_PASSWORD)).await;
    assert!(answer.set_cookie("session").unwrap().contains("Max-Age=2592000"));
}

// ASVS 6.2.3
#[tokio::test]
async fn password_change_requires_current_password_and_counts_failures() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    client.remove_cookie("device");
    let missing = client.submit("/account/password", &fields("", NEW_PASSWORD)).await;
    assert_field_errors(&missing, &["current_password"]);
    for _ in 0..5 {
        let wrong = client.submit("/account/password", &fields(WRONG_PASSWORD, NEW_PASSWORD)).await;
        assert_field_errors(&wrong, &["current_password"]);
        assert!(!wrong.body.contains(NEW_PASSWORD), "a response never contains a password");
    }
    assert_eq!(client.submit("/account/password", &fields(PASSWORD, NEW_PASSWORD)).await.status, 429);
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 429, "all pages share one failure budget");
    assert!(client.is_signed_in().await);
}

#[tokio::test]
async fn password_change_enforces_policy_and_rejects_same_password() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    for (new, confirm, error_fields) in [
        ("too short", "too short", &["password"][..]),
        ("passwordpassword", "passwordpassword", &["password"]),
        ("zoe@keepers.example", "zoe@keepers.example", &["password"]),
        (NEW_PASSWORD, "something else altogether", &["password_confirm"]),
        (PASSWORD, PASSWORD, &["password"]),
        ("", "", &["password"]),
    ] {
        let fields = [("current_password", PASSWORD), ("password", new), ("password_confirm", confirm)];
        let answer = client.submit("/account/password", &fields).await;
        assert_eq!(answer.status, 422, "{new}");
        assert_eq!(answer.error_fields(), error_fields, "{new}");
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
