//! Attacks through each proxy: only a live session with the role reaches the application, and never with an identity
//! that the client has made up.

use crate::{
    proxy::Proxy,
    raw::{self, Message},
    site::{Front, Site},
    with_each_proxy,
};

with_each_proxy! {
    identity_headers_of_a_client_never_reach_the_application,
    identity_headers_of_a_guest_open_nothing,
    headers_that_speak_for_a_proxy_open_nothing,
    targets_that_parsers_read_differently_open_nothing,
    host_of_a_request_changes_neither_decision_nor_redirect,
    questions_to_gatehouse_cannot_be_asked_by_clients,
}

const IDENTITY: [&str; 5] = ["remote-user", "remote-name", "remote-email", "remote-groups", "x-gatehouse-jwt"];
/// Spellings that WSGI, CGI or PHP fold into an identity header, with letters of either case.
const SPELLINGS: [&str; 21] = [
    "Remote-User",
    "REMOTE-USER",
    "Remote_User",
    "REMOTE_USER",
    "Remote.User",
    "remote.user",
    "Remote-Name",
    "Remote_Name",
    "Remote.Name",
    "Remote-Email",
    "Remote_Email",
    "Remote.Email",
    "Remote-Groups",
    "Remote_Groups",
    "Remote.Groups",
    "X-Gatehouse-Jwt",
    "X_Gatehouse_Jwt",
    "X.Gatehouse.Jwt",
    "X-Gatehouse_Jwt",
    "X.Gatehouse_Jwt",
    "x_gatehouse-jwt",
];
/// Lines that a lenient parser may take for an identity header.
const MALFORMED: [&str; 8] = [
    "Remote-User : spoofed",
    "Remote-User\t: spoofed",
    " Remote-User: spoofed",
    "X-Folded: a\r\n Remote-User: spoofed",
    "X-Bare: a\nRemote-User: spoofed",
    "X-Bare: a\rRemote-User: spoofed",
    "Remote-User\0: spoofed",
    "\u{b}Remote-User: spoofed",
];
/// Tokens with which a client may ask a proxy to drop a header (CVE-2024-45410).
const CONNECTIONS: [&str; 6] = [
    "close, Remote-User",
    "Remote-User, Remote-Name, Remote-Email, Remote-Groups, X-Gatehouse-Jwt",
    "Cookie",
    "close, Cookie, X-Forwarded-For",
    "upgrade, Remote-User",
    "remote-user\r\nConnection: x-gatehouse-jwt",
];

/// Asserts that a request says who `user` is, and nothing else about a person.
#[track_caller]
pub fn assert_genuine(request: &Message, user: &str) {
    let folded = |name: &str| name.to_lowercase().replace(['_', '.'], "-");
    let mut found: Vec<_> = request
        .headers
        .iter()
        .filter(|(name, _)| IDENTITY.contains(&folded(name.trim()).as_str()))
        .map(|(name, value)| (name.to_lowercase(), value.as_str()))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    found.sort_unstable();
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["remote-email", "remote-groups", "remote-name", "remote-user", "x-gatehouse-jwt"],
        "{request:?}"
    );
    assert_eq!(request.header("remote-user"), Some(user), "{request:?}");
    assert!(!found.iter().any(|(_, value)| value.contains("spoofed")), "{request:?}");
}

/// Asserts that a redirect stays at the application, or leads to sign in.
#[track_caller]
fn assert_redirects_home(site: &Site, answer: &Message) {
    let location = answer.location();
    let is_own = [&site.wiki.origin, &site.origin].iter().any(|origin| location.starts_with(&format!("{origin}/")));
    assert!(location.is_empty() || is_own, "{answer:?}");
}

pub fn raw_lines(front: &Front, line: &str, lines: &[&str]) -> Vec<u8> {
    let head =
        format!("{line} HTTP/1.1\r\nHost: {}\r\nAccept: text/html\r\n{}\r\n\r\n", front.host, lines.join("\r\n"));
    head.chars().map(|letter| u8::try_from(letter).unwrap()).collect()
}

/// Returns the user name and the cookie of a member of the staff at the wiki.
async fn member(site: &Site) -> (&'static str, String) {
    let client = site.signed_in_client("mallory").await;
    site.grant("mallory", "staff").await;
    ("mallory", site.enter(&site.wiki, &client, "/").await)
}

