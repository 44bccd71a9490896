//! What counts as one network, and how it is named in the database.

use crate::{
    support::{PASSWORD, TestApp, WRONG_PASSWORD, client::assert_throttled},
    throttle::{PROXY, fail_sign_in, lock_out},
};

#[tokio::test]
async fn ipv6_addresses_in_one_64_prefix_share_a_failure_budget() {
    let app = TestApp::with(&PROXY);
    app.signed_in_client("zoe").await;
    for number in 0..5 {
        let client = app.client().from_ip(&format!("2001:db8:1:2::{number}"));
        assert_eq!(client.sign_in("zoe", WRONG_PASSWORD).await.status, 422);
    }
    assert_eq!(app.client().from_ip("2001:db8:1:2:ffff::1").sign_in("zoe", PASSWORD).await.status, 429);
    assert_eq!(app.client().from_ip("2001:db8:1:3::1").sign_in("zoe", PASSWORD).await.status, 303);
}

// One subscriber may have a whole /48, so its /64 networks must not have a budget each.
#[tokio::test]
async fn one_ipv6_site_cannot_lock_an_account() {
    let app = TestApp::with(&PROXY);
    app.signed_in_client("zoe").await;
    let before = app.hashes_computed();
    for network in 0..40 {
        let client = app.client().from_ip(&format!("2001:db8:1:{network:x}::1"));
        for _ in 0..5 {
            client.sign_in("zoe", WRONG_PASSWORD).await;
        }
    }
    assert_eq!(app.hashes_computed() - before, 50, "ten times as many as one network, then it has to wait");
    assert_eq!(app.client().from_ip("2001:db8:2::1").sign_in("zoe", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn ipv6_site_has_ten_times_the_rate_of_a_network() {
    let app = TestApp::with(&[PROXY[0], PROXY[1], "--failure-rate", "2/1h", "--registration-rate", "1/1h"]);
    let from = |network: usize| app.client().from_ip(&format!("2001:db8:1:{network:x}::1"));
    for network in 0..10 {
        assert_eq!(from(network).register(&format!("zoe{network}")).await.status, 303);
        fail_sign_in(&from(network), &format!("unknown{network}"), 2).await;
    }
    assert_throttled(&from(10).register("zoe10").await, 3600);
    assert_throttled(&from(10).sign_in("unknown10", WRONG_PASSWORD).await, 3600);
    let elsewhere = app.client().from_ip("2001:db8:2::1");
    assert_eq!(elsewhere.register("zoe10").await.status, 303);
}

#[tokio::test]
async fn counters_of_unknown_usernames_survive_a_rotation_of_the_secret() {
    const ONE: &str = "cXVpZXQtd2FsbC13aXRoLW9uZS1saXQtZG9vcg-one";
    const TWO: &str = "c2V2ZW4tZ2Vlc2UtYmVoaW5kLWFuLW9sZC1taWxs-two";
    let app = TestApp::with(&[PROXY[0], PROXY[1], "--failure-rate", "0", "--secret", ONE]);
    app.signed_in_client("zoe").await;
    lock_out(&app, "zoe").await;
    lock_out(&app, "unknown").await;
    let app = app.restart(&[PROXY[0], PROXY[1], "--failure-rate", "0", "--secret", TWO, "--previous-secrets", ONE]);
    for login in ["zoe", "unknown"] {
        let rejected = app.client().from_ip("203.0.113.5").sign_in(login, WRONG_PASSWORD).await;
        assert_throttled(&rejected, 3600);
    }
}

// All IPv4 addresses can be hashed in minutes, so a hash without a key would disclose them with the database.
#[tokio::test]
async fn names_of_network_counters_depend_on_the_secret() {
    use diesel::{QueryDsl, RunQueryDsl};
    use gatehouse::db::schema::throttles;
    let counters = async |secret: &str| {
        let app = TestApp::with(&["--secret", secret]);
        fail_sign_in(&app.client(), "unknown", 1).await;
        assert_eq!(app.client().register("!").await.status, 422);
        let names = throttles::table.order(throttles::budget).select(throttles::budget);
        app.query(move |conn| names.load::<Vec<u8>>(conn)).await
    };
    let one = counters("cXVpZXQtd2FsbC13aXRoLW9uZS1saXQtZG9vcg-one").await;
    let again = counters("cXVpZXQtd2FsbC13aXRoLW9uZS1saXQtZG9vcg-one").await;
    let two = counters("c2V2ZW4tZ2Vlc2UtYmVoaW5kLWFuLW9sZC1taWxs-two").await;
    assert_eq!(one.len(), 4, "name, name and network, failures of the network, refused registrations of the network");
    assert_eq!(one, again);
    assert!(one.iter().all(|name| !two.contains(name)));
}
