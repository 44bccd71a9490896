//! What a transaction owns: its events, their log lines, and the invalidation of cached sessions.

use std::time::Duration;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use gatehouse::{
    accounts::AccountId,
    client::Client,
    db::{
        Error,
        schema::{accounts, events, sessions},
    },
    events::EventKind,
    transaction::Transaction,
};

use crate::support::{PASSWORD, TestApp, WRONG_PASSWORD};

/// Deletes all sessions without the process noticing, as another process would. Its cache still holds them.
async fn delete_sessions_of_another_process(app: &TestApp) {
    app.query(|conn| diesel::delete(sessions::table).execute(conn)).await;
}

#[tokio::test]
async fn panicking_transaction_invalidates_cached_sessions() {
    let app = TestApp::with(&["--session-cache", "1m"]);
    let client = app.signed_in_client("zoe").await;
    assert!(client.is_signed_in().await);
    delete_sessions_of_another_process(&app).await;
    assert!(client.is_signed_in().await, "the session is cached");

    let panics = |tx: &mut Transaction<'_>| -> Result<(), Error> {
        let account = only_account(tx)?;
        tx.invalidate(account);
        panic!("the server stopped answering during COMMIT");
    };
    let outcome = app.state.core.transactions.run(&Client::local(), panics).await;

    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    assert!(!client.is_signed_in().await);
}

fn only_account(tx: &mut Transaction<'_>) -> Result<AccountId, Error> {
    Ok(accounts::table.select(accounts::id).get_result(tx.conn)?)
}

#[tokio::test]
async fn rejected_transaction_leaves_no_event_and_no_change() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let rejects = |tx: &mut Transaction<'_>| -> Result<(), Error> {
        let account = only_account(tx)?;
        diesel::delete(accounts::table).execute(tx.conn)?;
        tx.record(EventKind::AccountDeleted, account)?;
        Err(Error::UniqueViolation)
    };
    let outcome = app.state.core.transactions.run(&Client::local(), rejects).await;
    assert!(matches!(outcome, Err(Error::UniqueViolation)), "{outcome:?}");
    assert_eq!(app.event_count("account_deleted").await, 0);
    assert!(client.is_signed_in().await);
}

#[tokio::test]
async fn expiry_in_the_background_has_no_request_id() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    app.clock.advance(Duration::from_hours(24));
    app.delete_expired().await;
    let ids: Vec<(String, String)> =
        app.query(|conn| events::table.order(events::id).select((events::kind, events::request_id)).load(conn)).await;
    let [(registered, request), (expired, background)] = &ids[..] else { panic!("{ids:?}") };
    assert_eq!((registered.as_str(), request.len()), ("registered", 16));
    assert_eq!((expired.as_str(), background.as_str()), ("session_expired", ""));
}

#[tokio::test]
async fn wrong_password_for_a_change_is_not_a_failed_sign_in() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let fields = [("confirm", "zoe"), ("current_password", WRONG_PASSWORD)];
    assert_eq!(client.submit("/account/delete", &fields).await.status, 422);
    assert_eq!(app.event_count("sign_in_failed").await, 0);
    assert_eq!(app.event_count("reauthentication_failed").await, 1);
    let activity = client.get("/account/activity").await.body;
    assert!(activity.contains("Wrong password for a change of the account"), "{activity}");
    for _ in 0..5 {
        client.submit("/account/delete", &fields).await;
    }
    assert_eq!(app.event_count("sign_in_throttled").await, 0);
    assert_eq!(app.event_count("reauthentication_throttled").await, 1);
    app.clock.advance(Duration::from_secs(1));
    let other = app.client();
    other.sign_in("zoe", PASSWORD).await;
    assert!(!other.get("/").await.body.contains("failed attempt"), "a change is not a sign-in");
}

// A newer release on the same database may store kinds that this one does not know.
#[tokio::test]
async fn activity_page_shows_events_of_an_unknown_kind() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    app.query(|conn| diesel::update(events::table).set(events::kind.eq("moved_to_mars")).execute(conn)).await;
    let answer = client.get("/account/activity").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("Other activity"));
}
