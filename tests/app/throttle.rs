use std::time::Duration;

use gatehouse::accounts::AdminAction;

use crate::support::{
    PASSWORD, TestApp, WRONG_PASSWORD,
    client::{Client, assert_throttled},
};

/// Trusts the header that [`Client::from_ip`] sends.
pub const PROXY: [&str; 2] = ["--trusted-proxies", "127.0.0.0/8"];

pub async fn fail_sign_in(client: &Client, login: &str, times: usize) {
    for number in 0..times {
        assert_eq!(client.sign_in(login, WRONG_PASSWORD).await.status, 422, "failure {number}");
    }
}

#[tokio::test]
async fn wait_doubles_after_each_failure_past_the_fifth() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let client = app.client();
    fail_sign_in(&client, "zoe", 5).await;
    for wait in [1, 2, 4, 8, 16] {
        let before = app.hashes_computed();
        let rejected = client.sign_in("zoe", PASSWORD).await;
        assert_throttled(&rejected, wait);
        assert!(rejected.body.contains("Too many attempts. Wait"), "{}", rejected.body);
        assert!(rejected.body.contains("value=\"zoe\"") && !rejected.body.contains(PASSWORD));
        assert_eq!(app.hashes_computed(), before, "the attempt is rejected before hashing");
        app.clock.advance(Duration::from_millis(wait * 1000 - 1));
        assert_eq!(client.sign_in("zoe", WRONG_PASSWORD).await.status, 429, "one millisecond too early");
        app.clock.advance(Duration::from_millis(1));
        assert_eq!(client.sign_in("zoe", WRONG_PASSWORD).await.status, 422);
    }
    assert_eq!(app.event_count("sign_in_failed").await, 10);
    assert_eq!(app.event_count("sign_in_throttled").await, 10);
}

#[tokio::test]
async fn successful_sign_in_resets_failure_count() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let client = app.client();
    fail_sign_in(&client, "zoe", 4).await;
    assert_eq!(client.sign_in("zoe", PASSWORD).await.status, 303);
    client.remove_cookie("device");
    fail_sign_in(&client, "zoe", 5).await;
    assert_eq!(client.sign_in("zoe", PASSWORD).await.status, 429);
}

// In CVE-2025-24806 and CVE-2026-47203, Authelia counted failures for each spelling separately.
#[tokio::test]
async fn all_spellings_of_username_and_email_share_one_failure_budget() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let client = app.client();
    for login in ["zoe", "ZOE", "zoe@keepers.example", "Zoe@KEEPERS.example", "ｚｏｅ"] {
        assert_eq!(client.sign_in(login, WRONG_PASSWORD).await.status, 422, "{login}");
    }
    for login in ["zoe", "Zoe", "zoe@keepers.example"] {
        assert_eq!(client.sign_in(login, PASSWORD).await.status, 429, "{login}");
    }
}

#[tokio::test]
async fn unknown_username_is_throttled_like_a_known_one() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    for login in ["zoe", "eva", "eva@keepers.example", "no such name!"] {
        let client = app.client();
        fail_sign_in(&client, login, 5).await;
        let rejected = client.sign_in(login, WRONG_PASSWORD).await;
        assert_eq!((rejected.status, rejected.header("retry-after")), (429, "1"), "{login}");
    }
}

#[tokio::test]
async fn failures_do_not_delay_other_networks() {
    let app = TestApp::with(&PROXY);
    app.signed_in_client("zoe").await;
    let attacker = app.client().from_ip("198.51.100.7");
    fail_sign_in(&attacker, "zoe", 5).await;
    assert_eq!(attacker.sign_in("zoe", PASSWORD).await.status, 429);
    assert_eq!(app.client().from_ip("198.51.100.8").sign_in("zoe", PASSWORD).await.status, 303);
}

// ASVS 15.3.4
#[tokio::test]
async fn spoofed_forwarded_address_gives_no_new_budget() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    for number in 0..5 {
        let client = app.client().from_ip(&format!("198.51.100.{number}"));
        assert_eq!(client.sign_in("zoe", WRONG_PASSWORD).await.status, 422);
    }
    for nonsense in ["198.51.100.9", "a", "", "unknown"] {
        assert_eq!(app.client().from_ip(nonsense).sign_in("zoe", PASSWORD).await.status, 429, "{nonsense}");
    }
}

/// Locks the account out with a hundred failures, each from its own network and after every back-off.
pub async fn lock_out(app: &TestApp, login: &str) {
    for number in 0..100 {
        let client = app.client().from_ip(&format!("198.51.100.{number}"));
        assert_eq!(client.sign_in(login, WRONG_PASSWORD).await.status, 422, "failure {number}");
        app.clock.advance(Duration::from_hours(2));
    }
}

