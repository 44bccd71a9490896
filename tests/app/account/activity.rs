use std::time::Duration;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use gatehouse::{accounts::AccountId, db::schema::events};

use crate::support::{PASSWORD, START, TestApp, WRONG_PASSWORD};

/// Returns what happened, in the order of the page.
fn titles(page: &str) -> Vec<&str> {
    page.split("<p class=\"title\">").skip(1).map(|part| part.split("</p>").next().unwrap()).collect()
}

#[tokio::test]
async fn activity_page_lists_only_events_of_the_own_account() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let eva = app.signed_in_client("eva").await;
    app.client().sign_in("zoe", WRONG_PASSWORD).await;
    app.flush().await;
    app.clock.advance(Duration::from_mins(5));
    client.submit("/account", &[("username", "ida"), ("email", "zoe@keepers.example")]).await;
    let page = client.get("/account/activity").await.body;
    assert_eq!(
        titles(&page),
        ["You changed your user name or e-mail address", "You created the account", "Sign-in with a wrong password"]
    );
    assert!(page.find("Refused attempts").unwrap() > page.find("You created the account").unwrap());
    assert!(page.contains("<time datetime=\"2026-11-22T00:05:00Z\" title=\"2026-11-22T00:05:00Z\">just now</time>"));
    assert!(page.contains("from 127.0.0.1"));
    assert_eq!(titles(&eva.get("/account/activity").await.body), ["You created the account"]);
}

#[tokio::test]
async fn activity_pages_have_no_gaps_or_duplicates() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    for _ in 0..30 {
        assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 303);
    }
    let first = client.get("/account/activity").await.body;
    assert_eq!(titles(&first).len(), 25);
    let older = first.split("<a href=\"").find(|part| part.starts_with("/account/activity?before=")).unwrap();
    let second = client.get(older.split('"').next().unwrap()).await.body;
    assert_eq!(titles(&second).len(), 6);
    assert!(second.contains("You created the account") && !second.contains(">Older activity</a>"));
    assert_eq!(client.get("/account/activity?before=nonsense").await.status, 200);
}

#[tokio::test]
async fn refused_attempts_of_one_network_are_one_row_an_hour() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    for _ in 0..5 {
        app.client().sign_in("zoe", WRONG_PASSWORD).await;
    }
    for _ in 0..30 {
        assert_eq!(app.client().sign_in("zoe", WRONG_PASSWORD).await.status, 429);
        app.flush().await;
    }
    let rows = async || {
        let throttled = events::table.filter(events::kind.eq("sign_in_throttled"));
        app.query(move |conn| throttled.order(events::id).select(events::occurrences).load::<i32>(conn)).await
    };
    assert_eq!(rows().await, [30]);
    assert!(client.get("/account/activity").await.body.contains("after too many attempts (30 times)"));
    app.clock.advance(Duration::from_hours(1));
    app.client().sign_in("zoe", WRONG_PASSWORD).await;
    assert_eq!(app.client().sign_in("zoe", WRONG_PASSWORD).await.status, 429);
    app.flush().await;
    assert_eq!(rows().await, [30, 1]);
}

#[tokio::test]
async fn noise_from_many_networks_does_not_displace_what_the_owner_did() {
    let app = TestApp::with(&["--trusted-proxies", "127.0.0.0/8", "--failure-rate", "0"]);
    let client = app.signed_in_client("zoe").await;
    for number in 0..120 {
        app.client().from_ip(&format!("198.51.100.{number}")).sign_in("zoe", WRONG_PASSWORD).await;
    }
    app.flush().await;
    let page = client.get("/account/activity").await.body;
    assert_eq!(titles(&page)[0], "You created the account");
    assert_eq!(titles(&page).len(), 11, "ten refused attempts, and a link to the others");
    let older = page.split("<a href=\"").find(|part| part.starts_with("/account/activity?attempts_before=")).unwrap();
    let second = client.get(older.split('"').next().unwrap()).await.body;
    assert_eq!(titles(&second).len(), 25);
    assert!(!second.contains("You created the account"));
    let export: serde_json::Value = serde_json::from_str(&client.get("/account/export").await.body).unwrap();
    assert_eq!((export["events"].as_array().unwrap().len(), export["refused"].as_array().unwrap().len()), (1, 120));
}

#[tokio::test]
async fn expired_events_are_deleted_in_batches() {
    let app = TestApp::with(&["--events-kept", "30d"]);
    app.signed_in_client("zoe").await;
    // More rows than one batch deletes.
    app.insert_events(AccountId::new(), 1200, START).await;
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
