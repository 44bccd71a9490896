//! The way of a browser from an application to the sign-in page and back.

use std::time::Duration;

use diesel::{QueryDsl, RunQueryDsl};
use futures_util::future::join_all;
use gatehouse::db::schema::{app_sessions, handover_codes};

use super::{AtApp, add, person_at_wiki, with_wiki};
use crate::support::{PASSWORD, TestApp, WRONG_PASSWORD, client::assert_redirect};

async fn codes(app: &TestApp) -> i64 {
    app.query(|conn| handover_codes::table.count().get_result(conn)).await
}

#[tokio::test]
async fn guest_signs_in_and_comes_back_to_the_page() {
    let app = with_wiki().await;
    app.client().register("zoe").await;
    let (browser, wiki) = (app.client(), AtApp::wiki(&app));
    let way = wiki.start(&app, "/page?a=1&b=%2F").await;
    let answer = browser.get(&way).await;
    assert_eq!(answer.status, 303);
    let login = browser.get(answer.location()).await;
    let next = login.hidden_field("next").unwrap();
    assert_eq!(next, way);
    let form = |password| [("login", "zoe"), ("password", password), ("next", next.as_str())];
    assert_eq!(browser.post("/login", &form(WRONG_PASSWORD)).await.status, 422);
    assert_redirect(&browser.post("/login", &form(PASSWORD)).await, &way);
    let answer = browser.get(&way).await;
    assert!(answer.location().starts_with("http://wiki.localhost/.gatehouse/callback?code="), "{answer:?}");
    let answer = wiki.get(answer.location()).await;
    assert_redirect(&answer, "http://wiki.localhost/page?a=1&b=%2F");
    let cookie = answer.set_cookie("gate").unwrap();
    assert!(cookie.contains("HttpOnly; SameSite=Lax; Path=/") && !cookie.contains("Domain"), "{cookie}");
    assert!(!cookie.contains("Max-Age"), "{cookie}");
    assert_eq!(wiki.status().await, 200);
    assert_eq!(app.event_count("app_signed_in").await, 1);
}

#[tokio::test]
async fn https_application_gets_host_cookies() {
    use gatehouse::{
        apps::{AppChange, Change},
        client::Client as Operator,
    };
    let app = TestApp::spawn();
    let change = AppChange { url: Change::Set("https://wiki.example".parse().unwrap()), ..AppChange::default() };
    app.state.apps.add("wiki".parse().unwrap(), change, &Operator::anonymous()).await.unwrap();
    app.reload_apps().await;
    let (person, at_wiki) = (app.signed_in_client("zoe").await, app.client_of("wiki.example"));
    let start = at_wiki.get("/handover/wiki/start?rd=/").await;
    assert!(start.set_cookie("__Host-gate-start").unwrap().contains("Secure"), "{start:?}");
    let way = person.get(start.location().strip_prefix(&app.address).unwrap()).await;
    let callback = way.location().replace("https://wiki.example/.gatehouse", "/handover/wiki");
    let answer = at_wiki.get(&callback).await;
    assert!(answer.set_cookie("__Host-gate").unwrap().contains("Secure"), "{answer:?}");
    assert!(!answer.headers.contains_key("strict-transport-security"), "the host is the application's");
    assert_eq!(at_wiki.get("/verify/wiki/any").await.status, 200);
}

#[tokio::test]
async fn second_application_needs_no_second_password() {
    let app = with_wiki().await;
    add(&app, "photos", &[]).await;
    let (person, _) = person_at_wiki(&app, "zoe").await;
    let photos = AtApp::new(&app, "photos");
    photos.enter(&app, &person, "/album").await;
    assert_eq!(photos.status().await, 200);
}

// Chromium does not follow a redirect to another origin after a form, because `form-action` forbids it.
#[tokio::test]
async fn way_after_a_form_is_a_page_with_link_and_refresh() {
    let app = with_wiki().await;
    let (person, wiki) = (app.signed_in_client("zoe").await, AtApp::wiki(&app));
    let way = wiki.start(&app, "/").await;
    let after_form = |name: &'static str, value: String| person.send(person.request("GET", &way).header(name, value));
    for answer in [
        after_form("sec-fetch-site", "same-origin".to_owned()).await,
        after_form("referer", format!("{}/login", app.address)).await,
    ] {
        assert_eq!(answer.status, 200);
        let url = answer.body.split("content=\"0;url=").nth(1).unwrap().split('"').next().unwrap();
        assert!(url.starts_with("http://wiki.localhost/.gatehouse/callback?code="), "{url}");
        assert!(answer.body.contains(&format!("href=\"{url}\"")), "{}", answer.body);
        assert_eq!(answer.header("referrer-policy"), "same-origin");
    }
    for (name, value) in [
        ("sec-fetch-site", "cross-site".to_owned()),
        ("sec-fetch-site", "same-site".to_owned()),
        ("sec-fetch-site", "none".to_owned()),
        ("referer", "http://wiki.localhost/".to_owned()),
        ("referer", format!("{}.evil.example/", app.address)),
    ] {
        assert_eq!(after_form(name, value.clone()).await.status, 303, "{name}: {value}");
    }
}

