//! What each proxy does with the requests of browsers and scripts.

use std::{
    io::{Read, Write},
    time::Duration,
};

use gatehouse::accounts::AdminAction;
use serde_json::Value;

use crate::{
    proxy::Proxy,
    raw::{self, Message},
    site::{Front, Site},
    support::{TestApp, wait_until},
    with_each_proxy,
};

with_each_proxy! {
    navigation_of_a_guest_leads_to_sign_in_and_back_to_the_page_with_its_query,
    application_gets_all_identity_headers,
    body_of_a_post_arrives_unchanged,
    script_of_a_guest_gets_401_with_the_address_to_sign_in,
    form_of_a_guest_is_refused_in_words_and_not_redirected,
    missing_role_is_refused_in_words,
    websocket_connects_only_with_a_session,
    head_request_gets_no_body,
    session_ends_at_the_application_when_it_ends_at_gatehouse,
    access_token_of_a_program_decides_alone,
    request_of_a_proxy_that_is_not_trusted_opens_nothing,
    pages_of_gatehouse_are_served_at_the_host_of_the_application,
    without_gatehouse_nothing_reaches_the_application,
}

const WEBSOCKET: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
];

async fn navigation_of_a_guest_leads_to_sign_in_and_back_to_the_page_with_its_query(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let client = site.signed_in_client("zoe").await;
    site.wiki.received_nothing();
    for path in ["/", "/page?a=1&b=%C3%A9+x", "/a%2Fb/c;d?q=//evil.example"] {
        let cookie = site.enter(&site.wiki, &client, path).await;
        site.wiki.received_nothing();
        assert_eq!(site.wiki.navigate(path, &[("Cookie", &cookie)]).status(), 200);
        assert_eq!(site.wiki.received().line, format!("GET {path} HTTP/1.1"));
    }
}

async fn application_gets_all_identity_headers(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let client = site.signed_in_client("zoe").await;
    let cookie = site.enter(&site.wiki, &client, "/").await;
    let identity = |request: &Message| {
        ["remote-user", "remote-name", "remote-email", "remote-groups"]
            .map(|name| request.header(name).unwrap_or_default().to_owned())
    };
    site.wiki.navigate("/", &[("Cookie", &cookie)]);
    let request = site.wiki.received();
    assert_eq!(identity(&request), ["zoe", "zoe", "zoe@keepers.example", ""]);
    assert_eq!(request.header("x-gatehouse-jwt").unwrap().split('.').count(), 3);
    let forwarded =
        ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"].map(|name| request.header(name).unwrap());
    assert_eq!(forwarded, ["127.0.0.1", &site.wiki.host, "http"]);
    assert_eq!(request.header("host"), Some(site.wiki.host.as_str()));

    site.app.remove_email("zoe").await;
    site.grant("zoe", "staff").await;
    site.grant("zoe", "editor").await;
    site.wiki.navigate("/", &[("Cookie", &cookie)]);
    assert_eq!(identity(&site.wiki.received()), ["zoe", "zoe", "", "editor,staff"]);
}

async fn body_of_a_post_arrives_unchanged(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let cookie = site.session_at(&site.wiki).await;
    // With and without a length, and larger than the buffers of the proxies.
    let large = "0123456789abcdef".repeat(16 << 10);
    let host = ("Host", site.wiki.host.as_str());
    for body in ["text=a+b&more=%00", "", &large] {
        let length = body.len().to_string();
        let head = raw::request("POST /save?x=1", &[host, ("Cookie", &cookie), ("Content-Length", &length)]);
        let answer = raw::send(site.wiki.port, &[&head[..], body.as_bytes()].concat());
        assert_eq!(answer.status(), 200, "{answer:?}");
        let request = site.wiki.received();
        assert_eq!((request.line.as_str(), request.body == body), ("POST /save?x=1 HTTP/1.1", true));
    }
    let head = raw::request("POST /save", &[host, ("Cookie", &cookie), ("Transfer-Encoding", "chunked")]);
    let answer = raw::send(site.wiki.port, &[&head[..], b"5\r\nfirst\r\n7\r\n second\r\n0\r\n\r\n"].concat());
    assert_eq!((answer.status(), site.wiki.received().body.as_str()), (200, "first second"));
}

