use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use gatehouse::{
    apps::{AppChange, Change},
    client::Client as Operator,
    db::schema::{account_cleanups, sessions},
};

use crate::support::{
    PASSWORD, START, TestApp, WRONG_PASSWORD,
    client::{Client, assert_field_errors, assert_redirect, assert_throttled},
};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

async fn sign_in_with_firefox(app: &TestApp) -> Client {
    let mut client = app.client();
    client.headers.push(("user-agent", FIREFOX.to_owned()));
    assert_eq!(client.sign_in("zoe", PASSWORD).await.status, 303);
    client
}

/// Returns the target of every form on the page that revokes one session.
async fn revoke_paths(client: &Client) -> Vec<String> {
    let page = client.get("/account/sessions").await.body;
    page.split("action=\"")
        .skip(1)
        .map(|part| part.split('"').next().unwrap().to_owned())
        .filter(|path| path.ends_with("/end"))
        .collect()
}

// ASVS 7.5.2
#[tokio::test]
async fn session_list_describes_devices_and_marks_current_session() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    app.clock.advance(Duration::from_mins(30));
    sign_in_with_firefox(&app).await;
    let page = client.get("/account/sessions").await.body;
    assert!(page.contains("Firefox on Linux") && page.contains("Address: 127.0.0.1<br>"), "{page}");
    assert!(page.contains("<time datetime=\"2026-11-22T00:30:00Z\">just now</time>"), "{page}");
    assert_eq!(page.matches("This device").count(), 1);
    assert_eq!(
        revoke_paths(&client).await.len(),
        1,
        "the current session has no such form, because signing out ends it"
    );
}

#[tokio::test]
async fn session_list_names_the_applications_where_each_session_was_used() {
    let app = TestApp::spawn();
    let zoe = app.signed_in_client("zoe").await;
    let firefox = sign_in_with_firefox(&app).await;
    for (id, name) in [("wiki", "Wiki"), ("photos", "<Photos>")] {
        let url = format!("https://{id}.example.org").parse().unwrap();
        let change = AppChange { name: Some(name.to_owned()), url: Change::Set(url), ..AppChange::default() };
        app.state.apps.add(id.parse().unwrap(), change, &Operator::anonymous()).await.unwrap();
    }
    app.reload_apps().await;
    assert!(!zoe.get("/account/sessions").await.body.contains("Used at:"));
    zoe.open_app("wiki").await;
    firefox.open_app("wiki").await;
    firefox.open_app("photos").await;
    let page = zoe.get("/account/sessions").await.body;
    let cards: Vec<_> = page.split("<li>\n<h2>").skip(1).collect();
    let of = |device: &str| *cards.iter().find(|card| card.starts_with(device)).unwrap();
    assert!(of("Firefox on Linux").contains("Used at: &#60;Photos&#62;, Wiki</p>"), "{page}");
    assert!(of("Unknown browser").contains("Used at: Wiki</p>"), "{page}");
    for (id, left) in [("photos", 2), ("wiki", 0)] {
        app.state.apps.remove(id.parse().unwrap(), &Operator::anonymous()).await.unwrap();
        app.reload_apps().await;
        let page = zoe.get("/account/sessions").await.body;
        let shown = (page.matches("Used at:").count(), page.matches("Used at: Wiki</p>").count());
        assert_eq!(shown, (left, left), "without {id}: {page}");
    }
}

#[tokio::test]
async fn revoked_session_is_rejected_at_its_next_request() {
    let app = TestApp::with(&["--session-cache", "1m"]);
    let client = app.signed_in_client("zoe").await;
    let other = sign_in_with_firefox(&app).await;
    assert!(other.is_signed_in().await);
    let revoke = revoke_paths(&client).await.remove(0);
    let answer = client.submit(&revoke, &[]).await;
    assert_redirect(&answer, "/account/sessions");
    assert!(!other.is_signed_in().await);
    assert!(client.get("/account/sessions").await.body.contains("That session is signed out."));
    assert_eq!(client.submit(&revoke, &[]).await.status, 404, "the session is already revoked");
    assert_eq!(app.event_count("session_ended").await, 1);
}

