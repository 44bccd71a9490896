use std::time::Duration;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use gatehouse::db::schema::events;

use crate::support::{PASSWORD, START, TestApp, WRONG_PASSWORD};

#[tokio::test]
async fn activity_page_lists_only_events_of_the_own_account() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let eva = app.signed_in_client("eva").await;
    app.client().sign_in("zoe", WRONG_PASSWORD).await;
    app.clock.advance(Duration::from_mins(5));
    client.submit("/account", &[("username", "ida"), ("email", "zoe@keepers.example")]).await;
    let page = client.get("/account/activity").await.body;
    let headings: Vec<_> = page.split("<h2>").skip(1).map(|part| part.split("</h2>").next().unwrap()).collect();
    assert_eq!(
        headings,
        ["You changed your user name or e-mail address", "Sign-in with a wrong password", "You created the account"]
    );
    assert!(
        page.contains(
            "<time datetime=\"2026-11-22T00:05:00Z\" title=\"2026-11-22T00:05:00Z\">today at 00:05 UTC</time>"
        )
    );
    assert!(page.contains("from 127.0.0.1"));
    assert_eq!(eva.get("/account/activity").await.body.matches("<h2>").count(), 1);
}

#[tokio::test]
async fn activity_pages_have_no_gaps_or_duplicates() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    for _ in 0..30 {
        assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 303);
    }
    let first = client.get("/account/activity").await.body;
    assert_eq!(first.matches("<h2>").count(), 25);
    let older = first.split("<a href=\"").find(|part| part.starts_with("/account/activity?before=")).unwrap();
    let second = client.get(older.split('"').next().unwrap()).await.body;
    assert_eq!(second.matches("<h2>").count(), 6);
    assert!(second.contains("You created the account") && !second.contains(">Older</a>"));
    assert_eq!(client.get("/account/activity?before=nonsense").await.status, 200);
}

#[tokio::test]
async fn expired_events_are_deleted_in_batches() {
    let app = TestApp::with(&["--events-kept", "30d"]);
    app.signed_in_client("zoe").await;
    // More rows than one batch deletes.
    app.query(|conn| {
        let first: Vec<u8> = events::table.select(events::id).first(conn)?;
        for _ in 0..1200 {
            diesel::insert_into(events::table)
                .values((
                    events::id.eq(uuid::Uuid::now_v7().as_bytes().to_vec()),
                    events::at.eq(START),
                    events::kind.eq("signed_in"),
                    events::account_id.eq(Some(first.clone())),
                    events::address.eq("192.0.2.1"),
                    events::user_agent.eq(""),
                    events::request_id.eq("0"),
                    events::occurrences.eq(1),
                ))
                .execute(conn)?;
        }
        Ok(())
    })
    .await;
    let count = async || app.query(|conn| events::table.count().get_result::<i64>(conn)).await;
    app.clock.advance(Duration::from_hours(24 * 30));
    app.delete_expired().await;
    // The session has expired meanwhile, which adds an event.
    assert_eq!(count().await, 1202, "events are kept for the full 30 days");
    app.clock.advance(Duration::from_secs(1));
    app.delete_expired().await;
    assert_eq!(count().await, 1, "the expiry of the session is newer");
}

#[tokio::test]
async fn home_page_shows_previous_sign_in_and_failed_attempts_since() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    for _ in 0..3 {
        app.client().sign_in("zoe", WRONG_PASSWORD).await;
    }
    let client = app.client();
    client.sign_in("zoe", PASSWORD).await;
    let home = client.get("/").await.body;
    assert!(home.contains("Unknown browser, from 127.0.0.1"), "{home}");
    assert!(home.contains("3 failed attempts to sign in as you."), "{home}");
    client.sign_in("zoe", PASSWORD).await;
    assert!(!client.get("/").await.body.contains("failed attempt"));
}
