use std::time::Duration;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use gatehouse::db::schema::{accounts, events, sessions};

use super::submit;
use crate::support::{PASSWORD, TestApp};

// ASVS 7.4.2
#[tokio::test]
async fn account_deletion_removes_sessions_and_anonymizes_events() {
    let app = TestApp::with(&["--session-cache", "10m"]);
    let (client, stranger) = (app.signed_in_client("zoe").await, app.signed_in_client("eva").await);
    let elsewhere = app.client();
    elsewhere.sign_in("zoe", PASSWORD).await;
    assert!(elsewhere.is_signed_in().await);
    // Noted and perhaps not written yet.
    assert_eq!(elsewhere.post("/logout", &[]).await.status, 403);

    let answer = submit(&client, "/account/delete", &[("confirm", "Zoe"), ("current_password", PASSWORD)]).await;

    assert_eq!((answer.status, answer.location()), (303, "/login"));
    assert!(answer.set_cookie("session").unwrap().contains("Max-Age=0"));
    assert!(client.get("/login").await.body.contains("Your account is deleted."));
    assert!(!elsewhere.is_signed_in().await);
    assert!(stranger.is_signed_in().await);
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 422);
    let (people, signed_in) = app
        .query(|conn| {
            Ok((accounts::table.count().get_result::<i64>(conn)?, sessions::table.count().get_result::<i64>(conn)?))
        })
        .await;
    assert_eq!((people, signed_in), (1, 1));
    let rows: Vec<(String, String, String)> = app
        .query(|conn| {
            events::table.order(events::id).select((events::kind, events::address, events::user_agent)).load(conn)
        })
        .await;
    let of_zoe: Vec<_> =
        rows.iter().filter(|(_, address, _)| address != "127.0.0.1").map(|(kind, ..)| kind.as_str()).collect();
    let of_zoe: Vec<_> = of_zoe.into_iter().filter(|kind| *kind != "form_refused").collect();
    assert_eq!(of_zoe, ["registered", "signed_in", "account_deleted"]);
    app.flush().await;
    let refused: Vec<String> = app
        .query(|conn| events::table.filter(events::kind.eq("form_refused")).select(events::address).load(conn))
        .await;
    assert!(refused.iter().all(String::is_empty), "{refused:?}");
    let kept = format!("{rows:?}");
    assert!(!kept.contains("zoe"), "{kept}");
}

#[tokio::test]
async fn account_deletion_requires_username_and_password() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    for (fields, wrong) in [
        (&[][..], &["confirm", "current_password"][..]),
        (&[("confirm", "zoe")], &["current_password"]),
        (&[("confirm", "eva"), ("current_password", PASSWORD)], &["confirm"]),
        (&[("confirm", "zoe"), ("current_password", "not the password at all")], &["current_password"]),
    ] {
        let answer = submit(&client, "/account/delete", fields).await;
        let expected: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        assert_eq!((answer.status, answer.error_fields()), (422, expected));
    }
    assert!(client.is_signed_in().await);
    assert_eq!(app.event_count("account_deleted").await, 0);
}

#[tokio::test]
async fn deleted_username_stays_reserved_and_email_is_released_at_once() {
    let app = TestApp::with(&["--name-reserved", "30d"]);
    let client = app.signed_in_client("zoe").await;
    submit(&client, "/account/delete", &[("confirm", "zoe"), ("current_password", PASSWORD)]).await;
    assert_eq!(app.client().register("ZOE").await.error_fields(), ["username"]);
    let other = app.signed_in_client("eva").await;
    let renamed = submit(&other, "/account", &[("username", "zoe"), ("email", "zoe@keepers.example")]).await;
    assert_eq!((renamed.status, renamed.error_fields()), (422, vec!["username".to_owned()]));
    app.clock.advance(Duration::from_hours(24 * 30));
    gatehouse::server::clean(&app.state).await;
    assert_eq!(app.client().register("zoe").await.status, 303);
}

#[tokio::test]
async fn deleting_twice_is_idempotent() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let token = client.csrf_token().await;
    let fields = [("csrf_token", token.as_str()), ("confirm", "zoe"), ("current_password", PASSWORD)];
    let windows = [client.fork(), client.fork(), client.fork()];
    let answers =
        futures_util::future::join_all(windows.iter().map(|window| window.post("/account/delete", &fields))).await;
    assert!(answers.iter().all(|answer| matches!(answer.status, 303 | 422 | 503)), "{answers:?}");
    assert_eq!(app.event_count("account_deleted").await, 1);
}