#[tokio::test]
async fn revoking_other_sessions_keeps_current_session() {
    let app = TestApp::with(&["--session-cache", "1m"]);
    let client = app.signed_in_client("zoe").await;
    let (one, two, other_account) =
        (sign_in_with_firefox(&app).await, sign_in_with_firefox(&app).await, app.signed_in_client("eva").await);
    for signed_in in [&one, &two, &other_account] {
        assert!(signed_in.is_signed_in().await);
    }
    assert_eq!(client.submit("/account/sessions/end-others", &[]).await.status, 303);
    assert!(!one.is_signed_in().await && !two.is_signed_in().await);
    assert!(client.is_signed_in().await && other_account.is_signed_in().await);
    assert!(client.get("/account/sessions").await.body.contains("You are not signed in anywhere else."));
    assert_eq!(app.event_count("session_ended").await, 2);
}

// ASVS 8.2.2
#[tokio::test]
async fn revoking_foreign_session_returns_404_and_leaves_it_active() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let (zoe, eva) = (sign_in_with_firefox(&app).await, app.signed_in_client("eva").await);
    let other_client = app.client();
    other_client.sign_in("eva", PASSWORD).await;
    let foreign = revoke_paths(&eva).await.remove(0);
    for path in [
        foreign.as_str(),
        "/account/sessions/x/end",
        "/account/sessions/AAAAAAAAAAAAAAAAAAAAAA/end",
        "/account/sessions/%27%20OR%201=1/end",
    ] {
        let answer = zoe.submit(path, &[]).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    assert!(other_client.is_signed_in().await && eva.is_signed_in().await);
}

#[tokio::test]
async fn session_list_omits_expired_sessions() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    app.clock.advance(Duration::from_mins(61));
    let client = sign_in_with_firefox(&app).await;
    assert_eq!(revoke_paths(&client).await.len(), 0);
}

#[tokio::test]
async fn session_list_is_limited_in_length() {
    let app = TestApp::with(&["--sessions-per-account", "60"]);
    let client = app.signed_in_client("zoe").await;
    for _ in 0..55 {
        app.client().sign_in("zoe", PASSWORD).await;
    }
    let page = client.get("/account/sessions").await.body;
    assert_eq!(page.matches("<li>\n<h2>").count(), 50);
    assert!(page.contains("There are more sessions, used less recently, that are not shown."), "{page}");
}

// ASVS 14.2.1
#[tokio::test]
async fn session_ids_do_not_appear_in_urls() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    sign_in_with_firefox(&app).await;
    let page = client.get("/account/sessions").await.body;
    let ids: Vec<Vec<u8>> = app.query(|conn| sessions::table.select(sessions::id).load(conn)).await;
    assert_eq!(ids.len(), 2);
    for id in ids {
        assert!(!page.contains(&BASE64.encode(&id)), "{page}");
    }
    assert_eq!(revoke_paths(&client).await.len(), 1);
}

#[tokio::test]
async fn sign_in_beyond_the_limit_ends_the_least_recently_used_session() {
    let app = TestApp::with(&["--sessions-per-account", "3"]);
    let first = app.signed_in_client("zoe").await;
    let other_account = app.signed_in_client("eva").await;
    app.clock.advance(Duration::from_mins(2));
    let second = sign_in_with_firefox(&app).await;
    app.clock.advance(Duration::from_mins(2));
    let third = sign_in_with_firefox(&app).await;
    app.clock.advance(Duration::from_mins(2));
    assert!(first.is_signed_in().await);
    app.flush().await;
    let fourth = sign_in_with_firefox(&app).await;
    assert!(!second.is_signed_in().await, "it was used longest ago");
    for client in [&first, &third, &fourth, &other_account] {
        assert!(client.is_signed_in().await);
    }
    assert_eq!(app.event_count("session_replaced").await, 1);
}

