//! Registration and sign-in: the same rules and budgets as on the pages.

use gatehouse::accounts::AdminAction;
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp, WRONG_PASSWORD, client::Answer};

fn registration(name: &str) -> Value {
    json!({"username": name, "email": format!("{name}@keepers.example"), "password": PASSWORD})
}

/// Returns field and code of each error of an answer.
fn field_errors(answer: &Answer) -> Vec<(String, String)> {
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    errors.iter().map(|error| (text(error, "field"), text(error, "code"))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect()
}

#[tokio::test]
async fn registration_creates_an_account_and_answers_tokens_and_user() {
    let app = TestApp::spawn();
    for (path, name) in [("/api/register", "zoe"), ("/api/registration", "eva")] {
        let answer = app.client().call("POST", path, "", registration(name)).await;
        assert_eq!((answer.status, answer.header("content-type")), (201, "application/json"), "{answer:?}");
        assert_eq!(answer.header("cache-control"), "no-store");
        let body = answer.json();
        assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(600)));
        assert_eq!(body["refresh_expires_in"], json!(7 * 24 * 3600));
        assert_eq!((&body["user"]["username"], &body["user"]["roles"]), (&json!(name), &json!([])));
        let user = app.client().call("GET", "/api/user", &answer.tokens().0, Value::Null).await;
        assert_eq!((user.status, user.json()), (200, body["user"].clone()));
    }
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 303, "on the page as well");
}

#[tokio::test]
async fn all_errors_of_a_registration_are_told_at_once_with_their_codes() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    for (body, expected) in [
        (json!({}), &[("username", "missing"), ("email", "missing"), ("password", "missing")][..]),
        (
            json!({"username": "-a-", "email": "nothing", "password": "short"}),
            &[("username", "malformed"), ("email", "malformed"), ("password", "too_short")],
        ),
        (registration("zoe"), &[("username", "taken"), ("email", "taken")]),
        (
            json!({"username": "admin", "email": "eva@keepers.example", "password": PASSWORD}),
            &[("username", "reserved")],
        ),
        (
            json!({"username": "eva", "email": "eva@keepers.example", "password": "password12345678"}),
            &[("password", "common")],
        ),
    ] {
        let answer = app.client().call("POST", "/api/register", "", body.clone()).await;
        assert_eq!(answer.problem(), (422, "validation_failed".to_owned()), "{body}");
        assert_eq!(field_errors(&answer), pairs(expected), "{body}");
    }
}

