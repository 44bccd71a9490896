use std::time::Duration;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use gatehouse::{
    accounts::AdminAction,
    apps::{App, AppChange, Change, TokenFormat},
    client::Client as Requester,
    db::schema::apps,
};

use crate::support::{
    PASSWORD, TestApp, WRONG_PASSWORD,
    client::{Client, assert_field_errors, assert_redirect, assert_throttled},
};

const PATH: &str = "/admin/apps";
const WIKI: &str = "/admin/apps/wiki";
const SECRET: &str = "5d2f1c0e9b8a7465f3e2d1c0b9a88776";

/// Adds an application as the command does.
async fn add(app: &TestApp, id: &str, change: AppChange) {
    app.state.apps.add(id.parse().unwrap(), change, &Requester::anonymous()).await.unwrap();
}

async fn find(app: &TestApp, id: &str) -> Option<App> {
    app.state.apps.find(id.parse().unwrap()).await.unwrap()
}

/// Returns the encrypted secret of `wiki`.
async fn stored_secret(app: &TestApp) -> Option<Vec<u8>> {
    app.query(|conn| apps::table.find("wiki").select(apps::hs256_secret).get_result(conn)).await
}

async fn token_format(app: &TestApp) -> Option<TokenFormat> {
    find(app, "wiki").await.unwrap().tokens.map(|tokens| tokens.format())
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn administrator_adds_changes_and_removes_an_application() {
    let app = TestApp::spawn();
    let zoe = app.first_administrator("zoe").await;
    assert!(zoe.get(PATH).await.body.contains("No applications to show here."));
    let fields = [
        ("id", "wiki"),
        ("name", "The <wiki>"),
        ("url", "https://Wiki.example.org/"),
        ("role", "staff editor staff"),
        ("cors", "https://wiki.example.org http://b\u{fc}cher.example:80"),
    ];
    assert_redirect(&zoe.submit(PATH, &fields).await, PATH);
    let list = zoe.get(PATH).await.body;
    assert!(list.contains("The application is added.") && list.contains("The &#60;wiki&#62;</a>"), "{list}");
    assert!(list.contains("https://wiki.example.org<br>") && list.contains("<code>editor</code>"), "{list}");
    let wiki = find(&app, "wiki").await.unwrap();
    assert_eq!((wiki.name.as_str(), texts(&wiki.roles)), ("The <wiki>", vec!["editor".to_owned(), "staff".to_owned()]));
    assert_eq!(texts(&wiki.cors), ["http://xn--bcher-kva.example", "https://wiki.example.org"]);
    let page = zoe.get(WIKI).await.body;
    for value in
        ["The &#60;wiki&#62;", "https://wiki.example.org", "editor staff", "http://xn--bcher-kva.example https"]
    {
        assert!(page.contains(&format!("value=\"{value}")), "{value}: {page}");
    }

    assert_redirect(&zoe.submit(WIKI, &[("name", "Wiki")]).await, WIKI);
    assert!(zoe.get(WIKI).await.body.contains("The application is changed."));
    let wiki = find(&app, "wiki").await.unwrap();
    assert!(wiki.name == "Wiki" && wiki.url.is_none() && wiki.roles.is_empty() && wiki.cors.is_empty(), "{wiki:?}");
    assert_redirect(&zoe.submit(WIKI, &[("name", "Wiki")]).await, WIKI);
    assert_eq!(app.event_count("app_changed").await, 1, "a change of nothing is no event");

    assert!(zoe.get("/admin/apps/wiki/remove").await.body.contains("Remove the application Wiki"));
    assert_redirect(&zoe.submit("/admin/apps/wiki/remove", &[]).await, PATH);
    assert!(zoe.get(PATH).await.body.contains("The application is removed."));
    assert!(find(&app, "wiki").await.is_none());
    let administrator = zoe.account_id().await.to_string();
    for kind in ["app_added", "app_changed", "app_removed"] {
        assert_eq!(app.actors(kind).await, [administrator.as_str()], "{kind}");
    }
    for path in [WIKI, "/admin/apps/wiki/remove", "/admin/apps/Wiki", "/admin/apps/gatehouse"] {
        assert_eq!((zoe.get(path).await.status, zoe.submit(path, &[]).await.status), (404, 404), "{path}");
    }
}

#[tokio::test]
async fn form_of_an_application_shows_errors_and_keeps_what_was_typed() {
    let app = TestApp::spawn();
    let zoe = app.first_administrator("zoe").await;
    let long = "a".repeat(1025);
    let wrong = [
        ("id", "Shop"),
        ("name", &"n".repeat(61)),
        ("url", "https://shop.example.org/shop"),
        ("role", "any"),
        ("cors", "https://a.example *"),
        ("tokens", "other"),
        ("hs256_secret", SECRET),
    ];
    let refused = zoe.submit(PATH, &wrong).await;
    assert_field_errors(&refused, &["id", "name", "url", "role", "cors", "tokens", "hs256_secret"]);
    for (name, value) in &wrong[..5] {
        assert!(refused.body.contains(&format!("value=\"{value}\"")), "{name}: {}", refused.body);
    }
    assert!(!refused.body.contains(SECRET), "a secret is not sent back");
    assert!(refused.body.contains("Enter the secret again."), "{}", refused.body);
    for (fields, wrong) in [
        (&[("id", "")][..], &["id"][..]),
        (&[("id", "gatehouse")], &["id"]),
        (&[("id", "shop"), ("url", "shop.example.org")], &["url"]),
        (&[("id", "shop"), ("tokens", "simplejwt")], &["hs256_secret"]),
        (&[("id", "shop"), ("tokens", "simplejwt"), ("hs256_secret", &long)], &["hs256_secret"]),
        (&[("id", "shop"), ("hs256_secret", SECRET)], &["tokens", "hs256_secret"]),
    ] {
        assert_field_errors(&zoe.submit(PATH, fields).await, wrong);
    }
    assert_eq!(zoe.submit(PATH, &[("id", "shop"), ("owner", "zoe")]).await.status, 400);
    assert!(app.state.apps.list().await.unwrap().is_empty());

    add(&app, "wiki", AppChange::default()).await;
    assert_field_errors(&zoe.submit(WIKI, &[("url", "wiki"), ("role", "Staff")]).await, &["url", "role"]);
    assert_eq!(zoe.submit(WIKI, &[("id", "shop"), ("name", "Shop")]).await.status, 400, "an id does not change");
    assert_eq!(app.event_count("app_changed").await, 0);
}

#[tokio::test]
async fn rules_of_the_commands_hold_for_the_pages() {
    let app = TestApp::spawn();
    let zoe = app.first_administrator("zoe").await;
    let url = |url: &str| AppChange { url: Change::Set(url.parse().unwrap()), ..AppChange::default() };
    add(&app, "wiki", url("https://wiki.example.org")).await;
    add(&app, "shop", url("https://shop.example.org")).await;
    let many = |value: fn(usize) -> String| (0..31).map(value).collect::<Vec<_>>().join(" ");
    let (roles, origins) = (many(|i| format!("role{i}")), many(|i| format!("https://a{i}.example")));
    for (path, name, value, text) in [
        (PATH, "id", "wiki", "already an application with this ID"),
        ("/admin/apps/shop", "url", "https://WIKI.example.org:8443", "belongs to the application wiki"),
        ("/admin/apps/shop", "role", &roles, "at most 30 roles"),
        ("/admin/apps/shop", "cors", &origins, "at most 30 origins"),
    ] {
        let refused = zoe.submit(path, &[(name, value)]).await;
        assert_field_errors(&refused, &[name]);
        assert!(refused.body.contains(text), "{name}: {}", refused.body);
    }
    assert_eq!((app.event_count("app_added").await, app.event_count("app_changed").await), (2, 0));
    app.query(|conn| {
        for number in 2..1000 {
            let id = format!("app{number}");
            diesel::insert_into(apps::table)
                .values((
                    apps::id.eq(&id),
                    apps::name.eq(&id),
                    apps::roles.eq(""),
                    apps::cors.eq(""),
                    apps::created_at.eq(0),
                ))
                .execute(conn)?;
        }
        Ok(())
    })
    .await;
    let refused = zoe.submit(PATH, &[("id", "blog"), ("name", "Blog")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("There are 1000 applications") && refused.body.contains("value=\"Blog\""));
}

#[tokio::test]
async fn application_on_the_host_of_the_site_is_refused() {
    let app = TestApp::with(&["--public-url", "https://login.example.org"]);
    let mut zoe = app.client_of("login.example.org");
    zoe.headers.push(("sec-fetch-site", "same-origin".to_owned()));
    assert_redirect(&zoe.register("zoe").await, "/");
    app.operate("zoe", AdminAction::AddRole("admin".parse().unwrap())).await;
    let refused = zoe.submit(PATH, &[("id", "wiki"), ("url", "https://login.example.org:8443")]).await;
    assert_field_errors(&refused, &["url"]);
    assert!(refused.body.contains("This is the host of this site."), "{}", refused.body);
    assert_redirect(&zoe.submit(PATH, &[("id", "wiki"), ("url", "https://wiki.login.example.org")]).await, PATH);
}

// ASVS 13.3.1
#[tokio::test]
async fn secret_for_tokens_is_never_shown_and_stays_unless_another_one_is_typed() {
    let app = TestApp::spawn();
    let zoe = app.first_administrator("zoe").await;
    let fields = [("id", "wiki"), ("tokens", "simplejwt"), ("hs256_secret", SECRET)];
    assert_redirect(&zoe.submit(PATH, &fields).await, PATH);
    let first = stored_secret(&app).await.unwrap();
    for path in [PATH, WIKI, "/admin/apps/wiki/remove"] {
        assert!(!zoe.get(path).await.body.contains(SECRET), "{path}");
    }
    assert!(zoe.get(WIKI).await.body.contains("<option value=\"simplejwt\" selected>"));
    assert_redirect(&zoe.submit(WIKI, &[("tokens", "praetorian")]).await, WIKI);
    assert_eq!(token_format(&app).await, Some(TokenFormat::Praetorian));
    assert_eq!(stored_secret(&app).await.as_ref(), Some(&first));
    let other = [("tokens", "praetorian"), ("hs256_secret", "another secret of the wiki")];
    assert_redirect(&zoe.submit(WIKI, &other).await, WIKI);
    assert_ne!(stored_secret(&app).await, Some(first));
    assert_redirect(&zoe.submit(WIKI, &[("tokens", "")]).await, WIKI);
    assert_eq!((token_format(&app).await, stored_secret(&app).await), (None, None));
    assert_field_errors(&zoe.submit(WIKI, &[("tokens", "praetorian")]).await, &["hs256_secret"]);
}

/// Sends a form without the password, with a wrong one and with the right one; only the last may be accepted.
async fn submit_with_password(app: &TestApp, zoe: &Client, path: &str, fields: &[(&str, &str)], next: &str) {
    app.clock.advance(Duration::from_mins(20));
    assert!(zoe.get(path).await.body.contains("name=\"current_password\""), "{path}");
    let events = app.events().await;
    let events: Vec<_> = events.iter().filter(|(kind, _)| kind.starts_with("app_")).collect();
    for password in ["", WRONG_PASSWORD] {
        let refused = zoe.submit(path, &[fields, &[("current_password", password)]].concat()).await;
        assert_field_errors(&refused, &["current_password"]);
        for (name, value) in fields {
            assert!(refused.body.contains(&format!("value=\"{value}\"")), "{name}: {}", refused.body);
        }
    }
    let after = app.events().await;
    assert_eq!(after.iter().filter(|(kind, _)| kind.starts_with("app_")).collect::<Vec<_>>(), events, "{path}");
    assert_redirect(&zoe.submit(path, &[fields, &[("current_password", PASSWORD)]].concat()).await, next);
    assert!(!zoe.get(path).await.body.contains("name=\"current_password\""), "the new session is recent");
}

// ASVS 7.5.1
#[tokio::test]
async fn every_change_of_an_application_asks_for_the_password_and_then_does_what_was_asked() {
    let app = TestApp::spawn();
    let zoe = app.first_administrator("zoe").await;
    submit_with_password(&app, &zoe, PATH, &[("id", "wiki"), ("role", "staff")], PATH).await;
    assert_eq!(texts(&find(&app, "wiki").await.unwrap().roles), ["staff"]);
    submit_with_password(&app, &zoe, WIKI, &[("role", "editor")], WIKI).await;
    assert_eq!(texts(&find(&app, "wiki").await.unwrap().roles), ["editor"]);
    submit_with_password(&app, &zoe, "/admin/apps/wiki/remove", &[], PATH).await;
    assert!(find(&app, "wiki").await.is_none());
}

#[tokio::test]
async fn changes_of_applications_by_an_administrator_are_limited() {
    let app = TestApp::with(&["--sign-in-rate", "2/1h"]);
    let zoe = app.first_administrator("zoe").await;
    assert_redirect(&zoe.submit(PATH, &[("id", "wiki")]).await, PATH);
    assert_redirect(&zoe.submit(WIKI, &[("name", "Wiki")]).await, WIKI);
    let refused = zoe.submit(PATH, &[("id", "shop"), ("name", "Shop")]).await;
    assert_throttled(&refused, 3600);
    assert!(refused.body.contains("value=\"Shop\""), "what was typed stays");
    assert_throttled(&zoe.submit(WIKI, &[("name", "The wiki")]).await, 3600);
    assert_throttled(&zoe.submit("/admin/apps/wiki/remove", &[]).await, 3600);
    assert_eq!(find(&app, "wiki").await.unwrap().name, "Wiki");
    assert!(find(&app, "shop").await.is_none());
}

// ASVS 8.3.2. The other process still has the role in its cache, so only the transaction can notice.
#[tokio::test]
async fn account_that_is_no_administrator_any_more_changes_no_application() {
    let app = TestApp::with(&["--session-cache", "1m"]);
    let second = app.second_process(&["--session-cache", "1m"]);
    app.first_administrator("ida").await;
    let zoe = app.administrator("zoe").await.against(&second.address);
    add(&app, "wiki", AppChange::default()).await;
    assert_eq!(zoe.get(PATH).await.status, 200);
    app.operate("zoe", AdminAction::RemoveRole("admin".parse().unwrap())).await;
    for (path, fields) in [(PATH, &[("id", "shop")][..]), (WIKI, &[("name", "Mine")]), ("/admin/apps/wiki/remove", &[])]
    {
        assert_eq!(zoe.get(PATH).await.status, 200, "the second process has not noticed yet");
        assert_eq!(zoe.submit(path, fields).await.status, 404, "{path}");
    }
    let apps = app.state.apps.list().await.unwrap();
    assert_eq!(apps.iter().map(|app| app.name.as_str()).collect::<Vec<_>>(), ["wiki"]);
}

#[tokio::test]
async fn long_list_of_applications_has_pages() {
    let app = TestApp::spawn();
    let zoe = app.first_administrator("zoe").await;
    for number in 0..30 {
        add(&app, &format!("app{number:02}"), AppChange::default()).await;
    }
    let rows = |page: &str| page.matches("<h2><a href=\"/admin/apps/app").count();
    let first = zoe.get(PATH).await.body;
    let next = first.split("href=\"/admin/apps?after=").nth(1).unwrap().split('"').next().unwrap();
    let second = zoe.get(&format!("{PATH}?after={next}")).await.body;
    assert_eq!((rows(&first), next, rows(&second)), (25, "app24", 5));
    assert!(!second.contains("?after="));
    assert_eq!(zoe.get(&format!("{PATH}?after=?")).await.status, 200);
}