// NIST SP 800-63B-4, 3.2.2
#[tokio::test]
async fn lockout_after_100_failures_spares_known_devices() {
    let app = TestApp::with(&PROXY);
    let owner = app.signed_in_client("zoe").await.from_ip("203.0.113.5");
    let signed_in = app.client().from_ip("203.0.113.5");
    signed_in.sign_in("zoe", PASSWORD).await;
    owner.set_cookie("device", &signed_in.cookie("device").unwrap());

    lock_out(&app, "zoe").await;

    let new_device = app.client().from_ip("203.0.113.5");
    let rejected = new_device.sign_in("zoe", PASSWORD).await;
    assert_throttled(&rejected, 3600);
    assert!(rejected.body.contains("a browser that has signed in before"));
    app.clock.advance(Duration::from_hours(7200));
    assert_eq!(new_device.sign_in("zoe@keepers.example", PASSWORD).await.status, 429, "a lockout does not expire");
    assert_eq!(owner.sign_in("zoe", PASSWORD).await.status, 303, "the known device of the owner is not locked out");
    assert_eq!(
        new_device.sign_in("zoe", PASSWORD).await.status,
        429,
        "a sign-in of the owner does not lift the lockout"
    );

    app.operate("Zoe", AdminAction::Unlock).await;
    assert_eq!(new_device.sign_in("zoe", PASSWORD).await.status, 303, "the administrator has unlocked the account");
    assert_eq!(app.event_count("account_unlocked").await, 1);
}

#[tokio::test]
async fn unknown_username_is_locked_out_too() {
    let app = TestApp::with(&PROXY);
    lock_out(&app, "eva").await;
    let rejected = app.client().from_ip("203.0.113.5").sign_in("eva", WRONG_PASSWORD).await;
    assert_throttled(&rejected, 3600);
}

#[tokio::test]
async fn known_device_has_its_own_backoff_budget() {
    let app = TestApp::spawn();
    let owner = app.signed_in_client("zoe").await;
    let new_device = app.client();
    fail_sign_in(&new_device, "zoe", 5).await;
    assert_eq!(new_device.sign_in("zoe", PASSWORD).await.status, 429);
    fail_sign_in(&owner, "zoe", 5).await;
    assert_eq!(owner.sign_in("zoe", PASSWORD).await.header("retry-after"), "1");
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(owner.sign_in("zoe", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn device_cookie_is_valid_for_its_account_for_one_year() {
    let app = TestApp::with(&["--failure-rate", "0"]);
    let (zoe, eva) = (app.signed_in_client("zoe").await, app.signed_in_client("eva").await);
    let (of_zoe, of_eva) = (zoe.cookie("device").unwrap(), eva.cookie("device").unwrap());
    fail_sign_in(&app.client(), "zoe", 5).await;
    let sign_in_with = async |device: &str| {
        let client = app.client();
        client.set_cookie("device", device);
        client.sign_in("zoe", PASSWORD).await.status
    };
    let mut forged = of_zoe.clone();
    forged.replace_range(3..4, if &of_zoe[3..4] == "A" { "B" } else { "A" });
    assert_eq!(sign_in_with(&of_eva).await, 429);
    assert_eq!(sign_in_with(&forged).await, 429);
    assert_eq!(sign_in_with("x").await, 429);
    assert_eq!(sign_in_with(&of_zoe).await, 303);
    app.clock.advance(Duration::from_hours(8760));
    fail_sign_in(&app.client(), "zoe", 5).await;
    assert_eq!(sign_in_with(&of_zoe).await, 429);
}

#[tokio::test]
async fn shared_browser_is_a_known_device_of_both_accounts() {
    let app = TestApp::with(&["--failure-rate", "0"]);
    let browser = app.client();
    for name in ["zoe", "eva"] {
        assert_eq!(browser.register(name).await.status, 303);
        browser.sign_out().await;
    }
    for name in ["zoe", "eva"] {
        fail_sign_in(&app.client(), name, 5).await;
        assert_eq!(app.client().sign_in(name, PASSWORD).await.status, 429);
        assert_eq!(browser.sign_in(name, PASSWORD).await.status, 303, "{name}");
    }
}

#[tokio::test]
async fn locked_out_device_falls_back_to_the_account_budget() {
    let app = TestApp::with(&["--failure-rate", "0"]);
    let owner = app.signed_in_client("zoe").await;
    for number in 0..100 {
        assert_eq!(owner.sign_in("zoe", WRONG_PASSWORD).await.status, 422, "failure {number}");
        app.clock.advance(Duration::from_hours(1));
    }
    assert_eq!(
        owner.sign_in("zoe", PASSWORD).await.status,
        303,
        "the account budget has no failures, so it admits the device"
    );
}

// Password spraying: one password is tried with many usernames.
#[tokio::test]
async fn network_failures_are_counted_across_all_usernames() {
    let app = TestApp::with(&["--failure-rate", "20/1h", PROXY[0], PROXY[1]]);
    let attacker = app.client().from_ip("198.51.100.7");
    for number in 0..20 {
        assert_eq!(attacker.sign_in(&format!("name{number}"), WRONG_PASSWORD).await.status, 422);
    }
    let rejected = attacker.sign_in("name20", WRONG_PASSWORD).await;
    assert_throttled(&rejected, 3600);
    assert_eq!(app.client().from_ip("198.51.100.8").sign_in("name20", WRONG_PASSWORD).await.status, 422);
    app.clock.advance(Duration::from_hours(1));
    assert_eq!(attacker.sign_in("name20", WRONG_PASSWORD).await.status, 422);
}

#[tokio::test]
async fn successful_sign_ins_do_not_consume_the_network_budget() {
    let app = TestApp::with(&["--failure-rate", "3/1h"]);
    app.signed_in_client("zoe").await;
    for _ in 0..10 {
        assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 303);
    }
}

// A limiter that checks and counts in separate steps lets concurrent attempts through. Here both are one transaction.
#[tokio::test]
async fn concurrent_guesses_from_one_network_hash_only_within_budget() {
    let app = TestApp::with(&["--failure-rate", "0"]);
    app.signed_in_client("zoe").await;
    let before = app.hashes_computed();
    let guesses = (0..200).map(|_| {
        let client = app.client();
        async move { client.sign_in("zoe", WRONG_PASSWORD).await.status }
    });
    let statuses = futures_util::future::join_all(guesses).await;
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 5);
    assert!(statuses.iter().all(|status| matches!(status, 422 | 429 | 503)), "{statuses:?}");
    assert_eq!(app.hashes_computed() - before, 5);
}

#[tokio::test]
async fn concurrent_guesses_from_many_networks_hash_at_most_100_times() {
    let app = TestApp::with(&[&PROXY[..], &["--hash-queue", "500"]].concat());
    app.signed_in_client("zoe").await;
    let before = app.hashes_computed();
    let guesses = (0..200).map(|number| {
        let client = app.client().from_ip(&format!("198.51.100.{number}"));
        async move { client.sign_in("zoe", WRONG_PASSWORD).await.status }
    });
    let statuses = futures_util::future::join_all(guesses).await;
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 100);
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 100);
    assert_eq!(app.hashes_computed() - before, 100);
}