async fn script_of_a_guest_gets_401_with_the_address_to_sign_in(proxy: Proxy) {
    let site = Site::start(proxy).await;
    for headers in [&[("Sec-Fetch-Mode", "cors"), ("Accept", "*/*")][..], &[("Accept", "application/json")], &[]] {
        let answer = site.wiki.send("GET /data?x=1", headers);
        assert_eq!((answer.status(), answer.header("location")), (401, None), "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
        let sign_in = format!("{}/.gatehouse/start?rd=/data?x=1", site.wiki.origin);
        assert_eq!(answer.json()["sign_in_url"], sign_in, "{answer:?}");
    }
    site.wiki.received_nothing();
}

async fn form_of_a_guest_is_refused_in_words_and_not_redirected(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let headers = [
        ("Host", site.wiki.host.as_str()),
        ("Accept", "text/html"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Content-Length", "6"),
    ];
    let answer = raw::send(site.wiki.port, &[&raw::request("POST /save", &headers)[..], b"text=a"].concat());
    assert_eq!((answer.status(), answer.header("location")), (401, None), "{answer:?}");
    assert!(answer.body.contains("Your form was not sent"), "{answer:?}");
    site.wiki.received_nothing();
}

async fn missing_role_is_refused_in_words(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let client = site.signed_in_client("zoe").await;
    site.grant("zoe", "staff").await;
    let cookie = site.enter(&site.photos, &client, "/").await;
    site.app.operate("zoe", AdminAction::RemoveRole("staff".parse().unwrap())).await;
    let answer = site.photos.navigate("/", &[("Cookie", &cookie)]);
    assert_eq!(answer.status(), 403, "{answer:?}");
    assert!(answer.body.contains("You may not use this application"), "{answer:?}");
    site.photos.received_nothing();
}

async fn websocket_connects_only_with_a_session(proxy: Proxy) {
    let site = Site::start(proxy).await;
    assert_eq!(site.wiki.send("GET /socket", &WEBSOCKET).status(), 401);
    site.wiki.received_nothing();
    let cookie = site.session_at(&site.wiki).await;
    let headers = [&[("Host", site.wiki.host.as_str()), ("Cookie", &cookie)], &WEBSOCKET[..]].concat();
    let mut socket = raw::connect(site.wiki.port);
    socket.write_all(&raw::request("GET /socket", &headers)).unwrap();
    let answer = Message::read_head(&mut socket).unwrap();
    assert_eq!(answer.status(), 101, "{answer:?}");
    socket.write_all(b"\x81\x05hello").unwrap();
    let mut frame = [0; 7];
    socket.read_exact(&mut frame).unwrap();
    assert_eq!(&frame, b"\x81\x05hello");
    assert!(site.wiki.received().header("remote-user").unwrap().starts_with("zoe"));
}

async fn head_request_gets_no_body(proxy: Proxy) {
    let site = Site::start(proxy).await;
    for (headers, status) in [(&[("Accept", "text/html")][..], 303), (&[("Accept", "*/*")], 401)] {
        let all = [&[("Host", site.wiki.host.as_str()), ("Connection", "close")], headers].concat();
        let mut socket = raw::connect(site.wiki.port);
        socket.write_all(&raw::request("HEAD /page", &all)).unwrap();
        let answer = Message::read_head(&mut socket).unwrap();
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).unwrap();
        assert_eq!((answer.status(), rest.len()), (status, 0), "{answer:?}");
    }
    site.wiki.received_nothing();
}

async fn session_ends_at_the_application_when_it_ends_at_gatehouse(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let client = site.signed_in_client("zoe").await;
    let cookie = site.enter(&site.wiki, &client, "/").await;
    assert_eq!(site.wiki.navigate("/", &[("Cookie", &cookie)]).status(), 200);
    site.wiki.received();
    site.app.operate("zoe", AdminAction::SignOut).await;
    assert_eq!(site.wiki.navigate("/", &[("Cookie", &cookie)]).status(), 303);
    site.wiki.received_nothing();
}

async fn access_token_of_a_program_decides_alone(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let cookie = site.session_at(&site.wiki).await;
    site.signed_in_client("eva").await;
    let (access, refresh) = site.app.client().tokens("eva").await;
    let ask = |front: &Front, token: &str, cookie: &str| {
        front.send("GET /data", &[("Authorization", &format!("Bearer {token}")), ("Cookie", cookie)])
    };
    for cookie in ["", &cookie] {
        assert_eq!(ask(&site.wiki, &access, cookie).status(), 200);
        assert_eq!(site.wiki.received().header("remote-user"), Some("eva"));
        for token in [refresh.as_str(), "x", ""] {
            let answer = ask(&site.wiki, token, cookie);
            assert_eq!((answer.status(), answer.header("location")), (401, None), "{answer:?}");
        }
    }
    assert_eq!(ask(&site.photos, &access, "").status(), 403, "eva has no role there");
    site.app.client().call("POST", "/api/logout", &access, Value::Null).await;
    assert_eq!(ask(&site.wiki, &access, "").status(), 401);
    site.wiki.received_nothing();
    site.photos.received_nothing();
}

async fn request_of_a_proxy_that_is_not_trusted_opens_nothing(proxy: Proxy) {
    let site = Site::with(proxy, &["--trusted-proxies", "192.0.2.1"]).await;
    site.signed_in_client("eva").await;
    let bearer = format!("Bearer {}", site.app.client().tokens("eva").await.0);
    let ask = |path: &str| site.wiki.send(&format!("GET {path}"), &[("Authorization", &bearer)]);
    assert_eq!(ask("/.gatehouse/ping").status(), 404);
    let answer = ask("/");
    // nginx makes `500` of every answer that it does not expect.
    assert!([404, 500].contains(&answer.status()), "{answer:?}");
    site.wiki.received_nothing();
}

async fn pages_of_gatehouse_are_served_at_the_host_of_the_application(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let cookie = site.session_at(&site.wiki).await;
    let page = site.wiki.navigate("/.gatehouse/sign-out", &[("Cookie", &cookie)]);
    assert_eq!(page.status(), 200, "{page:?}");
    let style = page.body.split("href=\"").find(|part| part.starts_with("/.gatehouse/static/")).unwrap();
    let style = site.wiki.send(&format!("GET {}", style.split('"').next().unwrap()), &[]);
    assert_eq!((style.status(), style.header("content-type")), (200, Some("text/css; charset=utf-8")), "{style:?}");

    let headers = [
        ("Host", site.wiki.host.as_str()),
        ("Origin", &site.wiki.origin),
        ("Cookie", &cookie),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", "9"),
    ];
    let answer =
        raw::send(site.wiki.port, &[&raw::request("POST /.gatehouse/sign-out", &headers)[..], b"scope=app"].concat());
    assert_eq!((answer.status(), answer.set_cookie("gate")), (200, Some("")), "{answer:?}");
    assert_eq!(site.wiki.navigate("/", &[("Cookie", &cookie)]).status(), 303);
    site.wiki.received_nothing();
}

async fn without_gatehouse_nothing_reaches_the_application(proxy: Proxy) {
    let mut site = Site::start(proxy).await;
    let cookie = site.session_at(&site.wiki).await;
    assert_eq!(site.wiki.navigate("/", &[("Cookie", &cookie)]).status(), 200);
    site.wiki.received();
    TestApp::stop(&mut site.app);
    // The last connections are served until they close.
    for path in ["/", "/.gatehouse/start"] {
        wait_until("Gatehouse has stopped", Duration::from_secs(20), || {
            (site.wiki.navigate(path, &[("Cookie", &cookie)]).status() >= 500).then_some(())
        });
    }
    site.wiki.echo.take_received();
    let answer = site.wiki.navigate("/", &[("Cookie", &cookie)]);
    assert!((500..=504).contains(&answer.status()), "{answer:?}");
    site.wiki.received_nothing();
}
