use std::time::Duration;

use gatehouse::accounts::AdminAction;

use crate::support::{
    PASSWORD, TestApp, WRONG_PASSWORD,
    client::{Answer, Client, assert_field_errors, assert_redirect},
};

const NEW_PASSWORD: &str = "another quiet wall with a window";

async fn reset(client: &Client, token: &str, password: &str) -> Answer {
    client.post("/reset", &[("token", token), ("password", password), ("password_confirm", password)]).await
}

async fn open(client: &Client, token: &str) -> u16 {
    client.get(&format!("/reset?token={token}")).await.status
}

#[tokio::test]
async fn reset_link_sets_a_password_once_and_ends_all_sessions() {
    let app = TestApp::spawn();
    let zoe = app.signed_in_client("zoe").await;
    let token = app.reset_token("zoe").await;
    let holder = app.client();
    for _ in 0..2 {
        assert_eq!(open(&holder, &token).await, 200, "opening a link does not use it up");
    }
    assert!(zoe.is_signed_in().await, "nor does it end a session");
    assert_redirect(&reset(&holder, &token, NEW_PASSWORD).await, "/login");
    assert!(holder.get("/login").await.body.contains("Your new password is set."));
    assert!(!zoe.is_signed_in().await);
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 422);
    assert_redirect(&app.client().sign_in("zoe", NEW_PASSWORD).await, "/");
    assert_eq!(open(&holder, &token).await, 410);
    assert_eq!(reset(&holder, &token, PASSWORD).await.status, 410);
    assert_eq!((app.event_count("reset_link_created").await, app.event_count("password_reset").await), (1, 1));
}

#[tokio::test]
async fn reset_link_is_valid_for_an_hour_and_until_a_newer_one_is_made() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    app.signed_in_client("eva").await;
    let older = app.reset_token("zoe").await;
    let of_eva = app.reset_token("eva").await;
    let newer = app.reset_token("zoe").await;
    let holder = app.client();
    assert_eq!(open(&holder, &older).await, 410);
    assert_eq!(reset(&holder, &older, NEW_PASSWORD).await.status, 410);
    app.clock.advance(Duration::from_hours(1) - Duration::from_millis(1));
    assert_eq!((open(&holder, &newer).await, open(&holder, &of_eva).await), (200, 200));
    app.clock.advance(Duration::from_millis(1));
    assert_eq!(open(&holder, &newer).await, 410);
    assert_eq!(reset(&holder, &newer, NEW_PASSWORD).await.status, 410);
    assert_redirect(&app.client().sign_in("zoe", PASSWORD).await, "/");
}

#[tokio::test]
async fn link_that_was_never_made_is_answered_like_a_used_one() {
    let app = TestApp::spawn();
    let client = app.client();
    for query in ["", "?token=", "?token=a", "?token=%00", &format!("?token={}", "A".repeat(43)), "?other=1"] {
        let answer = client.get(&format!("/reset{query}")).await;
        assert_eq!((answer.status, answer.body.contains("This link does not work")), (410, true), "{query}");
    }
    for token in ["", "a", &"A".repeat(43)] {
        assert_eq!(reset(&client, token, NEW_PASSWORD).await.status, 410);
    }
}

#[tokio::test]
async fn new_password_of_a_link_follows_the_policy_and_a_refused_one_does_not_use_the_link_up() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let token = app.reset_token("zoe").await;
    let client = app.client();
    for password in ["", "short", "passwordpassword", "zoe zoe zoe zoe zoe", "correct horse battery staple"] {
        let answer = reset(&client, &token, password).await;
        assert_field_errors(&answer, &["password"]);
        assert_eq!(answer.hidden_field("token").as_ref(), Some(&token));
    }
    let fields = [("token", token.as_str()), ("password", NEW_PASSWORD), ("password_confirm", PASSWORD)];
    assert_field_errors(&client.post("/reset", &fields).await, &["password_confirm"]);
    assert_redirect(&reset(&client, &token, NEW_PASSWORD).await, "/login");
}