#[tokio::test]
async fn failure_counts_survive_restart_and_are_shared_by_processes() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    fail_sign_in(&app.client(), "zoe", 3).await;
    let app = app.restart(&[]);
    fail_sign_in(&app.client(), "zoe", 1).await;
    let second = app.second_process(&[]);
    fail_sign_in(&second.client(), "zoe", 1).await;
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn registration_rate_limits_accounts_per_network() {
    let app = TestApp::with(&["--registration-rate", "3/1h", PROXY[0], PROXY[1]]);
    let client = || app.client().from_ip("198.51.100.7");
    for number in 0..3 {
        assert_eq!(client().register(&format!("zoe{number}")).await.status, 303);
        assert_eq!(
            client().post("/register", &[("username", "x")]).await.status,
            422,
            "an invalid form does not consume the rate limit"
        );
    }
    let rejected = client().register("zoe3").await;
    assert_throttled(&rejected, 3600);
    assert!(rejected.body.contains("Too many registrations") && rejected.body.contains("value=\"zoe3\""));
    assert_eq!(app.client().from_ip("198.51.100.8").register("zoe3").await.status, 303);
    app.clock.advance(Duration::from_hours(1));
    assert_eq!(client().register("zoe4").await.status, 303);
    assert_eq!(app.event_count("registration_throttled").await, 1);
}

#[tokio::test]
async fn registration_limits_username_enumeration() {
    let app = TestApp::with(&["--failure-rate", "5/1h"]);
    app.signed_in_client("zoe").await;
    for _ in 0..5 {
        assert_eq!(app.client().register("zoe").await.status, 422);
    }
    let rejected = app.client().register("zoe").await;
    assert_eq!(rejected.status, 429);
    assert_eq!(rejected.error_fields(), Vec::<String>::new());
    assert_eq!(app.client().register("eva").await.status, 429, "the response is the same for a free username");
    let taken_username = [("username", "zoe"), ("email", "new@keepers.example")];
    let free_username = [("username", "ida"), ("email", "new@keepers.example")];
    let (taken, free) =
        (app.client().post("/register", &taken_username).await, app.client().post("/register", &free_username).await);
    assert_eq!((taken.status, free.status), (429, 429), "an invalid form does not reveal it either");
    app.clock.advance(Duration::from_hours(1));
    assert_eq!(app.client().register("eva").await.status, 303);
}

#[tokio::test]
async fn expired_throttle_counters_are_deleted() {
    use diesel::{QueryDsl, RunQueryDsl};
    use gatehouse::db::schema::throttles;
    let app = TestApp::spawn();
    for number in 0..3 {
        fail_sign_in(&app.client(), &format!("unknown{number}"), 1).await;
    }
    let count = async || app.query(|conn| throttles::table.count().get_result::<i64>(conn)).await;
    assert_eq!(count().await, 7, "one for each username, one for each username and network, one for the network");
    app.clock.advance(Duration::from_hours(24));
    app.delete_expired().await;
    assert_eq!(count().await, 3);
    app.clock.advance(Duration::from_hours(2160));
    app.delete_expired().await;
    assert_eq!(count().await, 0);
}