async fn identity_headers_of_a_client_never_reach_the_application(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let (user, cookie) = member(&site).await;
    let cookie = format!("Cookie: {cookie}");
    let mut passed = 0;
    let spoofed: Vec<_> = SPELLINGS.iter().map(|name| format!("{name}: spoofed")).collect();
    let duplicated: Vec<_> = spoofed.iter().map(|line| format!("{line}\r\n{line}")).collect();
    let connections: Vec<_> = CONNECTIONS.iter().map(|tokens| format!("Connection: {tokens}")).collect();
    let both = connections.iter().map(|line| format!("Remote-User: spoofed\r\n{line}"));
    let lines = spoofed.iter().chain(&duplicated).chain(&connections).cloned().chain(both);
    for line in lines.chain(MALFORMED.map(str::to_owned)) {
        let answer = raw::send(site.wiki.port, &raw_lines(&site.wiki, "GET /", &[&line, &cookie]));
        let received = site.wiki.echo.take_received();
        assert!(received.len() <= 1 && (answer.status() == 200) == (received.len() == 1), "{line:?}: {answer:?}");
        for request in received {
            assert_genuine(&request, user);
            passed += 1;
        }
    }
    assert!(passed >= SPELLINGS.len(), "{passed}: a session still passes");

    let upgrade = ["Connection: Upgrade, Remote-User", "Upgrade: websocket", "Remote_User: spoofed", &cookie];
    let key = ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"];
    let answer = raw::send(site.wiki.port, &raw_lines(&site.wiki, "GET /socket", &[&upgrade[..], &key].concat()));
    for request in site.wiki.echo.take_received() {
        assert_genuine(&request, user);
        let connection = request.header("connection").unwrap_or_default();
        assert!(connection.eq_ignore_ascii_case("upgrade"), "an application would drop headers: {request:?}");
    }
    assert!([101, 400].contains(&answer.status()), "{answer:?}");
}

async fn identity_headers_of_a_guest_open_nothing(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let spoofed = SPELLINGS.iter().map(|name| format!("{name}: spoofed"));
    let connections = CONNECTIONS.iter().map(|tokens| format!("Connection: {tokens}\r\nRemote-User: spoofed"));
    for line in spoofed.chain(connections).chain(MALFORMED.map(str::to_owned)) {
        let answer = raw::send(site.wiki.port, &raw_lines(&site.wiki, "GET /", &[&line]));
        assert!(answer.status() != 200, "{line:?}: {answer:?}");
        site.wiki.received_nothing();
    }
}

async fn headers_that_speak_for_a_proxy_open_nothing(proxy: Proxy) {
    let site = Site::start(proxy).await;
    for (name, value) in [
        ("X-Forwarded-Uri", "/.gatehouse/start"),
        ("X-Forwarded-Uri", "/public/#/../"),
        ("X_Forwarded_Uri", "/.gatehouse/start"),
        ("X-Forwarded-Uri", "//evil.example/"),
        ("X-Forwarded-Uri", "https://evil.example/"),
        ("X-Forwarded-Method", "OPTIONS"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Host", "photos.localhost"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Prefix", "//evil.example"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Real-IP", "127.0.0.1"),
        ("Forwarded", "for=127.0.0.1;host=evil.example;proto=https"),
        ("X-Original-URL", "/.gatehouse/start"),
        ("X-Original-Uri", "/.gatehouse/start"),
        ("X-Original-Method", "OPTIONS"),
        ("X-Rewrite-URL", "/.gatehouse/start"),
        ("X-HTTP-Method-Override", "OPTIONS"),
        ("X-Envoy-Original-Path", "/.gatehouse/start"),
        ("X-Envoy-Auth-Partial-Body", "false"),
        ("X-Auth-Request-Redirect", "https://evil.example/"),
        ("User-Agent", "GoogleHC/1.0"),
        ("Authorization", "Basic em9lOnNwb29mZWQ="),
        ("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."),
        ("Origin", "https://evil.example"),
        ("Sec-Fetch-Mode", "no-cors"),
    ] {
        let answer = site.wiki.send("GET /secret", &[("Accept", "text/html"), (name, value)]);
        assert!(matches!(answer.status(), 303 | 400 | 401 | 403), "{name}: {answer:?}");
        if answer.status() == 303 {
            let start = format!("{}/.gatehouse/start?rd=/secret", site.wiki.origin);
            assert_eq!(answer.location(), start, "{name}: {value}");
        }
        site.wiki.received_nothing();
    }
    // The application learns nothing of them either.
    let (user, cookie) = member(&site).await;
    let headers = [
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Uri", "/evil"),
        ("X-Forwarded-Method", "DELETE"),
        ("X-Forwarded-Prefix", "/evil"),
        ("Cookie", &cookie),
    ];
    site.wiki.send("GET /secret", &headers);
    let request = site.wiki.received();
    assert_genuine(&request, user);
    for (name, own) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", &site.wiki.host),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-uri", "/secret"),
        ("x-forwarded-method", "GET"),
        ("x-forwarded-prefix", ""),
    ] {
        let value = request.header(name).unwrap_or_default();
        assert!(value.is_empty() || value == own, "{name}: {request:?}");
    }
}