#[tokio::test]
async fn reset_unlocks_the_account_and_makes_its_browsers_unknown() {
    let app = TestApp::with(&["--failure-rate", "0", "--trusted-proxies", "127.0.0.0/8"]);
    let owner = app.signed_in_client("zoe").await;
    for number in 0..100 {
        let attacker = app.client().from_ip(&format!("198.51.100.{number}"));
        assert_eq!(attacker.sign_in("zoe", WRONG_PASSWORD).await.status, 422, "{number}");
    }
    let state = async || app.state.accounts.find("zoe").await.unwrap().unwrap().state.name();
    assert_eq!(state().await, "locked");
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 429);
    let token = app.reset_token("zoe").await;
    assert_redirect(&reset(&app.client(), &token, NEW_PASSWORD).await, "/login");
    assert_eq!(state().await, "active");
    assert_redirect(&app.client().sign_in("zoe", NEW_PASSWORD).await, "/");
    // The old device cookie has no budget of its own any more: its failures count for the account.
    for _ in 0..5 {
        assert_eq!(owner.sign_in("zoe", WRONG_PASSWORD).await.status, 422);
    }
    let other = app.client();
    assert_eq!(other.sign_in("zoe", WRONG_PASSWORD).await.status, 429, "from the same network");
}

#[tokio::test]
async fn link_of_a_disabled_or_deleted_account_is_invalid() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    app.signed_in_client("eva").await;
    let (of_zoe, of_eva) = (app.reset_token("zoe").await, app.reset_token("eva").await);
    app.operate("zoe", AdminAction::Disable).await;
    app.operate("eva", AdminAction::Delete).await;
    for token in [of_zoe, of_eva] {
        assert_eq!(open(&app.client(), &token).await, 410);
        assert_eq!(reset(&app.client(), &token, NEW_PASSWORD).await.status, 410);
    }
    let after = app.reset_token("zoe").await;
    assert_eq!(open(&app.client(), &after).await, 410, "a link does not enable the account");
}

#[tokio::test]
async fn of_two_people_with_one_link_one_sets_the_password() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let token = app.reset_token("zoe").await;
    let (one, other) = (app.client(), app.client());
    let (first, second) = tokio::join!(reset(&one, &token, NEW_PASSWORD), reset(&other, &token, "a third quiet wall"));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 410]);
    assert_eq!(app.event_count("password_reset").await, 1);
}

#[tokio::test]
async fn only_the_hash_of_a_token_is_stored() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use diesel::{QueryDsl, RunQueryDsl};
    use gatehouse::db::schema::reset_links;
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let token = app.reset_token("zoe").await;
    let stored: Vec<u8> = app.query(|conn| reset_links::table.select(reset_links::token_hash).get_result(conn)).await;
    assert_ne!(stored, URL_SAFE_NO_PAD.decode(token).unwrap());
}

#[tokio::test]
async fn signed_in_person_can_use_a_link_with_the_field_that_binds_the_form_to_the_session() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let eva = app.signed_in_client("eva").await;
    let token = app.reset_token("zoe").await;
    let page = eva.get(&format!("/reset?token={token}")).await;
    assert_eq!(reset(&eva, &token, NEW_PASSWORD).await.status, 403);
    let csrf_token = page.hidden_field("csrf_token").unwrap();
    let fields = [
        ("csrf_token", csrf_token.as_str()),
        ("token", &token),
        ("password", NEW_PASSWORD),
        ("password_confirm", NEW_PASSWORD),
    ];
    assert_redirect(&eva.post("/reset", &fields).await, "/login");
    assert!(eva.is_signed_in().await, "the session of another account goes on");
}

#[tokio::test]
async fn page_with_a_token_links_to_no_other_origin_and_keeps_its_address_to_this_one() {
    let app = TestApp::with(&["--contact", "https://help.example/"]);
    app.signed_in_client("zoe").await;
    let page = app.client().get(&format!("/reset?token={}", app.reset_token("zoe").await)).await;
    assert_eq!((page.status, page.header("referrer-policy")), (200, "same-origin"));
    let links = page.body.split("href=\"").skip(1).chain(page.body.split("src=\"").skip(1));
    for link in links.map(|rest| rest.split('"').next().unwrap()) {
        assert!(link.starts_with('/') || link.starts_with('#'), "{link}");
    }
}
