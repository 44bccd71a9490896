//! Known devices: their failure budget, and when they lose it.

use std::time::Duration;

use gatehouse::accounts::AdminAction;

use crate::support::{
    PASSWORD, TestApp, WRONG_PASSWORD,
    client::{Client, assert_redirect},
};

const NEW_PASSWORD: &str = "seven geese behind an old mill";

async fn change_password(client: &Client) {
    let fields = [("current_password", PASSWORD), ("password", NEW_PASSWORD), ("password_confirm", NEW_PASSWORD)];
    assert_redirect(&client.submit("/account/password", &fields).await, "/account");
}

/// Signs in without a device cookie, which makes a new one.
async fn make_device(app: &TestApp) -> Client {
    let client = app.client();
    assert_eq!(client.sign_in("zoe", PASSWORD).await.status, 303);
    client
}

#[tokio::test]
async fn password_change_invalidates_other_device_cookies() {
    let app = TestApp::with(&["--failure-rate", "0"]);
    let owner = app.signed_in_client("zoe").await;
    let mut devices = Vec::new();
    for _ in 0..30 {
        devices.push(make_device(&app).await);
    }
    change_password(&owner).await;
    let before = app.hashes_computed();
    for device in &devices {
        for _ in 0..5 {
            device.sign_in("zoe", WRONG_PASSWORD).await;
        }
    }
    assert_eq!(app.hashes_computed() - before, 5, "as many guesses as an unknown device has");
    assert_eq!(devices[0].sign_in("zoe", NEW_PASSWORD).await.status, 429);
    assert_eq!(owner.sign_in("zoe", NEW_PASSWORD).await.status, 303, "the browser that changed it is still known");
}

#[tokio::test]
async fn failures_of_known_devices_count_towards_the_network_rate() {
    let app = TestApp::with(&["--failure-rate", "20/1h", "--trusted-proxies", "127.0.0.0/8"]);
    app.signed_in_client("zoe").await;
    let mut refused = 0;
    for number in 0..10 {
        let device = make_device(&app).await;
        let attacker = app.client().from_ip("198.51.100.7");
        attacker.set_cookie("device", &device.cookie("device").unwrap());
        for _ in 0..5 {
            let status = attacker.sign_in("zoe", WRONG_PASSWORD).await.status;
            assert!(matches!(status, 422 | 429), "device {number}: {status}");
            refused += usize::from(status == 429);
        }
    }
    assert_eq!(refused, 30);
    let owner = make_device(&app).await;
    assert_eq!(owner.sign_in("zoe", PASSWORD).await.status, 303, "the owner is elsewhere");
}

// NIST SP 800-63B-4, 3.2.2: at most 100 consecutive failures on an account.
#[tokio::test]
async fn all_known_devices_of_an_account_have_100_failures_together() {
    let app = TestApp::with(&["--failure-rate", "0"]);
    app.signed_in_client("zoe").await;
    let before = app.hashes_computed();
    let mut devices = Vec::new();
    for _ in 0..30 {
        devices.push(make_device(&app).await);
    }
    let signed_in = app.hashes_computed();
    assert_eq!(signed_in - before, 30);
    for device in &devices {
        for _ in 0..5 {
            device.sign_in("zoe", WRONG_PASSWORD).await;
        }
    }
    assert_eq!(app.hashes_computed() - signed_in, 105, "100 as known devices, 5 as unknown ones");
    assert_eq!(devices[29].sign_in("zoe", PASSWORD).await.status, 429);
    app.operate("zoe", AdminAction::Unlock).await;
    assert_eq!(devices[29].sign_in("zoe", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn deleting_an_account_keeps_the_browser_known_to_other_accounts() {
    let app = TestApp::with(&["--failure-rate", "0"]);
    let browser = app.client();
    for name in ["zoe", "eva"] {
        assert_eq!(browser.register(name).await.status, 303);
    }
    let deleted = browser.submit("/account/delete", &[("confirm", "eva"), ("current_password", PASSWORD)]).await;
    assert_redirect(&deleted, "/login");
    for _ in 0..5 {
        app.client().sign_in("zoe", WRONG_PASSWORD).await;
    }
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 429);
    assert_eq!(browser.sign_in("zoe", PASSWORD).await.status, 303);
    let deleted = browser.submit("/account/delete", &[("confirm", "zoe"), ("current_password", PASSWORD)]).await;
    assert!(deleted.set_cookie("device").unwrap().contains("Max-Age=0"), "no account is left in the cookie");
}

#[tokio::test]
async fn sign_ins_of_an_account_are_limited_without_disclosing_the_limit() {
    let app = TestApp::with(&["--sign-in-rate", "3/1h", "--failure-rate", "10/1h"]);
    let owner = app.signed_in_client("zoe").await;
    app.signed_in_client("eva").await;
    for _ in 0..3 {
        make_device(&app).await;
    }
    let refused = app.client().sign_in("zoe", PASSWORD).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "3600"));
    assert_eq!(app.event_count("password_use_throttled").await, 1);
    assert_eq!(owner.fork().sign_in("zoe", PASSWORD).await.status, 429, "for known browsers as well");
    let fields = [("current_password", WRONG_PASSWORD), ("password", NEW_PASSWORD), ("password_confirm", NEW_PASSWORD)];
    let answer = owner.submit("/account/password", &fields).await;
    assert_eq!(answer.status, 422, "a session can still change the password: {answer:?}");
    assert_eq!(
        app.client().sign_in("zoe", WRONG_PASSWORD).await.status,
        422,
        "the limit is not disclosed without the password"
    );
    assert_eq!(app.client().sign_in("eva", PASSWORD).await.status, 303);
    assert_eq!(app.event_count("signed_in").await, 4);
    // Refused right passwords count for the network, so that they do not make work without limit.
    let before = app.hashes_computed();
    for _ in 0..20 {
        assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 429);
    }
    assert!(app.hashes_computed() - before <= 10);
    app.clock.advance(Duration::from_hours(1));
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 303);
}
