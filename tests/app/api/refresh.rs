//! Refresh tokens: each is good once.

use std::time::Duration;

use diesel::{QueryDsl, RunQueryDsl};
use gatehouse::{accounts::AdminAction, db::schema::sessions};
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp, client::Answer};

/// The public URL of both processes of a test, because it stands in tokens.
const PUBLIC: [&str; 2] = ["--public-url", "http://localhost:8080"];

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.client().call("POST", "/api/refresh", "", json!({"refresh_token": token})).await
}

async fn sessions(app: &TestApp) -> i64 {
    app.query(|conn| sessions::table.count().get_result(conn)).await
}

async fn user(app: &TestApp, token: &str) -> Answer {
    app.client().call("GET", "/api/user", token, Value::Null).await
}

#[tokio::test]
async fn refresh_replaces_both_tokens_and_keeps_the_session() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    let (access, first) = app.client().tokens("zoe").await;
    let answer = refresh(&app, &first).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{answer:?}");
    assert!(answer.json().get("user").is_none());
    let (new_access, second) = answer.tokens();
    assert!(second != first && new_access != access);
    for token in [&access, &new_access] {
        assert_eq!(user(&app, token).await.status, 200, "the session goes on");
    }
    // As flask-jwt-extended sends it.
    let answer = app.client().call("POST", "/api/refresh", &second, Value::Null).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let (_, third) = answer.tokens();
    let both = app.client().call("POST", "/api/refresh", &access, json!({"refresh_token": third})).await;
    assert_eq!(both.status, 200, "the body comes first: {both:?}");
    let none = app.client().call("POST", "/api/refresh", "", json!({})).await;
    assert_eq!(none.problem(), (401, "token_missing".to_owned()));
}

// RFC 9700, 4.14.2
#[tokio::test]
async fn refresh_token_that_is_used_again_ends_the_session() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    let (access, stolen) = app.client().tokens("zoe").await;
    let (_, second) = refresh(&app, &stolen).await.tokens();
    app.clock.advance(Duration::from_secs(10));
    assert_eq!(refresh(&app, &stolen).await.problem(), (401, "token_revoked".to_owned()));
    assert_eq!(refresh(&app, &second).await.problem(), (401, "token_revoked".to_owned()));
    assert_eq!(user(&app, &access).await.problem(), (401, "token_revoked".to_owned()));
    assert_eq!(app.event_count("refresh_token_reused").await, 1);
}

#[tokio::test]
async fn refresh_token_gets_the_same_successor_within_the_grace_unless_that_was_used() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    let (_, first) = app.client().tokens("zoe").await;
    let (_, second) = refresh(&app, &first).await.tokens();
    app.clock.advance(Duration::from_millis(9_999));
    assert_eq!(refresh(&app, &first).await.tokens().1, second);
    let (access, third) = refresh(&app, &second).await.tokens();
    assert_eq!(refresh(&app, &second).await.tokens().1, third);
    assert_eq!(refresh(&app, &first).await.problem(), (401, "token_revoked".to_owned()), "its successor was used");
    assert_eq!(user(&app, &access).await.status, 401);

    let strict = TestApp::with(&["--refresh-grace", "0s"]);
    strict.client().register("zoe").await;
    let (_, first) = strict.client().tokens("zoe").await;
    assert_eq!(refresh(&strict, &first).await.status, 200);
    assert_eq!(refresh(&strict, &first).await.problem(), (401, "token_revoked".to_owned()));
}

#[tokio::test]
async fn sixty_four_refreshes_at_once_get_one_successor() {
    let app = TestApp::with(&PUBLIC);
    let other = app.second_process(&PUBLIC);
    app.client().register_program("zoe").await;
    let (_, first) = app.client().tokens("zoe").await;
    let requests = (0..64).map(|number| refresh(if number % 2 == 0 { &app } else { &other }, &first));
    let answers = futures_util::future::join_all(requests).await;
    let mut successors: Vec<_> = answers.iter().map(|answer| answer.tokens().1).collect();
    successors.sort();
    successors.dedup();
    assert_eq!(successors.len(), 1);
    assert_eq!(refresh(&app, &successors[0]).await.status, 200);
}

#[tokio::test]
async fn refresh_tokens_survive_a_restart_and_are_good_in_every_process() {
    let app = TestApp::with(&PUBLIC);
    app.client().register_program("zoe").await;
    let (access, first) = app.client().tokens("zoe").await;
    let app = app.restart(&PUBLIC);
    assert_eq!(user(&app, &access).await.status, 200);
    let (_, second) = refresh(&app, &first).await.tokens();
    let other = app.second_process(&PUBLIC);
    assert_eq!(refresh(&other, &second).await.status, 200);
    app.clock.advance(Duration::from_secs(10));
    assert_eq!(refresh(&app, &second).await.problem(), (401, "token_revoked".to_owned()), "reuse is seen here as well");
}

