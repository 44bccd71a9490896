use std::time::Duration;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use gatehouse::db::schema::{accounts, sessions};

use crate::support::{PASSWORD, TestApp};

const HOUR: Duration = Duration::from_hours(1);
const SECOND: Duration = Duration::from_secs(1);

// ASVS 7.3.1
#[tokio::test]
async fn session_expires_after_idle_timeout_and_not_before() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    for _ in 0..3 {
        app.clock.advance(HOUR.checked_sub(SECOND).unwrap());
        assert!(client.is_signed_in().await);
    }
    // This request is within a minute of the last one, so its last-seen time is not written to the database.
    app.clock.advance(Duration::from_secs(30));
    assert!(client.is_signed_in().await);
    app.clock.advance(HOUR.checked_sub(SECOND).unwrap());
    assert!(client.fork().is_signed_in().await);
    app.clock.advance(HOUR + SECOND);
    assert!(!client.is_signed_in().await);
    assert_eq!(app.event_count("session_expired").await, 1);
}

// ASVS 7.3.2
#[tokio::test]
async fn active_session_expires_after_its_lifetime() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    for _ in 0..12 * 2 - 1 {
        app.clock.advance(HOUR / 2);
        assert!(client.is_signed_in().await);
    }
    app.clock.advance(HOUR / 2);
    assert!(!client.is_signed_in().await);
}

#[tokio::test]
async fn expired_row_ends_the_session_despite_a_valid_token() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    assert!(client.is_signed_in().await);
    let now = app.clock.now();
    app.query(move |conn| diesel::update(sessions::table).set(sessions::expires_at.eq(now)).execute(conn)).await;
    app.clock.advance(SECOND);
    assert!(!client.is_signed_in().await);
}

/// Verified tokens are cached by their signature. The cache must not accept the signature with other claims.
#[tokio::test]
async fn any_changed_byte_invalidates_a_cached_token() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    assert!(client.is_signed_in().await);
    let token = client.cookie("session").unwrap();
    for position in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[position] = if changed[position] == b'A' { b'Q' } else { b'A' };
        let forger = app.client();
        forger.set_cookie("session", str::from_utf8(&changed).unwrap());
        assert!(!forger.is_signed_in().await, "byte {position}");
    }
    assert!(client.is_signed_in().await);
}

#[tokio::test]
async fn remembered_session_has_its_own_idle_timeout_and_lifetime() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let client = app.client();
    client.sign_in_remembered("zoe", PASSWORD).await;
    let day = 24 * HOUR;
    app.clock.advance((14 * day).checked_sub(SECOND).unwrap());
    assert!(client.is_signed_in().await);
    app.clock.advance((14 * day).checked_sub(SECOND).unwrap());
    assert!(client.is_signed_in().await);
    app.clock.advance(2 * day + 2 * SECOND);
    assert!(!client.is_signed_in().await, "the lifetime of 30 days is over");
}

#[tokio::test]
async fn last_seen_survives_restart() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    app.clock.advance(HOUR / 2);
    assert!(client.is_signed_in().await);
    let app = app.restart(&[]);
    app.clock.advance(HOUR.checked_sub(SECOND).unwrap());
    assert!(client.against(&app.address).is_signed_in().await);
}

#[tokio::test]
async fn last_seen_is_written_at_most_once_a_minute() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let last_seen = async || {
        app.flush().await;
        app.query(|conn| sessions::table.select(sessions::last_seen_at).first::<i64>(conn)).await
    };
    let first = last_seen().await;
    app.clock.advance(Duration::from_secs(59));
    client.get("/").await;
    assert_eq!(last_seen().await, first);
    app.clock.advance(SECOND);
    client.get("/").await;
    assert_eq!(last_seen().await, first + 60_000);
}

// ASVS 7.2.4
#[tokio::test]
async fn sign_in_revokes_the_previous_session_of_the_browser() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let before = client.fork();
    client.sign_in("zoe", PASSWORD).await;
    assert_ne!(client.cookie("session"), before.cookie("session"));
    assert!(client.is_signed_in().await);
    assert!(!before.is_signed_in().await);
}

#[tokio::test]
async fn sign_in_never_adopts_a_planted_session() {
    let app = TestApp::spawn();
    let attacker = app.signed_in_client("eva").await;
    app.signed_in_client("zoe").await;
    let victim = app.client();
    victim.set_cookie("session", &attacker.cookie("session").unwrap());
    victim.sign_in("zoe", PASSWORD).await;
    assert_ne!(victim.cookie("session"), attacker.cookie("session"));
    assert!(!attacker.is_signed_in().await, "the planted session is revoked");
}

// ASVS 9.1.1, 9.2.1. The unit tests of src/sessions/token.rs cover every kind of forged token.
#[tokio::test]
async fn forged_token_is_rejected_without_a_database_query() {
    use diesel::connection::SimpleConnection;
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let token = client.cookie("session").unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let reversed: String = signature.chars().rev().collect();
    // Without the table, every query of a session fails.
    app.query(|conn| conn.batch_execute("ALTER TABLE sessions RENAME TO hidden_sessions")).await;
    for forged in [format!("{message}.{reversed}"), format!("{message}."), message.to_owned(), "x".to_owned()] {
        let forger = app.client();
        forger.set_cookie("session", &forged);
        let answer = forger.get("/").await;
        assert_eq!((answer.status, answer.location()), (303, "/login?next=/"), "{forged}");
    }
    app.query(|conn| conn.batch_execute("ALTER TABLE hidden_sessions RENAME TO sessions")).await;
    assert_eq!(app.event_count("token_refused").await, 4);
}

