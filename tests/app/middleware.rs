use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::support::{
    PASSWORD, TestApp, WRONG_PASSWORD,
    client::{Answer, RegisterForm, assert_redirect},
};

const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Asserts that the response has every security header exactly once.
pub fn assert_security_headers(answer: &Answer, case: &str) {
    for (name, value) in [
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), value, "{case}");
        assert_eq!(answer.headers.get_all(name).iter().count(), 1, "{case}");
    }
    assert!(answer.header("permissions-policy").contains("camera=()"), "{case}");
    assert_eq!(answer.header("server"), "", "{case}");
    assert_eq!(answer.header("strict-transport-security"), "", "{case}: HSTS must not be sent over plain HTTP");
}

/// Returns one response of every kind, with its name and expected status.
async fn every_kind_of_answer(app: &TestApp) -> Vec<(&'static str, u16, Answer)> {
    let (guest, user) = (app.client(), app.signed_in_client("zoe").await);
    let origin = |request: reqwest::RequestBuilder| request.header("origin", &app.address);
    let stylesheet =
        guest.get("/login").await.body.split("href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    // Only files from a folder support ranges, so the library's errors are seen there.
    let folder = TestApp::with(&["--static-dir", concat!(env!("CARGO_MANIFEST_DIR"), "/static")]);
    let ranged = folder.client().request("GET", "/static/style.css").header("range", "bytes=999999-");
    vec![
        ("home", 200, user.get("/").await),
        ("login", 200, guest.get("/login").await),
        ("asset", 200, guest.get(&stylesheet).await),
        ("redirect", 303, guest.get("/").await),
        ("health", 200, guest.get("/healthz").await),
        ("duplicate field", 400, guest.post("/login", &[("login", "a"), ("login", "b")]).await),
        ("json client", 401, guest.send(guest.request("GET", "/").header("accept", "application/json")).await),
        ("cross-origin", 403, guest.send(guest.request("POST", "/login")).await),
        ("missing csrf token", 403, user.post("/logout", &[]).await),
        ("not found", 404, guest.get("/nowhere").await),
        ("no such asset", 404, guest.get("/static/nothing.css").await),
        ("no directory listing", 404, guest.get("/static/").await),
        ("path traversal", 404, guest.get("/static/..%2fCargo.toml").await),
        ("path traversal out of a folder", 400, folder.client().get("/static/..%2fCargo.toml").await),
        ("method", 405, guest.send(origin(guest.request("PUT", "/login"))).await),
        ("unknown method", 405, guest.send(origin(guest.request("BREW", "/login"))).await),
        ("options", 405, guest.send(guest.request("OPTIONS", "/login")).await),
        ("trace", 405, guest.send(guest.request("TRACE", "/login")).await),
        ("too large", 413, guest.post("/login", &[("password", &"x".repeat(1 << 20))]).await),
        (
            "not a form",
            415,
            guest
                .send(origin(guest.request("POST", "/login")).header("content-type", "application/json").body("{}"))
                .await,
        ),
        ("range", 416, folder.client().send(ranged).await),
        ("field errors", 422, guest.post("/login", &[]).await),
        ("panic", 500, guest.get("/test/panic").await),
        ("throttled", 429, {
            for _ in 0..5 {
                guest.sign_in("unknown", WRONG_PASSWORD).await;
            }
            guest.sign_in("unknown", WRONG_PASSWORD).await
        }),
    ]
}

// ASVS 3.4.3, 3.4.4, 3.4.5, 3.4.6, 4.1.1, 14.3.2
#[tokio::test]
async fn every_response_has_security_headers_and_errors_are_pages() {
    let app = TestApp::spawn();
    for (case, status, answer) in every_kind_of_answer(&app).await {
        assert_eq!(answer.status, status, "{case}: {}", answer.body);
        assert_security_headers(&answer, case);
        match case {
            "asset" => assert!(answer.header("cache-control").contains("immutable")),
            _ => assert_eq!(answer.header("cache-control"), "no-store", "{case}"),
        }
        if status >= 400 && case != "json client" {
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{case}");
            assert!(answer.body.contains("<h1>") && answer.body.contains("style.css"), "{case}: {}", answer.body);
        }
    }
}

// ASVS 13.4.2, 16.5.1, 16.5.4
#[tokio::test]
async fn panicking_handler_returns_500_page_with_request_id() {
    let app = TestApp::spawn();
    let answer = app.client().get("/test/panic").await;
    assert_eq!(answer.status, 500);
    assert!(!answer.body.contains("hunter2"), "the page does not reveal the cause");
    let request_id = answer.body.split("<code>").nth(1).unwrap().split('<').next().unwrap();
    assert_eq!(request_id.len(), 16);
    assert_eq!(app.client().get("/healthz").await.status, 200);
}

#[tokio::test]
async fn unsupported_method_returns_405_with_allow_header() {
    let app = TestApp::spawn();
    let client = app.client();
    for (path, allow) in [("/login", "GET, HEAD, POST"), ("/logout", "POST"), ("/healthz", "GET, HEAD")] {
        let answer = client.send(client.request("DELETE", path).header("origin", &app.address)).await;
        assert_eq!((answer.status, answer.header("allow")), (405, allow), "{path}");
    }
}

#[tokio::test]
async fn head_response_equals_get_without_body() {
    let app = TestApp::spawn();
    let client = app.client();
    let (get, head) = (client.get("/login").await, client.send(client.request("HEAD", "/login")).await);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), get.header("content-length"));
}