#[tokio::test]
async fn code_is_good_once_for_a_minute_in_one_browser_at_one_application() {
    let app = with_wiki().await;
    add(&app, "photos", &[]).await;
    let (person, wiki) = (app.signed_in_client("zoe").await, AtApp::wiki(&app));
    let code_for = async |at: &AtApp| {
        let way = at.start(&app, "/").await;
        let url = person.get(&way).await.location().to_owned();
        let (_, query) = url.split_once("?code=").unwrap();
        let (code, state) = query.split_once("&state=").unwrap();
        (code.to_owned(), state.to_owned())
    };
    let callback = |code: &str, state: &str| format!("/.gatehouse/callback?code={code}&state={state}");
    let is_refused = async |at: &AtApp, code: &str, state: &str| {
        let answer = at.get(&callback(code, state)).await;
        assert_eq!(answer.status, 410, "{answer:?}");
        assert!(answer.set_cookie("gate").is_none(), "{answer:?}");
        assert!(answer.body.contains(&format!("href=\"http://{}.localhost/\"", at.id)), "{}", answer.body);
        assert!(!answer.body.contains("http-equiv"), "an error never goes on by itself");
    };

    let (code, state) = code_for(&wiki).await;
    let stored: Vec<u8> = app.query(|conn| handover_codes::table.select(handover_codes::code_hash).first(conn)).await;
    assert!(!String::from_utf8_lossy(&stored).contains(&code), "only the hash is stored");
    // Another browser that has set out too.
    let other = AtApp::wiki(&app);
    let (_, other_state) = code_for(&other).await;
    is_refused(&other, &code, &state).await;
    is_refused(&other, &code, &other_state).await;
    is_refused(&AtApp::wiki(&app), &code, &state).await;
    // Another application, with the same browser cookie.
    let photos = AtApp::new(&app, "photos");
    photos.client.set_cookie("gate-start", &wiki.client.cookie("gate-start").unwrap());
    let (_, photos_state) = code_for(&photos).await;
    is_refused(&photos, &code, &state).await;
    is_refused(&photos, &code, &photos_state).await;
    for (code, state) in [("", state.as_str()), ("x", &state), (&code, ""), (&code, "x.y"), (&state, &state)] {
        is_refused(&wiki, code, state).await;
    }
    assert_eq!(wiki.get(&callback(&code, &state)).await.status, 303, "no refusal has used the code up");
    is_refused(&wiki, &code, &state).await;
    assert_eq!(wiki.status().await, 200, "the session stays");

    let (code, state) = code_for(&other).await;
    app.clock.advance(Duration::from_mins(1));
    is_refused(&other, &code, &state).await;
    app.delete_expired().await;
    assert_eq!(codes(&app).await, 0);
}

#[tokio::test]
async fn code_of_a_session_that_has_ended_is_refused() {
    let app = with_wiki().await;
    let (person, wiki) = (app.signed_in_client("zoe").await, AtApp::wiki(&app));
    let way = wiki.start(&app, "/").await;
    let callback = person.get(&way).await.location().to_owned();
    person.sign_out().await;
    assert_eq!(wiki.get(&callback).await.status, 410);
    assert_eq!(wiki.status().await, 401);
}

#[tokio::test]
async fn one_of_many_requests_with_one_code_gets_the_session() {
    let app = with_wiki().await;
    let (person, wiki) = (app.signed_in_client("zoe").await, AtApp::wiki(&app));
    let way = wiki.start(&app, "/").await;
    let callback = person.get(&way).await.location().to_owned();
    let browsers: Vec<_> = (0..16).map(|_| wiki.fork()).collect();
    let answers = join_all(browsers.iter().map(|browser| browser.get(&callback))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (303, &[410; 15][..]));
}

