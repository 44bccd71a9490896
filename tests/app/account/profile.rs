use std::time::Duration;

use crate::support::{
    PASSWORD, TestApp, WRONG_PASSWORD,
    client::{assert_field_errors, assert_redirect, assert_throttled},
};

/// Longer than the default time for which a sign-in counts as recent.
const NO_LONGER_RECENT: Duration = Duration::from_mins(11);

#[tokio::test]
async fn profile_change_applies_at_once_and_releases_old_names() {
    let app = TestApp::with(&["--session-cache", "10m"]);
    let client = app.signed_in_client("zoe").await;
    let answer = client.submit("/account", &[("username", "Ida"), ("email", "Ida@keepers.example")]).await;
    assert_redirect(&answer, "/account");
    let page = client.get("/account").await;
    assert!(page.body.contains("Your changes are saved.") && page.body.contains("value=\"ida\""), "{}", page.body);
    assert!(client.get("/").await.body.contains("Hello, ida"));
    assert_eq!(app.client().sign_in("ida@keepers.example", PASSWORD).await.status, 303);
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 422);
    app.signed_in_client("zoe").await;
    assert_eq!(app.event_count("profile_changed").await, 1);
}

#[tokio::test]
async fn profile_form_shows_field_errors_and_keeps_typed_values() {
    let app = TestApp::spawn();
    app.signed_in_client("eva").await;
    let client = app.signed_in_client("zoe").await;
    let answer = client.submit("/account", &[("username", "EVA"), ("email", "eva@Keepers.example")]).await;
    assert_field_errors(&answer, &["username", "email"]);
    assert!(answer.body.contains("value=\"EVA\""), "{}", answer.body);
    let answer = client.submit("/account", &[("username", "z"), ("email", "zoe")]).await;
    assert_field_errors(&answer, &["username", "email"]);
    let own = client.submit("/account", &[("username", "ZOE"), ("email", "Zoe@keepers.example")]).await;
    assert_eq!(own.status, 303, "the own username and address do not count as taken");
    assert!(client.get("/").await.body.contains("Hello, zoe"));
}

// ASVS 7.5.1
#[tokio::test]
async fn profile_change_requires_reauthentication_and_keeps_typed_values() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    assert!(!client.get("/account").await.body.contains("current_password"));
    app.clock.advance(NO_LONGER_RECENT);
    assert!(client.get("/account").await.body.contains("autocomplete=\"current-password\""));
    let changes = [("username", "ida"), ("email", "ida@keepers.example")];
    let without_password = client.submit("/account", &changes).await;
    assert_field_errors(&without_password, &["current_password"]);
    assert!(
        without_password.body.contains("value=\"ida\"")
            && without_password.body.contains("value=\"ida@keepers.example\"")
    );
    let wrong = client.submit("/account", &[&changes[..], &[("current_password", WRONG_PASSWORD)]].concat()).await;
    assert_field_errors(&wrong, &["current_password"]);
    let right = client.submit("/account", &[&changes[..], &[("current_password", PASSWORD)]].concat()).await;
    assert_eq!(right.status, 303);
    assert!(
        !client.get("/account").await.body.contains("current_password"),
        "the confirmed password makes the sign-in recent again"
    );
    assert_eq!(app.event_count("reauthenticated").await, 1);
}

#[tokio::test]
async fn profile_page_shares_the_login_failure_budget() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    client.remove_cookie("device");
    app.clock.advance(NO_LONGER_RECENT);
    for number in 0..5 {
        let fields = [("username", "ida"), ("email", "ida@keepers.example"), ("current_password", "wrong")];
        assert_eq!(client.submit("/account", &fields).await.status, 422, "failure {number}");
    }
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 429);
    let fields = [("username", "ida"), ("email", "ida@keepers.example"), ("current_password", PASSWORD)];
    let rejected = client.submit("/account", &fields).await;
    assert_throttled(&rejected, 1);
    assert!(rejected.body.contains("value=\"ida\""), "{}", rejected.body);
}

#[tokio::test]
async fn concurrent_renames_to_one_username_succeed_exactly_once() {
    let app = TestApp::with(&["--registration-rate", "0"]);
    let mut clients = Vec::new();
    for number in 0..64 {
        clients.push(app.signed_in_client(&format!("zoe{number}")).await);
    }
    let renames = clients.iter().enumerate().map(|(number, client)| async move {
        let email = format!("zoe{number}@keepers.example");
        client.submit("/account", &[("username", "theone"), ("email", &email)]).await
    });
    let answers = futures_util::future::join_all(renames).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    for rejected in answers.iter().filter(|answer| answer.status != 303) {
        assert_field_errors(rejected, &["username"]);
    }
}
