use std::time::Duration;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use gatehouse::db::schema::{accounts, events, sessions};

use crate::support::{
    PASSWORD, START, TestApp, WRONG_PASSWORD,
    client::{assert_field_errors, assert_redirect},
};

// ASVS 7.4.2
#[tokio::test]
async fn account_deletion_removes_sessions_and_anonymizes_events() {
    let app = TestApp::with(&["--session-cache", "1m"]);
    let (client, other_account) = (app.signed_in_client("zoe").await, app.signed_in_client("eva").await);
    let other_client = app.client();
    other_client.sign_in("zoe", PASSWORD).await;
    assert!(other_client.is_signed_in().await);
    // The event of this rejection may still be buffered when the account is deleted.
    assert_eq!(other_client.post("/logout", &[]).await.status, 403);

    let answer = client.submit("/account/delete", &[("confirm", "Zoe"), ("current_password", PASSWORD)]).await;

    assert_redirect(&answer, "/login");
    assert!(answer.set_cookie("session").unwrap().contains("Max-Age=0"));
    assert!(client.get("/login").await.body.contains("Your account is deleted."));
    assert!(!other_client.is_signed_in().await);
    assert!(other_account.is_signed_in().await);
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 422);
    let (accounts, sessions) = app
        .query(|conn| {
            Ok((accounts::table.count().get_result::<i64>(conn)?, sessions::table.count().get_result::<i64>(conn)?))
        })
        .await;
    assert_eq!((accounts, sessions), (1, 1));
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
    let addresses: Vec<String> = app
        .query(|conn| events::table.filter(events::kind.eq("form_refused")).select(events::address).load(conn))
        .await;
    assert!(addresses.iter().all(String::is_empty), "{addresses:?}");
    let rows = format!("{rows:?}");
    assert!(!rows.contains("zoe"), "{rows}");
}

#[tokio::test]
async fn account_deletion_requires_username_and_password() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    for (fields, error_fields) in [
        (&[][..], &["confirm", "current_password"][..]),
        (&[("confirm", "zoe")], &["current_password"]),
        (&[("confirm", "eva"), ("current_password", PASSWORD)], &["confirm"]),
        (&[("confirm", "zoe"), ("current_password", WRONG_PASSWORD)], &["current_password"]),
    ] {
        let answer = client.submit("/account/delete", fields).await;
        assert_field_errors(&answer, error_fields);
    }
    assert!(client.is_signed_in().await);
    assert_eq!(app.event_count("account_deleted").await, 0);
}

#[tokio::test]
async fn right_password_of_a_refused_deletion_counts_as_no_failure() {
    let app = TestApp::spawn();
    let client = app.administrator("zoe").await;
    client.remove_cookie("device");
    for _ in 0..5 {
        let deletion = [("confirm", "zoe"), ("current_password", PASSWORD)];
        assert_eq!(client.submit("/account/delete", &deletion).await.status, 422, "the last administrator");
    }
    assert_redirect(&app.client().sign_in("zoe", PASSWORD).await, "/");
}

#[tokio::test]
async fn deleted_username_stays_reserved_and_email_is_released_at_once() {
    let app = TestApp::with(&["--name-reserved", "30d"]);
    let client = app.signed_in_client("zoe").await;
    client.submit("/account/delete", &[("confirm", "zoe"), ("current_password", PASSWORD)]).await;
    assert_field_errors(&app.client().register("ZOE").await, &["username"]);
    let other = app.signed_in_client("eva").await;
    let renamed = other.submit("/account", &[("username", "zoe"), ("email", "zoe@keepers.example")]).await;
    assert_field_errors(&renamed, &["username"]);
    app.clock.advance(Duration::from_hours(24 * 30));
    app.delete_expired().await;
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

#[tokio::test]
async fn deleted_username_stays_reserved_when_the_secret_is_rotated() {
    const ONE: &str = "cXVpZXQtd2FsbC13aXRoLW9uZS1saXQtZG9vcg-one";
    const TWO: &str = "c2V2ZW4tZ2Vlc2UtYmVoaW5kLWFuLW9sZC1taWxs-two";
    let app = TestApp::with(&["--secret", ONE]);
    let client = app.signed_in_client("zoe").await;
    let deletion = [("confirm", "zoe"), ("current_password", PASSWORD)];
    assert_redirect(&client.submit("/account/delete", &deletion).await, "/login");
    let app = app.restart(&["--secret", TWO, "--previous-secrets", ONE]);
    assert_field_errors(&app.client().register("zoe").await, &["username"]);
}

/// Returns how many events have an address.
async fn events_with_address(app: &TestApp) -> i64 {
    app.query(|conn| events::table.filter(events::address.ne("")).count().get_result(conn)).await
}

#[tokio::test]
async fn events_that_another_process_writes_after_a_deletion_have_no_address() {
    let app = TestApp::spawn();
    let second = app.second_process(&[]);
    let client = app.signed_in_client("zoe").await;
    // Counted in the memory of the second process.
    assert_eq!(client.against(&second.address).post("/logout", &[]).await.status, 403);
    let deletion = [("confirm", "zoe"), ("current_password", PASSWORD)];
    assert_redirect(&client.submit("/account/delete", &deletion).await, "/login");
    second.flush().await;
    let refused = events::table.filter(events::kind.eq("form_refused")).count();
    assert_eq!(app.query(move |conn| refused.get_result::<i64>(conn)).await, 1);
    assert_eq!(events_with_address(&app).await, 0);
}

#[tokio::test]
async fn deletion_of_an_account_with_many_rows_is_finished_after_a_restart() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let other = app.client();
    assert_eq!(other.sign_in("zoe", PASSWORD).await.status, 303);
    let account = client.account_id().await;
    app.insert_events(account, 2400, START).await;
    app.insert_sessions(account, 1200).await;
    let deletion = [("confirm", "zoe"), ("current_password", PASSWORD)];
    assert_redirect(&client.submit("/account/delete", &deletion).await, "/login");
    assert!(!other.is_signed_in().await);
    let app = app.restart(&[]);
    app.clean_up().await;
    assert_eq!(app.query(|conn| sessions::table.count().get_result::<i64>(conn)).await, 0);
    assert_eq!(events_with_address(&app).await, 0);
}