// ASVS 3.3.1, 3.3.2, 3.3.3, 3.4.1. The https public URL means that a proxy terminates TLS.
#[tokio::test]
async fn https_public_url_sets_host_prefixed_secure_cookies_and_hsts() {
    let app = TestApp::with(&["--public-url", "https://login.example"]);
    let client = app.client_of("login.example");
    let fields = RegisterForm::default().fields();
    let request = client.request("POST", "/register").header("origin", "https://login.example").form(&fields);
    let answer = client.send(request).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("strict-transport-security"), "max-age=63072000; includeSubDomains");
    let cookies = answer.set_cookies();
    assert_eq!(cookies.len(), 3);
    for cookie in cookies {
        assert!(cookie.starts_with("__Host-"), "{cookie}");
        for attribute in ["; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    assert!(client.is_signed_in().await);
    let direct = client.request("POST", "/login").header("origin", &app.address).form(&[("login", "zoe")]);
    assert_eq!(
        client.send(direct).await.status,
        403,
        "only the public URL is the own origin, not the address behind the proxy"
    );
}

// ASVS 4.1.3, 15.3.4: scheme and client address come from the settings and the socket, not from headers.
#[tokio::test]
async fn spoofed_forwarded_headers_change_no_links_or_cookies() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let client = app.client();
    let spoofed = |request: reqwest::RequestBuilder| {
        request
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-prefix", "/evil")
            .header("forwarded", "host=evil.example;proto=https;for=9.9.9.9")
    };
    let answer = client.send(spoofed(client.request("GET", "/test/added"))).await;
    assert_redirect(&answer, "/login?next=/test/added");
    assert_security_headers(&answer, "forwarded");
    let sign_in = client.request("POST", "/login").header("origin", &app.address);
    let answer = client.send(spoofed(sign_in).form(&[("login", "zoe"), ("password", PASSWORD)])).await;
    assert_redirect(&answer, "/");
    assert_security_headers(&answer, "forwarded");
    for cookie in answer.set_cookies() {
        assert!(!cookie.contains("Secure") && !cookie.contains("Domain") && !cookie.contains("evil"), "{cookie}");
    }
}

// ASVS 4.1.3: a page of another site can let its own name point to this machine, and would then read the answers.
#[tokio::test]
async fn request_for_another_host_returns_421_except_health_checks() {
    let app = TestApp::spawn();
    let client = app.client();
    let get = async |path: &str, host: &str| client.send(client.request("GET", path).header("host", host)).await;
    for path in ["/login", "/", "/static/style.css", "/nowhere", "/healthz/"] {
        let answer = get(path, "evil.example").await;
        assert_eq!(answer.status, 421, "{path}");
        assert_security_headers(&answer, path);
        assert!(answer.body.contains("This is not the address of the site") && !answer.body.contains("evil"));
    }
    let sign_in = client.request("POST", "/login").header("host", "evil.example").header("origin", &app.address);
    assert_eq!(client.send(sign_in.form(&[("login", "zoe")])).await.status, 421);
    let json = client.request("GET", "/").header("host", "evil.example").header("accept", "application/json");
    let json = client.send(json).await;
    assert_eq!((json.status, json.header("content-type")), (421, "application/problem+json"));
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(path, "evil.example").await.status, 200, "{path}");
    }
    for host in ["localhost", "LOCALHOST:1", "login.localhost:8080", "127.9.9.9", "[::1]:3000"] {
        assert_eq!(get("/login", host).await.status, 200, "{host}");
    }
}