#[tokio::test]
async fn refresh_token_expires_without_use_and_with_the_session() {
    let app = TestApp::with(&["--refresh-idle", "1h", "--refresh-lifetime", "100m"]);
    app.client().register("zoe").await;
    let (_, mut token) = app.client().tokens("zoe").await;
    app.clock.advance(Duration::from_mins(59));
    let answer = refresh(&app, &token).await;
    assert_eq!(answer.json()["refresh_expires_in"], json!(41 * 60), "the lifetime is nearer than the idle time");
    token = answer.tokens().1;
    app.clock.advance(Duration::from_mins(41));
    assert_eq!(refresh(&app, &token).await.problem(), (401, "token_expired".to_owned()));

    let (_, token) = app.client().tokens("zoe").await;
    app.clock.advance(Duration::from_hours(1));
    assert_eq!(refresh(&app, &token).await.problem(), (401, "token_expired".to_owned()));
}

#[tokio::test]
async fn use_of_the_access_token_keeps_the_session_in_use() {
    let app = TestApp::with(&["--refresh-idle", "10m", "--access-token-lifetime", "1h"]);
    app.client().register("zoe").await;
    let (access, refresh_token) = app.client().tokens("zoe").await;
    app.clock.advance(Duration::from_mins(9));
    assert_eq!(user(&app, &access).await.status, 200);
    app.clock.advance(Duration::from_mins(9));
    assert_eq!(refresh(&app, &refresh_token).await.status, 200);
}

#[tokio::test]
async fn refresh_after_the_end_of_the_session_is_refused() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    let changes: [(&str, AdminAction); 3] =
        [("sign-out", AdminAction::SignOut), ("disable", AdminAction::Disable), ("delete", AdminAction::Delete)];
    for (name, action) in changes {
        let (access, token) = app.client().tokens("zoe").await;
        app.operate("zoe", action).await;
        assert_eq!(refresh(&app, &token).await.problem(), (401, "token_revoked".to_owned()), "{name}");
        assert_eq!(user(&app, &access).await.problem(), (401, "token_revoked".to_owned()), "{name}");
        if name == "disable" {
            app.operate("zoe", AdminAction::Enable).await;
        }
    }
}

#[tokio::test]
async fn change_of_the_password_ends_sessions_of_programs() {
    let app = TestApp::spawn();
    let zoe = app.signed_in_client("zoe").await;
    let (access, token) = app.client().tokens("zoe").await;
    let new = "another wall with two dark doors";
    let fields = [("current_password", PASSWORD), ("password", new), ("password_confirm", new)];
    assert_eq!(zoe.submit("/account/password", &fields).await.status, 303);
    assert_eq!(user(&app, &access).await.problem(), (401, "token_revoked".to_owned()));
    assert_eq!(refresh(&app, &token).await.problem(), (401, "token_revoked".to_owned()));
}

#[tokio::test]
async fn program_stands_among_the_sessions_and_can_be_ended_there() {
    let app = TestApp::spawn();
    let zoe = app.signed_in_client("zoe").await;
    let body = json!({"login": "zoe", "password": PASSWORD});
    let request = app.client().request("POST", "/api/login").header("user-agent", "backup-script/2.1 (nightly)");
    let request = request.header("content-type", "application/json").body(body.to_string());
    let (access, token) = app.client().send(request).await.tokens();
    let page = zoe.get("/account/sessions").await.body;
    assert!(page.contains("backup-script/2.1"), "{page}");
    let path = page.split("action=\"").find_map(|part| part.split_once("/end\"")).unwrap().0;
    assert_eq!(zoe.submit(&format!("{path}/end"), &[]).await.status, 303);
    assert_eq!(user(&app, &access).await.problem(), (401, "token_revoked".to_owned()));
    assert_eq!(refresh(&app, &token).await.problem(), (401, "token_revoked".to_owned()));
}

#[tokio::test]
async fn sessions_of_programs_count_for_the_limit_of_an_account() {
    let app = TestApp::with(&["--sessions-per-account", "3"]);
    app.client().register("zoe").await;
    let (first, _) = app.client().tokens("zoe").await;
    for _ in 0..3 {
        app.clock.advance(Duration::from_secs(1));
        app.client().tokens("zoe").await;
    }
    assert_eq!(user(&app, &first).await.problem(), (401, "token_revoked".to_owned()));
}

#[tokio::test]
async fn expired_sessions_of_programs_are_deleted_in_the_background() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    app.client().tokens("zoe").await;
    app.clock.advance(Duration::from_hours(6 * 24));
    app.delete_expired().await;
    assert_eq!(sessions(&app).await, 1, "the browser's is gone, the program's is good for seven days");
    app.clock.advance(Duration::from_hours(25));
    app.delete_expired().await;
    assert_eq!(sessions(&app).await, 0);
}
