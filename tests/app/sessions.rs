use std::time::Duration;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use gatehouse::db::schema::{accounts, sessions};

use crate::support::{PASSWORD, TestApp, client::Client};

const HOUR: Duration = Duration::from_hours(1);
const SECOND: Duration = Duration::from_secs(1);

async fn remembered(app: &TestApp) -> Client {
    let client = app.client();
    client.post("/login", &[("login", "zoe"), ("password", PASSWORD), ("remember", "on")]).await;
    client
}

// ASVS 7.3.1
#[tokio::test]
async fn a_session_ends_when_it_is_not_used_for_its_idle_time_and_not_a_second_before() {
    let app = TestApp::spawn();
    let client = app.member("zoe").await;
    for _ in 0..3 {
        app.clock.advance(HOUR.checked_sub(SECOND).unwrap());
        assert!(client.is_signed_in().await);
    }
    // Seen again within the minute that is not written down.
    app.clock.advance(Duration::from_secs(30));
    assert!(client.is_signed_in().await);
    app.clock.advance(HOUR.checked_sub(SECOND).unwrap());
    assert!(client.copy().is_signed_in().await);
    app.clock.advance(HOUR + SECOND);
    assert!(!client.is_signed_in().await);
    assert_eq!(app.happened("session_expired").await, 1);
}

// ASVS 7.3.2
#[tokio::test]
async fn a_session_ends_after_its_lifetime_however_busy_it_is() {
    let app = TestApp::spawn();
    let client = app.member("zoe").await;
    for _ in 0..12 * 2 - 1 {
        app.clock.advance(HOUR / 2);
        assert!(client.is_signed_in().await);
    }
    app.clock.advance(HOUR / 2);
    assert!(!client.is_signed_in().await);
}

#[tokio::test]
async fn a_row_that_is_over_ends_a_session_whatever_its_token_says() {
    let app = TestApp::spawn();
    let client = app.member("zoe").await;
    assert!(client.is_signed_in().await);
    let end = app.clock.now();
    app.query(move |conn| diesel::update(sessions::table).set(sessions::expires_at.eq(end)).execute(conn)).await;
    app.clock.advance(SECOND);
    assert!(!client.is_signed_in().await);
}

/// What a token says is remembered by its signature, which is worth nothing without the bytes that it signs.
#[tokio::test]
async fn no_byte_of_a_token_can_be_another_however_often_the_token_was_seen() {
    let app = TestApp::spawn();
    let client = app.member("zoe").await;
    assert!(client.is_signed_in().await);
    let token = client.cookie("session").unwrap();
    for place in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'Q' } else { b'A' };
        let forger = app.client();
        forger.set_cookie("session", str::from_utf8(&changed).unwrap());
        assert!(!forger.is_signed_in().await, "byte {place}");
    }
    assert!(client.is_signed_in().await);
}

#[tokio::test]
async fn a_session_that_is_kept_has_limits_of_its_own() {
    let app = TestApp::spawn();
    app.member("zoe").await;
    let client = remembered(&app).await;
    let day = 24 * HOUR;
    app.clock.advance((14 * day).checked_sub(SECOND).unwrap());
    assert!(client.is_signed_in().await);
    app.clock.advance((14 * day).checked_sub(SECOND).unwrap());
    assert!(client.is_signed_in().await);
    app.clock.advance(2 * day + 2 * SECOND);
    assert!(!client.is_signed_in().await, "thirty days are over");
}

#[tokio::test]
async fn the_last_use_is_remembered_over_a_restart() {
    let app = TestApp::spawn();
    let client = app.member("zoe").await;
    app.clock.advance(HOUR / 2);
    assert!(client.is_signed_in().await);
    let app = app.restart(&[]);
    app.clock.advance(HOUR.checked_sub(SECOND).unwrap());
    assert!(client.at(&app.address).is_signed_in().await);
}

#[tokio::test]
async fn a_last_use_is_written_once_a_minute_at_most() {
    let app = TestApp::spawn();
    let client = app.member("zoe").await;
    let written = async || {
        app.write_down().await;
        app.query(|conn| sessions::table.select(sessions::last_seen_at).first::<i64>(conn)).await
    };
    let beginning = written().await;
    app.clock.advance(Duration::from_secs(59));
    client.get("/").await;
    assert_eq!(written().await, beginning);
    app.clock.advance(SECOND);
    client.get("/").await;
    assert_eq!(written().await, beginning + 60_000);
}