#[tokio::test]
async fn registration_by_the_api_follows_the_setting_and_uses_invitations_up() {
    let app = TestApp::with(&["--registration", "invite"]);
    let post = async |body: Value| app.client().call("POST", "/api/register", "", body).await;
    assert_eq!(post(registration("zoe")).await.problem(), (403, "forbidden".to_owned()));
    let operator = gatehouse::client::Client::anonymous();
    let hour = std::time::Duration::from_hours(1);
    let role = "staff".parse().unwrap();
    let token = app.state.accounts.invite(vec![role], hour, &operator).await.unwrap();
    let invited = |name: &str, invite: &str| {
        let mut body = registration(name);
        body["invite"] = json!(invite);
        body
    };
    let wrong = post(invited("zoe", "x")).await;
    assert_eq!(field_errors(&wrong), pairs(&[("invite", "invalid")]));
    let zoe = post(invited("zoe", &token.expose())).await;
    assert_eq!((zoe.status, &zoe.json()["user"]["roles"]), (201, &json!(["staff"])));
    let again = post(invited("eva", &token.expose())).await;
    assert_eq!((again.status, field_errors(&again)), (422, pairs(&[("invite", "invalid")])));

    let closed = TestApp::with(&["--registration", "closed"]);
    let answer = closed.client().call("POST", "/api/register", "", registration("zoe")).await;
    assert_eq!(answer.problem(), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn user_name_or_address_is_accepted_under_each_of_four_names() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    for name in ["login", "username", "email", "usernameOrEmail"] {
        for value in ["zoe", "zoe@keepers.example"] {
            let body = json!({name: value, "password": PASSWORD});
            let answer = app.client().call("POST", "/api/login", "", body).await;
            assert_eq!((answer.status, &answer.json()["user"]["username"]), (200, &json!("zoe")), "{name}: {value}");
        }
        let answer = app.client().call("POST", "/api/login", "", json!({name: "", "password": ""})).await;
        assert_eq!(field_errors(&answer), pairs(&[(name, "missing"), ("password", "missing")]));
    }
    let two = json!({"login": "zoe", "email": "zoe@keepers.example", "password": PASSWORD});
    assert_eq!(app.client().call("POST", "/api/login", "", two).await.problem().1, "malformed_body");
}

#[tokio::test]
async fn wrong_password_unknown_and_disabled_account_have_the_same_answer() {
    let app = TestApp::spawn();
    for name in ["zoe", "eva"] {
        app.client().register(name).await;
    }
    app.operate("eva", AdminAction::Disable).await;
    let mut answers = Vec::new();
    for (login, password) in [("zoe", WRONG_PASSWORD), ("unknown", PASSWORD), ("eva", PASSWORD)] {
        let hashes = app.state.accounts.hashes_computed();
        let body = json!({"login": login, "password": password});
        let answer = app.client().call("POST", "/api/login", "", body).await;
        assert_eq!(answer.problem(), (401, "invalid_credentials".to_owned()), "{login}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(app.state.accounts.hashes_computed(), hashes + 1, "{login}");
        answers.push(answer.json()["detail"].clone());
    }
    assert!(answers.iter().all(|detail| *detail == answers[0]));
    app.flush().await;
    assert_eq!(app.event_count("sign_in_failed").await, 3);
}

#[tokio::test]
async fn failures_of_pages_and_api_count_in_one_budget() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    let client = app.client();
    for attempt in 0..5 {
        if attempt % 2 == 0 {
            client.sign_in("zoe", WRONG_PASSWORD).await;
        } else {
            client.call("POST", "/api/login", "", json!({"login": "zoe", "password": WRONG_PASSWORD})).await;
        }
    }
    let hashes = app.state.accounts.hashes_computed();
    for path in ["/api/login", "/api/token/"] {
        let answer = client.call("POST", path, "", json!({"username": "zoe", "password": PASSWORD})).await;
        assert_eq!(answer.problem(), (429, "too_many_attempts".to_owned()), "{path}");
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert_eq!(app.state.accounts.hashes_computed(), hashes, "refused before the work");
    assert_eq!(client.sign_in("zoe", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn successful_sign_ins_of_the_api_are_limited_per_account() {
    let app = TestApp::with(&["--sign-in-rate", "3/1h"]);
    app.client().register("zoe").await;
    let body = json!({"login": "zoe", "password": PASSWORD});
    for _ in 0..3 {
        assert_eq!(app.client().call("POST", "/api/login", "", body.clone()).await.status, 200);
    }
    let (access, refresh) = app.client().call("POST", "/api/login", "", body).await.problem();
    assert_eq!((access, refresh.as_str()), (429, "too_many_attempts"));
}

#[tokio::test]
async fn registrations_of_a_network_are_limited_over_pages_and_api() {
    let app = TestApp::with(&["--registration-rate", "2/1h"]);
    assert_eq!(app.client().register("zoe").await.status, 303);
    assert_eq!(app.client().call("POST", "/api/register", "", registration("eva")).await.status, 201);
    let answer = app.client().call("POST", "/api/register", "", registration("ida")).await;
    assert_eq!(answer.problem(), (429, "too_many_attempts".to_owned()));
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test]
async fn names_of_simplejwt_lead_to_the_same_tokens() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    let credentials = json!({"username": "zoe", "password": PASSWORD});
    let answer = app.client().call("POST", "/api/token/", "", credentials).await;
    let first = answer.json();
    assert_eq!((answer.status, first.as_object().unwrap().len()), (200, 2), "{answer:?}");
    let access = first["access"].as_str().unwrap();
    assert_eq!(app.client().call("GET", "/api/user", access, Value::Null).await.status, 200);
    let answer = app.client().call("POST", "/api/token/refresh/", "", json!({"refresh": first["refresh"]})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_ne!(answer.json()["refresh"], first["refresh"]);
    let answer = app.client().call("POST", "/api/token/", "", json!({"username": "zoe", "password": "x"})).await;
    assert_eq!(answer.problem(), (401, "invalid_credentials".to_owned()));
    let answer = app.client().call("POST", "/api/token/refresh/", "", json!({})).await;
    assert_eq!(answer.problem(), (401, "token_missing".to_owned()));
}
