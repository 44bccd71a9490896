//! `/verify` and `/subrequest`: whether a request may pass.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use gatehouse::{
    accounts::AdminAction,
    apps::{AppChange, Change},
    client::Client as Operator,
};

use super::{AtApp, add, person_at_wiki, with_wiki};
use crate::support::{PASSWORD, TestApp, client::assert_redirect};

const NAVIGATE: (&str, &str) = ("sec-fetch-mode", "navigate");
const IDENTITY_HEADERS: [&str; 5] = ["remote-user", "remote-name", "remote-email", "remote-groups", "x-gatehouse-jwt"];

#[tokio::test]
async fn person_with_a_session_passes_with_every_identity_header() {
    let app = with_wiki().await;
    let (_, wiki) = person_at_wiki(&app, "zoe").await;
    app.operate("zoe", AdminAction::AddRole("staff".parse().unwrap())).await;
    app.operate("zoe", AdminAction::AddRole("editor".parse().unwrap())).await;
    for path in ["/verify/wiki/any", "/verify/wiki/any/page?a=1", "/verify/wiki/staff", "/subrequest/wiki/editor"] {
        let answer = wiki.ask(path, &[]).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{path}");
        for (name, value) in [
            ("remote-user", "zoe"),
            ("remote-name", "zoe"),
            ("remote-email", "zoe@keepers.example"),
            ("remote-groups", "editor,staff"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        assert_eq!(answer.header("x-gatehouse-jwt").split('.').count(), 3, "{path}");
        assert!(answer.set_cookies().is_empty(), "{path}");
    }
}

// Envoy and some Caddy pass on what the client sent if the answer lacks a header.
#[tokio::test]
async fn identity_header_of_what_is_unknown_is_sent_empty() {
    let app = with_wiki().await;
    let (_, wiki) = person_at_wiki(&app, "zoe").await;
    app.remove_email("zoe").await;
    app.clock.advance(Duration::from_secs(1));
    let answer = wiki.verify_with("any", &[]).await;
    for name in IDENTITY_HEADERS {
        assert!(answer.headers.contains_key(name), "{name}");
    }
    assert_eq!((answer.header("remote-email"), answer.header("remote-groups")), ("", ""));
}

#[tokio::test]
async fn guest_who_goes_to_a_page_is_sent_to_sign_in_and_back() {
    let app = with_wiki().await;
    let wiki = AtApp::wiki(&app);
    let to_sign_in = "http://wiki.localhost/.gatehouse/start?rd=/page?a=1%26b=2";
    for path in ["/verify/wiki/any", "/verify/wiki/staff/page"] {
        let answer = wiki.ask(path, &[NAVIGATE, ("x-forwarded-uri", "/page?a=1&b=2")]).await;
        assert_redirect(&answer, to_sign_in);
    }
    // Browsers that do not send Sec-Fetch-Mode.
    let accept = ("accept", "text/html,application/xhtml+xml;q=0.9");
    assert_eq!(wiki.verify_with("any", &[accept]).await.status, 303);
    let answer = wiki.ask("/subrequest/wiki/any", &[NAVIGATE, ("x-forwarded-uri", "/page?a=1&b=2")]).await;
    assert_eq!((answer.status, answer.location(), answer.body.as_str()), (401, to_sign_in, ""));
}

#[tokio::test]
async fn guest_who_goes_to_no_page_is_told_where_to_sign_in() {
    let app = with_wiki().await;
    let wiki = AtApp::wiki(&app);
    let uri = ("x-forwarded-uri", "/page");
    for headers in [
        &[uri][..],
        &[uri, ("accept", "*/*")],
        &[uri, ("sec-fetch-mode", "cors"), ("accept", "text/html")],
        &[uri, ("sec-fetch-mode", "websocket")],
        &[uri, ("x-forwarded-method", "POST"), ("accept", "text/html")],
    ] {
        let answer = wiki.verify_with("any", headers).await;
        assert_eq!(answer.problem(), (401, "token_missing".to_owned()), "{headers:?}");
        let back = if headers.contains(&("x-forwarded-method", "POST")) { "/" } else { "/page" };
        let expected = format!("http://wiki.localhost/.gatehouse/start?rd={back}");
        assert_eq!(answer.json()["sign_in_url"], expected.as_str());
        assert!(answer.set_cookies().is_empty());
        let answer = wiki.ask("/subrequest/wiki/any", headers).await;
        assert_eq!((answer.status, answer.body.as_str()), (401, ""), "{headers:?}");
        for name in ["location", "www-authenticate", "set-cookie"] {
            assert!(!answer.headers.contains_key(name), "{name} {headers:?}");
        }
    }
}

#[tokio::test]
async fn form_that_is_sent_without_a_session_is_answered_with_a_page_and_not_redirected() {
    let app = with_wiki().await;
    let wiki = AtApp::wiki(&app);
    let answer =
        wiki.verify_with("any", &[NAVIGATE, ("x-forwarded-method", "POST"), ("x-forwarded-uri", "/save")]).await;
    assert_eq!((answer.status, answer.header("content-type")), (401, "text/html; charset=utf-8"));
    assert!(answer.body.contains("Your form was not sent"), "{}", answer.body);
    assert!(answer.body.contains("href=\"http://wiki.localhost/.gatehouse/start?rd=/\""), "{}", answer.body);
    assert!(answer.body.contains("href=\"/.gatehouse/static/style.css?v="), "{}", answer.body);
    assert!(!answer.body.contains("/language"), "{}", answer.body);
    // Envoy asks with the method of the browser.
    let request = wiki.client.request("POST", "/verify/wiki/any/save").header(NAVIGATE.0, NAVIGATE.1);
    let answer = wiki.client.send(request).await;
    assert_eq!(answer.status, 401);
    assert!(answer.body.contains("Your form was not sent"), "{}", answer.body);
}

#[tokio::test]
async fn way_back_is_a_path_of_the_application_or_its_first_page() {
    let app = with_wiki().await;
    let wiki = AtApp::wiki(&app);
    let long = format!("/{}", "a".repeat(1000));
    for uri in [
        "//evil.example",
        "/\\evil.example",
        "http://evil.example/",
        "/..//evil.example",
        "/.gatehouse/start?rd=/",
        "/a/../.gatehouse/sign-out",
        "evil",
        "/ /",
        &long,
    ] {
        let answer = wiki.navigate(uri).await;
        assert_redirect(&answer, "http://wiki.localhost/.gatehouse/start?rd=/");
    }
    let longest = format!("/{}", "a".repeat(999));
    assert!(wiki.navigate(&longest).await.location().ends_with(&longest));
}

#[tokio::test]
async fn role_of_application_and_path_are_both_needed() {
    let app = with_wiki().await;
    add(&app, "staff-wiki", &["staff", "editor"]).await;
    let (person, wiki) = person_at_wiki(&app, "zoe").await;
    let answer = wiki.verify_with("boss", &[NAVIGATE]).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("You may not use this application"), "{}", answer.body);
    assert!(answer.body.contains("/.gatehouse/static/style.css"), "{}", answer.body);
    assert_eq!(wiki.ask("/subrequest/wiki/boss", &[]).await.body, "");

    let staff_wiki = AtApp::new(&app, "staff-wiki");
    let way = staff_wiki.start(&app, "/").await;
    let answer = person.get(&way).await;
    assert_eq!(answer.status, 403, "no code without the role");
    app.operate("zoe", AdminAction::AddRole("editor".parse().unwrap())).await;
    staff_wiki.enter(&app, &person, "/").await;
    for (role, status) in [("any", 200), ("editor", 200), ("staff", 403), ("boss", 403)] {
        assert_eq!(staff_wiki.verify_with(role, &[]).await.status, status, "{role}");
    }
    app.operate("zoe", AdminAction::RemoveRole("editor".parse().unwrap())).await;
    assert_eq!(staff_wiki.status().await, 403, "the role was lost");
    assert_eq!(staff_wiki.ask("/subrequest/staff-wiki/any", &[NAVIGATE]).await.status, 403);
}

#[tokio::test]
async fn malformed_or_unknown_application_role_or_tail_is_refused() {
    let app = with_wiki().await;
    app.state.apps.add("api-only".parse().unwrap(), AppChange::default(), &Operator::anonymous()).await.unwrap();
    app.reload_apps().await;
    let (_, wiki) = person_at_wiki(&app, "zoe").await;
    app.operate("zoe", AdminAction::AddRole("admin".parse().unwrap())).await;
    for path in [
        "/verify/photos/any",
        "/verify/WIKI/any",
        "/verify/wiki%20/any",
        "/verify/gatehouse/any",
        "/verify/api-only/any",
        "/verify/wiki/Any",
        "/verify/wiki/any*",
        "/verify/wiki/any%2F..",
        "/verify/wiki/any;admin",
        "/verify/wiki/no-such-role",
        "/subrequest/photos/any",
        "/subrequest/wiki/any*",
        "/subrequest/api-only/any",
        "/verify",
        "/verify/wiki",
        "/verify/wiki/",
        "/verify//any",
        "/subrequest/wiki/any/x",
    ] {
        let answer = wiki.ask(path, &[]).await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(IDENTITY_HEADERS.iter().all(|name| !answer.headers.contains_key(*name)), "{path}");
    }
}

#[tokio::test]
async fn only_trusted_proxies_are_answered() {
    let app = TestApp::with(&["--trusted-proxies", "192.0.2.0/24"]);
    add(&app, "wiki", &[]).await;
    let wiki = AtApp::wiki(&app);
    for path in [
        "/verify",
        "/verify/wiki/any",
        "/verify/nope/any",
        "/subrequest/wiki/any",
        "/handover/nope/ping",
        "/handover/wiki/start",
        "/handover/wiki/callback",
        "/handover/wiki/sign-out",
        "/handover/wiki/ping",
        "/handover/wiki/static/style.css",
    ] {
        for forwarded in ["192.0.2.1", "127.0.0.1"] {
            let answer = wiki.ask(path, &[NAVIGATE, ("x-forwarded-for", forwarded)]).await;
            assert_eq!(answer.status, 404, "{path} {forwarded}");
        }
    }
    assert_eq!(wiki.post("/.gatehouse/sign-out", &[("scope", "app")]).await.status, 404);
    let app = TestApp::with(&["--trusted-proxies", "127.0.0.0/8"]);
    add(&app, "wiki", &[]).await;
    assert_eq!(AtApp::wiki(&app).status().await, 401);
}

// The class of GHSA-7x63-xv5r-3p2x, GHSA-5hvv-m4w4-gf6v and CVE-2025-64484.
#[tokio::test]
async fn decision_depends_on_path_and_cookie_only() {
    let app = with_wiki().await;
    let (_, wiki) = person_at_wiki(&app, "zoe").await;
    let guest = AtApp::wiki(&app);
    for (name, value) in [
        ("x-forwarded-uri", "/.gatehouse/static/style.css"),
        ("x-forwarded-uri", "/verify/wiki/any"),
        ("x-forwarded-host", "photos.localhost"),
        ("x-forwarded-method", "OPTIONS"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-prefix", "/public"),
        ("forwarded", "for=127.0.0.1;host=photos.localhost"),
        ("x-original-url", "/healthz"),
        ("x-rewrite-url", "/healthz"),
        ("x-http-method-override", "OPTIONS"),
        ("user-agent", "GoogleHC/1.0"),
        ("remote-user", "admin"),
        ("remote-groups", "admin"),
        ("x-gatehouse-jwt", "x"),
        ("authorization", "Basic emFwOnphcA=="),
    ] {
        let answer = wiki.verify_with("any", &[(name, value)]).await;
        assert_eq!((answer.status, answer.header("remote-user")), (200, "zoe"), "{name}: {value}");
        assert_eq!(wiki.verify_with("admin", &[(name, value)]).await.status, 403, "{name}: {value}");
        assert_eq!(guest.verify_with("any", &[(name, value)]).await.status, 401, "{name}: {value}");
    }
    for query in ["?role=any", "?app=photos&role=any", "?rd=/healthz"] {
        assert_eq!(wiki.ask(&format!("/verify/wiki/admin{query}"), &[]).await.status, 403, "{query}");
        assert_eq!(guest.ask(&format!("/verify/wiki/any{query}"), &[]).await.status, 401, "{query}");
    }
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"] {
        let ask = async |at: &AtApp| at.client.send(at.client.request(method, "/verify/wiki/any/x")).await;
        assert_eq!((ask(&wiki).await.status, ask(&guest).await.status), (200, 401), "{method}");
    }
}

#[tokio::test]
async fn cookie_is_good_at_its_own_application_and_for_nothing_else() {
    let app = with_wiki().await;
    add(&app, "photos", &[]).await;
    let (person, wiki) = person_at_wiki(&app, "zoe").await;
    let gate = wiki.client.cookie("gate").unwrap();
    let photos = AtApp::new(&app, "photos");
    photos.client.set_cookie("gate", &gate);
    assert_eq!(photos.status().await, 401);
    let session = person.cookie("session").unwrap();
    let other = AtApp::wiki(&app);
    other.client.set_cookie("gate", &session);
    assert_eq!(other.status().await, 401, "the session's cookie is not one of an application");
    let browser = app.client();
    browser.set_cookie("session", &gate);
    assert!(!browser.is_signed_in().await, "and the other way round");
    other.client.set_cookie("gate", &wiki.client.cookie("gate-start").unwrap());
    assert_eq!(other.status().await, 401);
    // Two: one of them may be planted.
    let twice = ("cookie", format!("gate={gate}; gate={gate}"));
    assert_eq!(AtApp::wiki(&app).verify_with("any", &[(twice.0, &twice.1)]).await.status, 401);
}

#[tokio::test]
async fn session_at_an_application_ends_with_its_session() {
    let app = with_wiki().await;
    let (person, wiki) = person_at_wiki(&app, "zoe").await;
    person.sign_out().await;
    assert_eq!(wiki.status().await, 401, "signed out");
    // More rounds in a minute would be taken for a loop.
    app.clock.advance(Duration::from_mins(1));

    person.sign_in("zoe", PASSWORD).await;
    wiki.enter(&app, &person, "/").await;
    let new_password = "another quiet wall with a door";
    let change = [("current_password", PASSWORD), ("password", new_password), ("password_confirm", new_password)];
    assert_eq!(person.submit("/account/password", &change).await.status, 303);
    assert_eq!(wiki.status().await, 401, "password changed");
    app.clock.advance(Duration::from_mins(1));

    wiki.enter(&app, &person, "/").await;
    assert_eq!(wiki.status().await, 200);
    app.operate("zoe", AdminAction::Disable).await;
    assert_eq!(wiki.status().await, 401, "disabled");
    app.operate("zoe", AdminAction::Enable).await;

    person.sign_in("zoe", new_password).await;
    wiki.enter(&app, &person, "/").await;
    app.clock.advance(Duration::from_mins(59));
    assert_eq!(wiki.status().await, 200);
    app.clock.advance(Duration::from_mins(59));
    assert!(person.is_signed_in().await, "a visit to the application counts as a use");
    app.clock.advance(Duration::from_mins(61));
    assert_eq!(wiki.status().await, 401, "idle for too long");
}

#[tokio::test]
async fn request_that_was_answered_a_moment_ago_runs_no_query() {
    let app = with_wiki().await;
    let (_, wiki) = person_at_wiki(&app, "zoe").await;
    let token = wiki.verify_with("any", &[]).await.header("x-gatehouse-jwt").to_owned();
    app.query(|conn| conn.batch_execute("ALTER TABLE sessions RENAME TO hidden_sessions")).await;
    let answer = wiki.verify_with("any", &[]).await;
    assert_eq!((answer.status, answer.header("x-gatehouse-jwt")), (200, token.as_str()), "and signs nothing");
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(wiki.status().await, 500, "a database that does not answer lets nothing pass");
    assert_eq!(wiki.ask("/subrequest/wiki/any", &[NAVIGATE]).await.status, 500);
    app.query(|conn| conn.batch_execute("ALTER TABLE hidden_sessions RENAME TO sessions")).await;
}

#[tokio::test]
async fn running_server_sees_a_change_of_the_application() {
    let app = with_wiki().await;
    let (_, wiki) = person_at_wiki(&app, "zoe").await;
    let (id, operator) = ("wiki".parse().unwrap(), Operator::anonymous());
    let change = AppChange { roles: Some(vec!["staff".parse().unwrap()]), ..AppChange::default() };
    app.state.apps.set(id, change, &operator).await.unwrap();
    app.reload_apps().await;
    assert_eq!(wiki.status().await, 403);
    let change = AppChange { url: Change::Clear, roles: Some(Vec::new()), ..AppChange::default() };
    app.state.apps.set("wiki".parse().unwrap(), change, &operator).await.unwrap();
    app.reload_apps().await;
    assert_eq!(wiki.status().await, 403);
    app.state.apps.remove("wiki".parse().unwrap(), &operator).await.unwrap();
    app.reload_apps().await;
    assert_eq!(wiki.status().await, 403);
}

#[tokio::test]
async fn no_byte_of_a_cookie_lets_a_request_pass() {
    let app = with_wiki().await;
    let (_, wiki) = person_at_wiki(&app, "zoe").await;
    let gate = wiki.client.cookie("gate").unwrap();
    let other = AtApp::wiki(&app);
    for byte in (0..=255_u8).filter(|byte| !matches!(byte, 0 | b'\n' | b'\r')) {
        let header = [b"gate=", &[byte][..], &gate.as_bytes()[1..]].concat();
        let Ok(header) = reqwest::header::HeaderValue::from_bytes(&header) else { continue };
        let answer = other.client.send(other.client.request("GET", "/verify/wiki/any").header("cookie", header)).await;
        let expected = if byte == gate.as_bytes()[0] { 200 } else { 401 };
        assert_eq!(answer.status, expected, "byte {byte}");
    }
}