#[tokio::test]
async fn token_for_session_of_another_account_is_rejected() {
    let app = TestApp::spawn();
    let (zoe, eva) = (app.signed_in_client("zoe").await, app.signed_in_client("eva").await);
    // Swap the accounts of two sessions: both tokens are genuine and both sessions active, but they no longer match.
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
async fn deleting_account_row_ends_its_sessions() {
    let app = TestApp::with(&["--session-cache", "0s"]);
    let client = app.signed_in_client("zoe").await;
    assert!(client.is_signed_in().await);
    app.query(|conn| diesel::delete(accounts::table).execute(conn)).await;
    assert!(!client.is_signed_in().await);
}

#[tokio::test]
async fn revoked_session_under_load_is_rejected_at_next_request() {
    let app = TestApp::with(&["--session-cache", "1m"]);
    for round in 0..5 {
        let client = app.client();
        let answer = if round == 0 { client.register("zoe").await } else { client.sign_in("zoe", PASSWORD).await };
        assert_eq!(answer.status, 303);
        let loops: Vec<_> = (0..8)
            .map(|_| {
                let client = client.fork();
                tokio::spawn(async move { while client.is_signed_in().await {} })
            })
            .collect();
        let copied = client.fork();
        client.sign_out().await;
        assert!(!copied.is_signed_in().await);
        for request_loop in loops {
            request_loop.await.unwrap();
        }
    }
}

#[tokio::test]
async fn other_process_rejects_revoked_session_after_cache_expiry() {
    let app = TestApp::spawn();
    let second = app.second_process(&[]);
    let client = app.signed_in_client("zoe").await;
    let other = client.against(&second.address);
    assert!(other.is_signed_in().await, "a session is valid in every process");
    client.sign_out().await;
    app.clock.advance(SECOND);
    assert!(!other.is_signed_in().await);
}

#[tokio::test]
async fn other_process_without_cache_rejects_revoked_session_at_once() {
    let app = TestApp::with(&["--session-cache", "0s"]);
    let second = app.second_process(&["--session-cache", "0s"]);
    let client = app.signed_in_client("zoe").await;
    let other = client.against(&second.address);
    assert!(other.is_signed_in().await);
    client.sign_out().await;
    assert!(!other.is_signed_in().await);
}

#[tokio::test]
async fn rotated_secret_keeps_sessions_and_dropped_secret_ends_them() {
    let (one, two) = ("0f4c1b7e9a2d8356c1e47b90d2f86a35", "b81e6d03c7f2495aa06d8e31f5c72b94");
    let app = TestApp::with(&["--secret", one]);
    let client = app.signed_in_client("zoe").await;
    let app = app.restart(&["--secret", two, "--previous-secrets", one]);
    let client = client.against(&app.address);
    assert!(client.is_signed_in().await);
    let token = client.csrf_token().await;
    let newer = app.client();
    newer.sign_in("zoe", PASSWORD).await;
    let app = app.restart(&["--secret", two]);
    assert!(!client.against(&app.address).is_signed_in().await);
    let newer = newer.against(&app.address);
    assert!(newer.is_signed_in().await, "a previous secret never signs");
    assert_eq!(newer.post("/logout", &[("csrf_token", &token)]).await.status, 403);
}

#[tokio::test]
async fn expired_sessions_are_deleted_and_logged_once() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    app.client().sign_in_remembered("zoe", PASSWORD).await;
    app.clock.advance(2 * HOUR);
    app.delete_expired().await;
    let remaining = app.query(|conn| sessions::table.count().get_result::<i64>(conn)).await;
    assert_eq!(remaining, 1, "the remembered session");
    assert!(!client.is_signed_in().await);
    assert_eq!(app.event_count("session_expired").await, 1);
}

// ASVS 3.3.4, NIST SP 800-63B-4, 5.1.1
#[tokio::test]
async fn token_appears_only_in_its_cookie_and_has_no_personal_data() {
    use base64::Engine;
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
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

// Covers the cookies of a sibling domain that the HTTP client library can send. The unit tests of src/web/cookies.rs
// cover all of them.
#[tokio::test]
async fn planted_cookie_neither_replaces_nor_creates_a_session() {
    let app = TestApp::spawn();
    let (zoe, eva) = (app.signed_in_client("zoe").await, app.signed_in_client("eva").await);
    let (own, planted) = (zoe.cookie("session").unwrap(), eva.cookie("session").unwrap());
    for name in ["%73ession", "Session", "\u{2000}session", "\u{a0}session", "x=%FF; %73ession"] {
        let guest = app.client();
        let header = format!("{name}={planted}; session={own}");
        let answer = guest.send(guest.request("GET", "/").header("cookie", header.as_bytes())).await;
        assert!(answer.body.contains("Hello, zoe"), "{name}");
        let header = format!("{name}={planted}");
        let answer = guest.send(guest.request("GET", "/").header("cookie", header.as_bytes())).await;
        assert_eq!(answer.status, 303, "{name}");
    }
    let both = format!("session={planted}; session={own}");
    let guest = app.client();
    assert_eq!(
        guest.send(guest.request("GET", "/").header("cookie", both)).await.status,
        303,
        "two session cookies count as none"
    );
}

// Disabling deletes the sessions as well; this holds even if a row is left.
#[tokio::test]
async fn session_of_a_disabled_account_is_refused() {
    use diesel::{ExpressionMethods, RunQueryDsl};
    use gatehouse::db::schema::accounts;
    let app = TestApp::with(&["--session-cache", "0s"]);
    let zoe = app.signed_in_client("zoe").await;
    app.query(|conn| diesel::update(accounts::table).set(accounts::disabled.eq(true)).execute(conn)).await;
    assert!(!zoe.is_signed_in().await);
}