// ASVS 7.2.4
#[tokio::test]
async fn signing_in_again_in_the_same_browser_ends_the_session_before() {
    let app = TestApp::spawn();
    let client = app.member("zoe").await;
    let before = client.copy();
    client.sign_in("zoe", PASSWORD).await;
    assert_ne!(client.cookie("session"), before.cookie("session"));
    assert!(client.is_signed_in().await);
    assert!(!before.is_signed_in().await);
}

#[tokio::test]
async fn an_id_from_outside_is_never_adopted() {
    let app = TestApp::spawn();
    let thief = app.member("eva").await;
    app.member("zoe").await;
    let victim = app.client();
    victim.set_cookie("session", &thief.cookie("session").unwrap());
    victim.sign_in("zoe", PASSWORD).await;
    assert_ne!(victim.cookie("session"), thief.cookie("session"));
    assert!(!thief.is_signed_in().await, "what was planted is dead");
}

// ASVS 9.1.1, 9.2.1; every kind of forged token is at src/sessions/token.rs.
#[tokio::test]
async fn a_forged_token_is_refused_without_a_look_into_the_database() {
    use diesel::connection::SimpleConnection;
    let app = TestApp::spawn();
    let client = app.member("zoe").await;
    let token = client.cookie("session").unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let flipped: String = signature.chars().rev().collect();
    // With the table away, whoever looks into it fails.
    app.query(|conn| conn.batch_execute("ALTER TABLE sessions RENAME TO elsewhere")).await;
    for forged in [format!("{message}.{flipped}"), format!("{message}."), message.to_owned(), "x".to_owned()] {
        let forger = app.client();
        forger.set_cookie("session", &forged);
        assert_eq!(forger.get("/").await.location(), "/login?next=/", "{forged}");
    }
    app.query(|conn| conn.batch_execute("ALTER TABLE elsewhere RENAME TO sessions")).await;
    assert_eq!(app.happened("token_refused").await, 4);
}

#[tokio::test]
async fn a_token_for_the_session_of_somebody_else_is_refused() {
    let app = TestApp::spawn();
    let (zoe, eva) = (app.member("zoe").await, app.member("eva").await);
    // Two rows swap their owners: both tokens are genuine, both sessions live, and neither belongs to the other.
    app.query(|conn| {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = sessions::table.select((sessions::id, sessions::account_id)).load(conn)?;
        for (id, owner) in [(&rows[0].0, &rows[1].1), (&rows[1].0, &rows[0].1)] {
            diesel::update(sessions::table.find(id)).set(sessions::account_id.eq(owner)).execute(conn)?;
        }
        Ok(())
    })
    .await;
    app.clock.advance(2 * SECOND);
    assert!(!zoe.is_signed_in().await);
    assert!(!eva.is_signed_in().await);
}

// ASVS 7.4.2
#[tokio::test]
async fn when_an_account_is_gone_so_are_its_sessions() {
    let app = TestApp::with(&["--session-cache", "0s"]);
    let client = app.member("zoe").await;
    assert!(client.is_signed_in().await);
    app.query(|conn| diesel::delete(accounts::table).execute(conn)).await;
    assert!(!client.is_signed_in().await);
}

#[tokio::test]
async fn a_session_that_ends_while_it_hammers_the_server_is_refused_by_its_next_request() {
    let app = TestApp::with(&["--session-cache", "10m"]);
    for round in 0..5 {
        let client = app.client();
        let answer = if round == 0 { client.register("zoe").await } else { client.sign_in("zoe", PASSWORD).await };
        assert_eq!(answer.status, 303);
        let hammers: Vec<_> = (0..8)
            .map(|_| {
                let client = client.copy();
                tokio::spawn(async move { while client.is_signed_in().await {} })
            })
            .collect();
        let copied = client.copy();
        client.sign_out().await;
        assert!(!copied.is_signed_in().await);
        for hammer in hammers {
            hammer.await.unwrap();
        }
    }
}