#[tokio::test]
async fn no_code_is_made_without_a_state_of_this_server() {
    let app = with_wiki().await;
    add(&app, "photos", &[]).await;
    let (person, wiki) = (app.signed_in_client("zoe").await, AtApp::wiki(&app));
    let way = wiki.start(&app, "/").await;
    let state = way.split_once("?state=").unwrap().1;
    let mut changed = state.to_owned();
    changed.replace_range(20..21, if state.as_bytes()[20] == b'A' { "B" } else { "A" });
    for query in ["", "?state=", "?state=x", &format!("?state={changed}"), &format!("?code=x&state={changed}")] {
        let answer = person.get(&format!("/continue/wiki{query}")).await;
        assert_eq!(answer.status, 410, "{query}");
        assert!(answer.body.contains("href=\"http://wiki.localhost/\""), "{}", answer.body);
    }
    assert_eq!(person.get(&format!("/continue/photos?state={state}")).await.status, 410, "of another application");
    assert_eq!(person.get(&format!("/continue/nowhere?state={state}")).await.status, 404);
    app.clock.advance(Duration::from_mins(10));
    assert_eq!(person.get(&way).await.status, 410, "too old");
    assert_eq!(codes(&app).await, 0);
}

#[tokio::test]
async fn tabs_that_set_out_at_once_all_come_back() {
    let app = with_wiki().await;
    let (person, wiki) = (app.signed_in_client("zoe").await, AtApp::wiki(&app));
    let mut ways = Vec::new();
    for tab in 0..10 {
        ways.push((tab, wiki.start(&app, &format!("/{tab}")).await));
    }
    for (tab, way) in ways {
        let callback = person.get(&way).await.location().to_owned();
        assert_redirect(&wiki.get(&callback).await, &format!("http://wiki.localhost/{tab}"));
    }
    assert_eq!(wiki.status().await, 200);
    let rows: i64 = app.query(|conn| app_sessions::table.count().get_result(conn)).await;
    assert_eq!(rows, 1, "a session has one row for each application");
}

#[tokio::test]
async fn browser_that_drops_its_cookie_is_not_sent_to_and_fro_forever() {
    let app = with_wiki().await;
    let (person, wiki) = (app.signed_in_client("zoe").await, AtApp::wiki(&app));
    for _ in 0..3 {
        wiki.enter(&app, &person, "/").await;
        wiki.client.remove_cookie("gate");
    }
    let answer = wiki.navigate("/").await;
    let answer = wiki.get(answer.location()).await;
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("Signing in to the application does not end"), "{}", answer.body);
    assert!(!answer.body.contains("http-equiv"), "{}", answer.body);
    app.clock.advance(Duration::from_mins(1));
    wiki.enter(&app, &person, "/").await;
    assert_eq!(wiki.status().await, 200);
}

#[tokio::test]
async fn way_back_of_the_start_page_is_a_path_of_the_application() {
    let app = with_wiki().await;
    let person = app.signed_in_client("zoe").await;
    for (rd, back) in [
        ("/page%3Fa=1", "/page?a=1"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/%5Cevil.example", "/"),
        ("/.gatehouse/start", "/"),
        ("", "/"),
        (&format!("/{}", "a".repeat(1000)), "/"),
    ] {
        let wiki = AtApp::wiki(&app);
        let answer = wiki.get(&format!("/.gatehouse/start?rd={rd}")).await;
        let answer = person.get(answer.location().strip_prefix(&app.address).unwrap()).await;
        let answer = wiki.get(answer.location()).await;
        assert_redirect(&answer, &format!("http://wiki.localhost{back}"));
    }
}

#[tokio::test]
async fn session_at_an_application_survives_a_confirmed_password() {
    let app = with_wiki().await;
    let (person, wiki) = person_at_wiki(&app, "zoe").await;
    app.clock.advance(Duration::from_mins(11));
    let change = [("username", "zoe-2"), ("email", "zoe@keepers.example"), ("current_password", PASSWORD)];
    let session = person.cookie("session").unwrap();
    assert_eq!(person.submit("/account", &change).await.status, 303);
    assert_ne!(person.cookie("session").unwrap(), session, "the session was renewed");
    let answer = wiki.verify_with("any", &[]).await;
    assert_eq!((answer.status, answer.header("remote-user")), (200, "zoe-2"));
}

#[tokio::test]
async fn style_sheet_is_served_on_the_host_of_the_application() {
    let app = with_wiki().await;
    let wiki = AtApp::wiki(&app);
    let page = wiki.get("/.gatehouse/sign-out").await;
    let style = page.body.split("href=\"").find(|part| part.starts_with("/.gatehouse/static/style.css")).unwrap();
    let answer = wiki.get(style.split('"').next().unwrap()).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/css; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    for name in ["nothing.css", "../style.css", "..%2F..%2FCargo.toml", ""] {
        assert_eq!(wiki.get(&format!("/.gatehouse/static/{name}")).await.status, 404, "{name}");
    }
}
