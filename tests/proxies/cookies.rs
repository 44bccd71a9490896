//! Attacks with cookies, codes and the addresses of the way to sign in and back, through each proxy.

use std::time::Duration;

use gatehouse::accounts::AdminAction;

use crate::{
    attacks::{assert_genuine, raw_lines},
    proxy::Proxy,
    raw,
    site::{Front, Site},
    support::client::Client,
    with_each_proxy,
};

with_each_proxy! {
    cookie_that_is_no_session_here_opens_nothing,
    code_is_good_once_for_one_browser_one_application_and_one_minute,
    way_back_stays_at_the_application,
}

async fn cookie_that_is_no_session_here_opens_nothing(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let client = site.signed_in_client("mallory").await;
    site.grant("mallory", "staff").await;
    let cookie = site.enter(&site.wiki, &client, "/").await;
    let value = cookie.strip_prefix("gate=").unwrap();
    let elsewhere = site.enter(&site.photos, &client, "/").await;
    let session = format!("gate={}", client.cookie("session").unwrap());
    let (front, back) = value.split_at(value.len() / 2);
    let shortened = format!("gate={}", &value[1..]);
    let swapped = format!("gate={back}{front}");
    let renamed = [format!("__Host-gate={value}"), format!("session={value}"), format!("Gate={value}")];
    let every_byte = (0..=255).map(|byte: u8| format!("gate={}{}", char::from(byte), &value[1..]));
    let first = value.chars().next().unwrap();
    let changed = every_byte.filter(|text| !text.starts_with(&format!("gate={first}")) && !text.starts_with("gate= "));
    let cookies = [elsewhere, session, shortened, swapped, "gate=".to_owned(), "gate".to_owned()];
    for cookie in cookies.into_iter().chain(renamed).chain(changed) {
        let answer = raw::send(site.wiki.port, &raw_lines(&site.wiki, "GET /", &[&format!("Cookie: {cookie}")]));
        assert!(answer.status() != 200, "{cookie:?}: {answer:?}");
        site.wiki.received_nothing();
    }
    // Whichever of two counts, it is the session or nothing.
    for lines in [
        &[&format!("Cookie: gate=x; {cookie}")[..]][..],
        &[&format!("Cookie: {cookie}; gate=x")],
        &["Cookie: gate=x", &format!("Cookie: {cookie}")],
        &[&format!("Cookie: {cookie}"), "Cookie: gate=x"],
    ] {
        raw::send(site.wiki.port, &raw_lines(&site.wiki, "GET /", lines));
        site.wiki.echo.take_received().iter().for_each(|request| assert_genuine(request, "mallory"));
    }
    // At Gatehouse, the cookie of an application is nothing.
    let other = site.app.client();
    other.set_cookie("session", value);
    assert!(!other.is_signed_in().await);
}

/// The way of a browser from the application to the address with the code. Returns its start cookie and that address.
async fn way_to_code(site: &Site, front: &Front, client: &Client, start_cookie: &str) -> (String, String) {
    let headers = [("Cookie", start_cookie)];
    let start = front.navigate("/.gatehouse/start?rd=/x", if start_cookie.is_empty() { &[] } else { &headers });
    let cookie = start.set_cookie("gate-start").map(|value| format!("gate-start={value}"));
    let code = client.get(start.location().strip_prefix(&site.origin).unwrap()).await;
    (cookie.unwrap(), front.path(code.location()).to_owned())
}

async fn code_is_good_once_for_one_browser_one_application_and_one_minute(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let client = site.signed_in_client("mallory").await;
    site.grant("mallory", "staff").await;
    let refused = |front: &Front, path: &str, cookie: &str| {
        let answer = front.navigate(path, &[("Cookie", cookie)]);
        assert!(answer.status() >= 400 && answer.set_cookie("gate").is_none(), "{path}: {answer:?}");
        assert!(answer.location().is_empty() && !answer.body.contains("http-equiv"), "no loop: {answer:?}");
    };
    let (browser, path) = way_to_code(&site, &site.wiki, &client, "").await;
    let (other_browser, other_path) = way_to_code(&site, &site.wiki, &client, "").await;
    refused(&site.wiki, &path, &other_browser);
    refused(&site.wiki, &path, "gate-start=");
    refused(&site.wiki, &other_path, &browser);
    refused(&site.photos, &path, &browser);
    let mixed =
        format!("{}&state={}", path.split("&state=").next().unwrap(), other_path.split("&state=").nth(1).unwrap());
    refused(&site.wiki, &mixed, &browser);
    let answer = site.wiki.navigate(&path, &[("Cookie", &browser)]);
    assert_eq!(answer.status(), 303, "{answer:?}");
    refused(&site.wiki, &path, &browser);

    let (browser, path) = way_to_code(&site, &site.wiki, &client, "").await;
    site.app.clock.advance(Duration::from_secs(61));
    refused(&site.wiki, &path, &browser);

    let (browser, path) = way_to_code(&site, &site.wiki, &client, "").await;
    site.app.operate("mallory", AdminAction::SignOut).await;
    refused(&site.wiki, &path, &browser);
    site.wiki.received_nothing();
}

async fn way_back_stays_at_the_application(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let client = site.signed_in_client("mallory").await;
    for rd in [
        "",
        "//evil.example",
        "///evil.example",
        "https://evil.example/",
        "https:evil.example",
        "/%5Cevil.example",
        "\\\\evil.example",
        "/\\evil.example",
        "%2F%2Fevil.example",
        "%09//evil.example",
        "/%09/evil.example",
        "/%0d%0aLocation:%20https://evil.example",
        "@evil.example",
        ".evil.example",
        ":80@evil.example",
        "javascript:alert(1)",
        "/x%00",
    ] {
        let start = site.wiki.navigate(&format!("/.gatehouse/start?rd={rd}"), &[]);
        if start.status() != 303 {
            assert!(start.status() >= 400, "{rd:?}: {start:?}");
            continue;
        }
        let cookie = format!("gate-start={}", start.set_cookie("gate-start").unwrap());
        let code = client.get(start.location().strip_prefix(&site.origin).unwrap()).await;
        let back = site.wiki.navigate(site.wiki.path(code.location()), &[("Cookie", &cookie)]);
        assert_eq!((back.status(), back.location()), (303, format!("{}/", site.wiki.origin).as_str()), "{rd:?}");
    }
}