#[tokio::test]
async fn another_process_refuses_an_ended_session_when_its_cache_is_over() {
    let app = TestApp::spawn();
    let sibling = app.sibling(&[]);
    let client = app.member("zoe").await;
    let there = client.at(&sibling.address);
    assert!(there.is_signed_in().await, "a session is good in every process");
    client.sign_out().await;
    app.clock.advance(SECOND);
    assert!(!there.is_signed_in().await);
}

#[tokio::test]
async fn without_a_cache_another_process_refuses_an_ended_session_at_once() {
    let app = TestApp::with(&["--session-cache", "0s"]);
    let sibling = app.sibling(&["--session-cache", "0s"]);
    let client = app.member("zoe").await;
    let there = client.at(&sibling.address);
    assert!(there.is_signed_in().await);
    client.sign_out().await;
    assert!(!there.is_signed_in().await);
}

#[tokio::test]
async fn a_rotated_secret_signs_nobody_out_and_a_dropped_one_everybody() {
    let (one, two) = ("0f4c1b7e9a2d8356c1e47b90d2f86a35", "b81e6d03c7f2495aa06d8e31f5c72b94");
    let app = TestApp::with(&["--secret", one]);
    let client = app.member("zoe").await;
    let app = app.restart(&["--secret", two, "--previous-secrets", one]);
    let client = client.at(&app.address);
    assert!(client.is_signed_in().await);
    let token = client.form_token().await;
    let newer = app.client();
    newer.sign_in("zoe", PASSWORD).await;
    let app = app.restart(&["--secret", two]);
    assert!(!client.at(&app.address).is_signed_in().await);
    let newer = newer.at(&app.address);
    assert!(newer.is_signed_in().await, "the former secret never signs");
    assert_eq!(newer.post("/logout", &[("csrf_token", &token)]).await.status, 403);
}

#[tokio::test]
async fn what_is_over_is_removed_in_the_background_and_said_once() {
    let app = TestApp::spawn();
    let client = app.member("zoe").await;
    remembered(&app).await;
    app.clock.advance(2 * HOUR);
    gatehouse::server::clean(&app.app).await;
    let left = app.query(|conn| sessions::table.count().get_result::<i64>(conn)).await;
    assert_eq!(left, 1, "the one that is kept");
    assert!(!client.is_signed_in().await);
    assert_eq!(app.happened("session_expired").await, 1);
}

// ASVS 3.3.4, NIST SP 800-63B-4, 5.1.1
#[tokio::test]
async fn the_token_is_in_the_cookie_and_nowhere_else_and_says_nothing_about_the_person() {
    use base64::Engine;
    let app = TestApp::spawn();
    let client = app.member("zoe").await;
    let token = client.cookie("session").unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let payload = String::from_utf8(payload).unwrap();
    for personal in ["zoe", "keepers", "127.0.0.1"] {
        assert!(!payload.contains(personal), "{payload}");
    }
    for page in ["/", "/login", "/nowhere"] {
        let answer = client.get(page).await;
        assert!(!answer.body.contains(&token) && answer.set_cookie("session").is_none(), "{page}");
    }
}

// Of the cookies that a sibling domain can plant, those that a client library lets us send; all of them are at
// src/web/cookies.rs.
#[tokio::test]
async fn a_planted_cookie_neither_replaces_the_session_nor_is_one() {
    let app = TestApp::spawn();
    let (zoe, eva) = (app.member("zoe").await, app.member("eva").await);
    let (own, planted) = (zoe.cookie("session").unwrap(), eva.cookie("session").unwrap());
    for name in ["%73ession", "Session", "\u{2000}session", "\u{a0}session", "x=%FF; %73ession"] {
        let stranger = app.client();
        let header = format!("{name}={planted}; session={own}");
        let answer = stranger.send(stranger.request("GET", "/").header("cookie", header.as_bytes())).await;
        assert!(answer.body.contains("Hello, zoe"), "{name}");
        let header = format!("{name}={planted}");
        let answer = stranger.send(stranger.request("GET", "/").header("cookie", header.as_bytes())).await;
        assert_eq!(answer.status, 303, "{name}");
    }
    let both = format!("session={planted}; session={own}");
    let stranger = app.client();
    assert_eq!(stranger.send(stranger.request("GET", "/").header("cookie", both)).await.status, 303, "two are none");
}