// RFC 9112, 3.2
#[tokio::test]
async fn request_needs_exactly_one_host() {
    let app = TestApp::spawn();
    for (target, hosts, status) in [
        ("/login", "Host: localhost\r\n", "200"),
        ("/login", "", "400"),
        ("/login", "Host: localhost\r\nHost: localhost\r\n", "400"),
        ("/login", "Host: \r\n", "421"),
        ("http://localhost/login", "Host: evil.example\r\n", "200"),
        ("http://evil.example/login", "Host: localhost\r\n", "421"),
    ] {
        let answer = send_raw(&app, format!("GET {target} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n").as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{target} {hosts}: {answer}");
    }
    let answer = send_raw(&app, b"GET /login HTTP/1.0\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.0 421"), "{answer}");
}

/// Sends these bytes and returns everything that the server sends until it closes the connection.
pub fn send_raw(app: &TestApp, request: &[u8]) -> String {
    let mut socket = TcpStream::connect(app.address.trim_start_matches("http://")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket.write_all(request).unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

// ASVS 4.2.1
#[tokio::test]
async fn ambiguous_message_length_returns_400() {
    let app = TestApp::spawn();
    for header in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Transfer-Encoding: xchunked",
        "Content-Length: +5",
        "Content-Length: 5,5",
    ] {
        let request =
            format!("POST /login HTTP/1.1\r\nHost: localhost\r\nOrigin: {}\r\n{header}\r\n\r\n0\r\n\r\n", app.address);
        let answer = send_raw(&app, request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400"), "{header}: {answer}");
    }
}

// The next three tests wait in real time for socket timeouts and are the slowest of all. `connections` tests the later
// heads of a connection.
#[tokio::test]
async fn slow_request_body_times_out_with_408() {
    let app = TestApp::spawn();
    let session = app.signed_in_client("zoe").await.cookie("session").unwrap();
    std::thread::scope(|scope| {
        for (path, session) in [
            ("/login", ""),
            ("/register", ""),
            ("/logout", ""),
            ("/logout", &session),
            ("/account", &session),
            ("/account/password", &session),
            ("/account/delete", &session),
            ("/account/sessions/end-others", &session),
        ] {
            let app = &app;
            scope.spawn(move || {
                let request = format!(
                    "POST {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: {}\r\nCookie: session={session}\r\n\
                     Connection: close\r\n\
                     Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nlogin=",
                    app.address
                );
                let started = Instant::now();
                let answer = send_raw(app, request.as_bytes());
                assert!(answer.starts_with("HTTP/1.1 408"), "{path}: {answer}");
                assert!(answer.contains("content-security-policy"), "{path}");
                assert!(answer.contains("The request took too long"), "{path}");
                assert!(started.elapsed() < Duration::from_secs(20), "{path}: {:?}", started.elapsed());
            });
        }
    });
}

#[tokio::test]
async fn unfinished_chunked_body_does_not_hold_the_connection_open() {
    let app = TestApp::spawn();
    std::thread::scope(|scope| {
        for (path, origin, status) in [
            ("/login", app.address.as_str(), "408"),
            ("/nowhere", &app.address, "404"),
            ("/", &app.address, "303"),
            ("/login", "https://evil.example", "403"),
        ] {
            let app = &app;
            scope.spawn(move || {
                let request = format!(
                    "POST {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: {origin}\r\n\
                     Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n\
                     6\r\nlogin=\r\n"
                );
                let started = Instant::now();
                // Returns only when the server closes the connection.
                let answer = send_raw(app, request.as_bytes());
                assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
                assert!(started.elapsed() < Duration::from_secs(20), "{path}: {:?}", started.elapsed());
            });
        }
    });
}

#[tokio::test]
async fn slow_request_headers_time_out_with_408() {
    let app = TestApp::spawn();
    let started = Instant::now();
    let answer = send_raw(&app, b"GET /login HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(started.elapsed() < Duration::from_secs(15));
}