async fn targets_that_parsers_read_differently_open_nothing(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let (user, cookie) = member(&site).await;
    let cookie = format!("Cookie: {cookie}");
    for line in [
        "GET //evil.example/",
        "GET ///",
        "GET /%2e%2e/",
        "GET /../x",
        "GET /.gatehouse/../x",
        "GET /.gatehouse/%2e%2e/x",
        "GET /.gatehouse/..%2fx",
        "GET /.gatehouse/..%5cx",
        "GET /.gatehouse/..;/x",
        "GET /.gatehouse/./../x",
        "GET /.gatehouse/start/../../x",
        "GET /.gatehouse",
        "GET /%2egatehouse/x",
        "GET /.gatehouse%2f..%2fx",
        "GET /.GATEHOUSE/../x",
        "GET /x#/.gatehouse/start",
        "GET /#",
        "GET /x\\y",
        "GET /\\evil.example",
        "GET /\0",
        "GET /%00",
        "GET /\u{fc}",
        "GET /%fc",
        "GET /?role=any",
        "GET /?rd=/x&role=any#",
        "GET http://evil.example/x",
        "GET http://evil.example/.gatehouse/../x",
        "GET https://evil.example:443/x",
        "GET ?x",
        "GET x",
        "GET .gatehouse/start",
        "OPTIONS *",
        "OPTIONS /x",
        "TRACE /x",
        "PROPFIND /x",
        "PUT /x",
        "get /x",
        "CONNECT 127.0.0.1:80",
        "CONNECT /.gatehouse/start",
        "GET /x HTTP/1.1\r\nHost: wiki\r\n\r\nGET /y",
    ] {
        for lines in [&["Connection: close"][..], &["Connection: close", &cookie]] {
            let answer = raw::send(site.wiki.port, &raw_lines(&site.wiki, line, lines));
            assert_redirects_home(&site, &answer);
            for request in site.wiki.echo.take_received() {
                assert!(lines.len() == 2, "{line:?} of a guest: {request:?}");
                assert_genuine(&request, user);
            }
        }
    }
}

async fn host_of_a_request_changes_neither_decision_nor_redirect(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let (user, cookie) = member(&site).await;
    let upper = site.wiki.host.to_uppercase();
    let hosts = [
        upper.as_str(),
        "wiki.localhost",
        "evil.example",
        &site.photos.host,
        "",
        "a b",
        "[::1",
        "wiki.localhost:99999",
    ];
    let lines = hosts.iter().map(|host| format!("Host: {host}"));
    let twice = format!("Host: {}\r\nHost: evil.example", site.wiki.host);
    for line in lines.chain([twice, "X-No-Host: 1".to_owned()]) {
        for cookie in ["", &format!("Cookie: {cookie}\r\n")] {
            let head = format!("GET /secret HTTP/1.1\r\n{line}\r\nAccept: text/html\r\n{cookie}\r\n");
            let answer = raw::send(site.wiki.port, head.as_bytes());
            assert_redirects_home(&site, &answer);
            for request in site.wiki.echo.take_received() {
                assert!(!cookie.is_empty(), "{line:?} of a guest: {request:?}");
                assert_genuine(&request, user);
            }
        }
    }
    site.photos.received_nothing();
}

async fn questions_to_gatehouse_cannot_be_asked_by_clients(proxy: Proxy) {
    let site = Site::start(proxy).await;
    let (_, cookie) = member(&site).await;
    // The answer would have the assertion in a header, which no script of the application should see.
    for path in [
        "/.gatehouse/subrequest",
        "/.gatehouse/subrequest/any",
        "/.gatehouse/verify/wiki/any",
        "/.gatehouse/../verify/wiki/any",
        "/.gatehouse/../../verify/wiki/any",
        "/.gatehouse/%2e%2e/%2e%2e/verify/wiki/any",
        "/.gatehouse/..%2f..%2fverify/wiki/any",
    ] {
        let answer = site.wiki.navigate(path, &[("Cookie", &cookie)]);
        let names: Vec<_> = answer.headers.iter().map(|(name, _)| name.to_lowercase()).collect();
        assert!(!names.iter().any(|name| IDENTITY.contains(&name.as_str())), "{path}: {answer:?}");
        site.wiki.echo.take_received();
    }
}