#[tokio::test]
async fn revoking_more_sessions_than_one_batch_ends_all_at_once_and_is_finished_after_a_restart() {
    let app = TestApp::with(&["--session-cache", "0s"]);
    let client = app.signed_in_client("zoe").await;
    let other = sign_in_with_firefox(&app).await;
    let account = client.account_id().await;
    app.insert_sessions(account, 1200).await;
    app.query(move |conn| {
        // As if the process had been killed after the transaction that ends the sessions and before the first batch.
        let cleanup = (
            account_cleanups::account_id.eq(account),
            account_cleanups::revoked_at.eq(START.as_millis()),
            account_cleanups::kept.eq(None::<Vec<u8>>),
        );
        diesel::insert_into(account_cleanups::table).values(cleanup).execute(conn)
    })
    .await;
    assert!(!other.is_signed_in().await && !client.is_signed_in().await, "sessions end before their rows are deleted");
    let app = app.restart(&[]);
    app.clean_up().await;
    let left = async || app.query(|conn| sessions::table.count().get_result::<i64>(conn)).await;
    assert_eq!(left().await, 0);

    app.clock.advance(Duration::from_secs(1));
    let client = client.against(&app.address);
    assert_eq!(client.sign_in("zoe", PASSWORD).await.status, 303);
    let other = sign_in_with_firefox(&app).await;
    app.insert_sessions(account, 1200).await;
    assert_eq!(client.submit("/account/sessions/end-others", &[]).await.status, 303);
    assert!(!other.is_signed_in().await && client.is_signed_in().await);
    app.clean_up().await;
    assert_eq!(left().await, 1);
    assert!(client.is_signed_in().await);
    let cleanups = app.query(|conn| account_cleanups::table.count().get_result::<i64>(conn)).await;
    assert_eq!(cleanups, 0);
}

#[tokio::test]
async fn forgetting_known_browsers_keeps_only_the_current_one() {
    let app = TestApp::with(&["--failure-rate", "0"]);
    let client = app.signed_in_client("zoe").await;
    let other = app.client();
    other.sign_in("zoe", PASSWORD).await;
    app.clock.advance(Duration::from_mins(11));
    let form = "/account/sessions/forget-browsers";
    assert_field_errors(&client.submit(form, &[]).await, &["current_password"]);
    assert_redirect(&client.submit(form, &[("current_password", PASSWORD)]).await, "/account/sessions");
    assert!(client.get("/account/sessions").await.body.contains("All other browsers are forgotten."));
    assert!(client.is_signed_in().await && other.is_signed_in().await, "sessions go on");
    for _ in 0..5 {
        app.client().sign_in("zoe", WRONG_PASSWORD).await;
    }
    assert_eq!(other.sign_in("zoe", PASSWORD).await.status, 429);
    assert_eq!(client.sign_in("zoe", PASSWORD).await.status, 303);
    assert_eq!(app.event_count("devices_forgotten").await, 1);
}

#[tokio::test]
async fn right_password_of_a_refused_forgetting_counts_as_no_failure() {
    let app = TestApp::with(&["--sign-in-rate", "6/1h"]);
    let client = app.signed_in_client("zoe").await;
    let form = "/account/sessions/forget-browsers";
    for _ in 0..6 {
        assert_redirect(&client.submit(form, &[]).await, "/account/sessions");
    }
    client.remove_cookie("device");
    app.clock.advance(Duration::from_mins(11));
    for _ in 0..5 {
        assert_throttled(&client.submit(form, &[("current_password", PASSWORD)]).await, 49 * 60);
    }
    assert_redirect(&app.client().sign_in("zoe", PASSWORD).await, "/");
}

#[tokio::test]
async fn session_list_escapes_user_agent() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let mut client = app.client();
    client.headers.push(("user-agent", "<script>alert(1)</script> Firefox/1.0<b>".to_owned()));
    client.sign_in("zoe", PASSWORD).await;
    let page = client.get("/account/sessions").await.body;
    assert!(!page.contains("<script>") && !page.contains("<b>,"), "{page}");
}
