use std::time::Duration;

use diesel::{ExpressionMethods, RunQueryDsl};
use gatehouse::{
    accounts::AdminAction,
    apps::{AppChange, Change},
    client::Client as Operator,
    db::schema::accounts,
};

use crate::support::{PASSWORD, TestApp, WRONG_PASSWORD, client::Client};

#[tokio::test]
async fn home_page_shows_account_and_previous_sign_in() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    assert!(client.get("/").await.body.contains("This is your first"));
    app.clock.advance(Duration::from_hours(72));
    client.sign_in("zoe", PASSWORD).await;
    let first = client.get("/").await.body;
    assert!(first.contains("<dd>zoe</dd>") && first.contains("<dd>zoe@keepers.example</dd>"));
    assert_eq!(first.matches("<time datetime=\"2026-11-22T00:00:00Z\">22 November 2026</time>").count(), 2, "{first}");
    app.clock.advance(Duration::from_hours(1));
    client.sign_in("zoe", PASSWORD).await;
    assert!(client.get("/").await.body.contains("<time datetime=\"2026-11-25T00:00:00Z\">today at 00:00 UTC</time>"));
}

/// Returns the links to applications on the home page, and their texts.
async fn app_links(client: &Client) -> Vec<(String, String)> {
    let page = client.get("/").await.body;
    let Some((_, list)) = page.split_once("<ul class=\"apps\">") else { return Vec::new() };
    let links = list.split("</ul>").next().unwrap().split("<a href=\"").skip(1);
    let link = |link: &str| {
        let (url, rest) = link.split_once("\">").unwrap();
        (url.to_owned(), rest.split("</a>").next().unwrap().to_owned())
    };
    links.map(link).collect()
}

#[tokio::test]
async fn home_page_links_the_applications_that_admit_the_person() {
    let app = TestApp::spawn();
    let zoe = app.signed_in_client("zoe").await;
    assert!(!zoe.get("/").await.body.contains("applications"), "there are none");
    for (id, name, url, roles) in [
        ("wiki", "wiki", Some("https://wiki.example.org"), &[][..]),
        ("notes", "<Photos>", Some("http://photos.example.org:8080"), &["family", "staff"]),
        ("payroll", "Payroll", Some("https://payroll.example.org"), &["admin"]),
        ("shop", "Shop", None, &[]),
    ] {
        let change = AppChange {
            name: Some(name.to_owned()),
            url: url.map_or(Change::Keep, |url| Change::Set(url.parse().unwrap())),
            roles: Some(roles.iter().map(|role| role.parse().unwrap()).collect()),
            ..AppChange::default()
        };
        app.state.apps.add(id.parse().unwrap(), change, &Operator::anonymous()).await.unwrap();
    }
    app.reload_apps().await;
    let (wiki, photos) =
        (("https://wiki.example.org/", "wiki"), ("http://photos.example.org:8080/", "&#60;Photos&#62;"));
    let owned = |(url, text): (&str, &str)| (url.to_owned(), text.to_owned());
    assert_eq!(app_links(&zoe).await, [owned(wiki)]);
    app.operate("zoe", AdminAction::AddRole("staff".parse().unwrap())).await;
    assert_eq!(app_links(&zoe).await, [owned(photos), owned(wiki)], "sorted by name");
    app.operate("zoe", AdminAction::RemoveRole("staff".parse().unwrap())).await;
    app.state.apps.remove("wiki".parse().unwrap(), &Operator::anonymous()).await.unwrap();
    app.reload_apps().await;
    assert!(!zoe.get("/").await.body.contains("applications"));
}

#[tokio::test]
async fn site_name_is_escaped_on_every_page() {
    let app = TestApp::with(&["--site-name", "Keepers <b> & Co"]);
    let client = app.signed_in_client("zoe").await;
    for page in ["/", "/nowhere"] {
        let body = client.get(page).await.body;
        assert!(body.contains("Keepers &#60;b&#62; &#38; Co") && !body.contains("<b> &"), "{body}");
    }
}

// ASVS 15.2.2. The stored hash takes so many rounds that the only hashing thread works on it during the whole test; the
// number of hashes begun shows that it does.
#[tokio::test]
async fn pages_are_served_while_all_hashing_threads_work_and_the_queue_is_full() {
    let limits = ["--hash-threads", "1", "--hash-queue", "2", "--failure-rate", "0", "--session-cache", "0s"];
    let app = TestApp::with(&limits);
    let client = app.signed_in_client("zoe").await;
    let slow = format!("pbkdf2:sha512:2000000$salt${}", "0".repeat(128));
    app.query(move |conn| diesel::update(accounts::table).set(accounts::password_hash.eq(&slow)).execute(conn)).await;
    let begun = app.hashes_computed();
    let slow_sign_in = tokio::spawn({
        let client = app.client();
        async move { client.sign_in("zoe", PASSWORD).await.status }
    });
    while app.hashes_computed() == begun {
        tokio::task::yield_now().await;
    }
    // More than the queue has places for: those of the setting, and those kept for networks without a request.
    let waiting: Vec<_> = (0..40)
        .map(|number| {
            let client = app.client();
            tokio::spawn(async move { client.sign_in(&format!("name{number}"), PASSWORD).await.status })
        })
        .collect();
    while waiting.iter().filter(|sign_in| sign_in.is_finished()).count() < 20 {
        tokio::task::yield_now().await;
    }

    for page in ["/", "/account", "/account/sessions", "/account/activity", "/login", "/healthz", "/readyz"] {
        assert_ne!(client.get(page).await.status / 100, 5, "{page}");
    }
    assert_eq!(client.get("/").await.status, 200);

    assert_eq!(app.hashes_computed(), begun + 1, "the pages were served while the first hash was computed");
    let mut refused = 0;
    for sign_in in waiting {
        refused += u32::from(sign_in.await.unwrap() == 503);
    }
    assert!((20..40).contains(&refused), "{refused} of 40 sign-ins were refused");
    assert_eq!(slow_sign_in.await.unwrap(), 422, "the slow hash is of no known password");
}

#[tokio::test]
async fn failed_attempts_are_shown_at_the_next_sign_in_although_the_password_was_used_in_between() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    for _ in 0..2 {
        app.client().sign_in("zoe", WRONG_PASSWORD).await;
    }
    app.clock.advance(Duration::from_mins(11));
    let changes = [("username", "ida"), ("email", "zoe@keepers.example"), ("current_password", PASSWORD)];
    assert_eq!(client.submit("/account", &changes).await.status, 303);
    app.client().sign_in("ida", WRONG_PASSWORD).await;
    client.sign_in("ida", PASSWORD).await;
    assert!(client.get("/").await.body.contains("3 failed attempts to sign in as you."));
    client.sign_in("ida", PASSWORD).await;
    assert!(!client.get("/").await.body.contains("failed attempt"));
}
