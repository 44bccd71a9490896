use std::time::Duration;

use super::submit;
use crate::support::{PASSWORD, TestApp};

const LATER: Duration = Duration::from_mins(11);

#[tokio::test]
async fn profile_change_applies_at_once_and_releases_old_names() {
    let app = TestApp::with(&["--session-cache", "10m"]);
    let client = app.signed_in_client("zoe").await;
    let answer = submit(&client, "/account", &[("username", "Ida"), ("email", "Ida@keepers.example")]).await;
    assert_eq!((answer.status, answer.location()), (303, "/account"));
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
    let answer = submit(&client, "/account", &[("username", "EVA"), ("email", "eva@Keepers.example")]).await;
    assert_eq!((answer.status, answer.error_fields()), (422, vec!["username".to_owned(), "email".to_owned()]));
    assert!(answer.body.contains("value=\"EVA\""), "{}", answer.body);
    let answer = submit(&client, "/account", &[("username", "z"), ("email", "zoe")]).await;
    assert_eq!(answer.error_fields(), ["username", "email"]);
    let own = submit(&client, "/account", &[("username", "ZOE"), ("email", "Zoe@keepers.example")]).await;
    assert_eq!(own.status, 303, "one's own names are not taken");
    assert!(client.get("/").await.body.contains("Hello, zoe"));
}

// ASVS 7.5.1
#[tokio::test]
async fn profile_change_requires_reauthentication_and_keeps_typed_values() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    assert!(!client.get("/account").await.body.contains("current_password"));
    app.clock.advance(LATER);
    assert!(client.get("/account").await.body.contains("autocomplete=\"current-password\""));
    let wanted = [("username", "ida"), ("email", "ida@keepers.example")];
    let asked = submit(&client, "/account", &wanted).await;
    assert_eq!((asked.status, asked.error_fields()), (422, vec!["current_password".to_owned()]));
    assert!(asked.body.contains("value=\"ida\"") && asked.body.contains("value=\"ida@keepers.example\""));
    let wrong =
        submit(&client, "/account", &[&wanted[..], &[("current_password", "not the password at all")]].concat()).await;
    assert_eq!((wrong.status, wrong.error_fields()), (422, vec!["current_password".to_owned()]));
    let right = submit(&client, "/account", &[&wanted[..], &[("current_password", PASSWORD)]].concat()).await;
    assert_eq!(right.status, 303);
    assert!(!client.get("/account").await.body.contains("current_password"), "now it is recent again");
    assert_eq!(app.event_count("reauthenticated").await, 1);
}

// One gate, one budget, whatever page asks.
#[tokio::test]
async fn profile_page_shares_the_login_failure_budget() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    client.remove_cookie("device");
    app.clock.advance(LATER);
    for number in 0..5 {
        let fields = [("username", "ida"), ("email", "ida@keepers.example"), ("current_password", "wrong")];
        assert_eq!(submit(&client, "/account", &fields).await.status, 422, "failure {number}");
    }
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 429);
    let fields = [("username", "ida"), ("email", "ida@keepers.example"), ("current_password", PASSWORD)];
    let refused = submit(&client, "/account", &fields).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    assert!(refused.body.contains("value=\"ida\""), "{}", refused.body);
}

#[tokio::test]
async fn concurrent_renames_to_one_username_succeed_exactly_once() {
    let app = TestApp::with(&["--registration-rate", "0"]);
    let mut people = Vec::new();
    for number in 0..64 {
        people.push(app.signed_in_client(&format!("zoe{number}")).await);
    }
    let changes = people.iter().enumerate().map(|(number, client)| async move {
        let email = format!("zoe{number}@keepers.example");
        submit(client, "/account", &[("username", "theone"), ("email", &email)]).await
    });
    let answers = futures_util::future::join_all(changes).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 303) {
        assert_eq!((refused.status, refused.error_fields()), (422, vec!["username".to_owned()]));
    }
}
