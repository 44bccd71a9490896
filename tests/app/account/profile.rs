use std::time::Duration;

use crate::support::{
    PASSWORD, TestApp, WRONG_PASSWORD,
    client::{Client, RegisterForm, assert_field_errors, assert_redirect, assert_throttled},
};

/// Longer than the default time for which a sign-in counts as recent.
const NO_LONGER_RECENT: Duration = Duration::from_mins(11);

#[tokio::test]
async fn profile_change_applies_at_once_and_releases_the_old_address() {
    let app = TestApp::with(&["--session-cache", "1m"]);
    let client = app.signed_in_client("zoe").await;
    let answer = client.submit("/account", &[("username", "Ida"), ("email", "Ida@keepers.example")]).await;
    assert_redirect(&answer, "/account");
    let page = client.get("/account").await;
    assert!(page.body.contains("Your changes are saved.") && page.body.contains("value=\"ida\""), "{}", page.body);
    assert!(client.get("/").await.body.contains("Hello, ida"));
    assert_eq!(app.client().sign_in("ida@keepers.example", PASSWORD).await.status, 303);
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 422);
    let form = RegisterForm { username: "eva", ..RegisterForm::default() };
    assert_eq!(app.client().register_with(form).await.status, 303);
    assert_eq!(app.event_count("profile_changed").await, 1);
}

#[tokio::test]
async fn former_username_is_reserved_for_its_owner() {
    let app = TestApp::with(&["--name-reserved", "30d"]);
    let (zoe, eva) = (app.signed_in_client("zoe").await, app.signed_in_client("eva").await);
    let rename = async |client: &Client, username: &str, email: &str| {
        client.submit("/account", &[("username", username), ("email", email), ("current_password", PASSWORD)]).await
    };
    assert_eq!(rename(&zoe, "ida", "zoe@keepers.example").await.status, 303);
    let form = RegisterForm { email: "new@keepers.example", ..RegisterForm::default() };
    assert_field_errors(&app.client().register_with(form).await, &["username"]);
    assert_field_errors(&rename(&eva, "zoe", "eva@keepers.example").await, &["username"]);
    assert_eq!(rename(&zoe, "zoe", "zoe@keepers.example").await.status, 303, "the owner may have it back");
    // Renaming often does not take many names from others: only the last five are reserved.
    for name in ["name1", "name2", "name3", "name4", "name5", "name6", "zoe"] {
        assert_eq!(rename(&zoe, name, "zoe@keepers.example").await.status, 303, "{name}");
        app.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(rename(&eva, "name1", "eva@keepers.example").await.status, 303);
    assert_field_errors(&rename(&eva, "name2", "eva@keepers.example").await, &["username"]);
    app.clock.advance(Duration::from_hours(24 * 30));
    app.delete_expired().await;
    assert_eq!(app.client().register("name2").await.status, 303);
}

#[tokio::test]
async fn changes_of_an_account_are_limited() {
    let app = TestApp::with(&["--sign-in-rate", "3/1h"]);
    let client = app.signed_in_client("zoe").await;
    let rename = async |number: usize| {
        let username = format!("zoe{number}");
        client.submit("/account", &[("username", &username), ("email", "zoe@keepers.example")]).await
    };
    for number in 0..3 {
        assert_eq!(rename(number).await.status, 303);
    }
    assert_throttled(&rename(3).await, 3600);
    assert_eq!(app.event_count("profile_changed").await, 3);
    assert_eq!(client.submit("/account/sessions/end-others", &[]).await.status, 303, "ending sessions always works");
    app.clock.advance(Duration::from_mins(59));
    assert_eq!(app.client().sign_in("zoe2", PASSWORD).await.status, 303, "sign-ins are counted apart");
}

// ASVS 7.2.4
#[tokio::test]
async fn reauthentication_renews_the_session_and_ends_copies_of_its_cookie() {
    let app = TestApp::with(&["--session-cache", "1m"]);
    let client = app.signed_in_client("zoe").await;
    let copy = client.fork();
    app.clock.advance(NO_LONGER_RECENT);
    assert!(copy.is_signed_in().await);
    let changes = [("username", "ida"), ("email", "zoe@keepers.example"), ("current_password", PASSWORD)];
    assert_eq!(client.submit("/account", &changes).await.status, 303);
    assert!(client.is_signed_in().await);
    assert!(!copy.is_signed_in().await, "the copy must not become recently authenticated with the owner");
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
async fn right_password_of_a_refused_profile_change_counts_as_no_failure() {
    let app = TestApp::with(&["--sign-in-rate", "6/1h"]);
    let client = app.signed_in_client("zoe").await;
    client.remove_cookie("device");
    for username in ["zoe1", "zoe2", "zoe3", "zoe4", "zoe5", "zoe6"] {
        let changes = [("username", username), ("email", "zoe@keepers.example")];
        assert_redirect(&client.submit("/account", &changes).await, "/account");
    }
    app.clock.advance(NO_LONGER_RECENT);
    let changes = [("username", "zoe"), ("email", "zoe@keepers.example"), ("current_password", PASSWORD)];
    for _ in 0..5 {
        assert_throttled(&client.submit("/account", &changes).await, 49 * 60);
    }
    assert_redirect(&app.client().sign_in("zoe6", PASSWORD).await, "/");
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
