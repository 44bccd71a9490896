//! What the API takes and answers, whatever the endpoint.

use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp};

const POSTS: [&str; 8] = [
    "/api/register",
    "/api/registration",
    "/api/login",
    "/api/refresh",
    "/api/logout",
    "/api/validate",
    "/api/token/",
    "/api/token/refresh/",
];

#[test]
fn list_of_posts_is_complete() {
    use gatehouse::web::guard::Access;
    let routes = gatehouse::routes::table().into_iter();
    let posts: Vec<_> = routes.filter(|route| route.access == Access::Api && route.takes_post()).collect();
    assert!(posts.iter().all(|route| POSTS.contains(&route.path)) && posts.len() == POSTS.len());
}

#[tokio::test]
async fn status_names_the_site() {
    let app = TestApp::with(&["--site-name", "Castle"]);
    let answer = app.client().call("GET", "/api", "", Value::Null).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"name": "Castle", "status": "running"})));
}

// ASVS 15.3.3, 15.3.7
#[tokio::test]
async fn body_that_is_not_what_the_endpoint_takes_is_refused() {
    let app = TestApp::spawn();
    for path in POSTS {
        let post = async |kind: &str, body: String| {
            let request = app.client().request("POST", path).header("content-type", kind).body(body);
            app.client().send(request).await.problem()
        };
        let json = "application/json";
        let large = format!("{{\"x\": \"{}\"}}", "x".repeat(17_000));
        let deep = format!("{{\"x\": {}{}}}", "[".repeat(5000), "]".repeat(5000));
        for (kind, body, expected) in [
            ("application/x-www-form-urlencoded", "login=a".to_owned(), (415, "unsupported_media_type")),
            ("text/plain", "{}".to_owned(), (415, "unsupported_media_type")),
            (json, large, (413, "too_large")),
            (json, deep, (400, "malformed_body")),
            (json, "{".to_owned(), (400, "malformed_body")),
            (json, "[]".to_owned(), (400, "malformed_body")),
            (json, "null".to_owned(), (400, "malformed_body")),
            (json, r#"{"is_admin": true}"#.to_owned(), (400, "malformed_body")),
            (json, r#"{"x": 1, "x": 1}"#.to_owned(), (400, "malformed_body")),
        ] {
            assert_eq!(post(kind, body.clone()).await, (expected.0, expected.1.to_owned()), "{path}: {body:.40}");
        }
        let without_kind = app.client().request("POST", path).body("{}");
        assert_eq!(app.client().send(without_kind).await.problem().0, 415, "{path}");
        let answer = app.client().call("GET", path, "", Value::Null).await;
        assert_eq!((answer.problem(), answer.header("allow")), ((405, "method_not_allowed".to_owned()), "POST"));
    }
    let twice = r#"{"login": "zoe", "password": "a", "password": "b"}"#;
    let request = app.client().request("POST", "/api/login").header("content-type", "application/json").body(twice);
    assert_eq!(app.client().send(request).await.problem(), (400, "malformed_body".to_owned()));
    let with_charset =
        app.client().request("POST", "/api/login").header("content-type", "application/json; charset=utf-8");
    assert_eq!(app.client().send(with_charset.body("{}")).await.problem().0, 422);
}

#[tokio::test]
async fn every_error_below_api_is_json_also_for_a_browser() {
    let app = TestApp::spawn();
    let browser = |method: &str, path: &str| {
        app.client().request(method, path).header("accept", "text/html").header("sec-fetch-site", "cross-site")
    };
    for (method, path, expected) in [
        ("GET", "/api/nowhere", (404, "not_found")),
        ("GET", "/api/", (404, "not_found")),
        ("POST", "/api", (405, "method_not_allowed")),
        ("DELETE", "/api/user", (405, "method_not_allowed")),
        ("OPTIONS", "/api/user", (405, "method_not_allowed")),
        ("GET", "/api/user", (401, "token_missing")),
    ] {
        let answer = app.client().send(browser(method, path)).await;
        assert_eq!(answer.problem(), (expected.0, expected.1.to_owned()), "{method} {path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    let other_host = app.client().request("GET", "/api").header("host", "evil.example");
    assert_eq!(app.client().send(other_host).await.problem(), (421, "misdirected_request".to_owned()));
    let head = app.client().send(app.client().request("HEAD", "/api")).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[tokio::test]
async fn unavailable_database_is_answered_with_503_and_json() {
    use diesel::connection::SimpleConnection;
    let app = TestApp::with(&["--session-cache", "0s"]);
    app.client().register("zoe").await;
    let (access, refresh) = app.client().tokens("zoe").await;
    app.query(|conn| conn.batch_execute("ALTER TABLE sessions RENAME TO hidden_sessions")).await;
    for (method, path, token) in [("GET", "/api/user", &access), ("POST", "/api/refresh", &refresh)] {
        let answer = app.client().call(method, path, token, Value::Null).await;
        assert_eq!(answer.problem(), (500, "internal_error".to_owned()), "{path}");
        assert!(!answer.json()["request_id"].as_str().unwrap().is_empty());
    }
    app.query(|conn| conn.batch_execute("ALTER TABLE hidden_sessions RENAME TO sessions")).await;
    assert_eq!(app.client().call("GET", "/api/user", &access, Value::Null).await.status, 200);
}

#[tokio::test]
async fn cookies_are_neither_read_nor_set() {
    let app = TestApp::spawn();
    let zoe = app.signed_in_client("zoe").await;
    zoe.set_cookie("language", "id");
    let body = json!({"login": "zoe", "password": PASSWORD}).to_string();
    let request = zoe.request("POST", "/api/login").header("content-type", "application/json").body(body);
    let answer = zoe.send(request).await;
    assert_eq!((answer.status, answer.set_cookies().len()), (200, 0));
    let refused = zoe.send(zoe.request("GET", "/api/user")).await;
    assert_eq!((refused.problem().0, refused.header("content-language")), (401, "en"));
    assert!(refused.set_cookies().is_empty());
}

#[tokio::test]
async fn errors_are_in_the_language_that_the_request_accepts() {
    let app = TestApp::spawn();
    let answer = app.client().speaking("id").call("POST", "/api/login", "", json!({})).await;
    assert_eq!((answer.header("content-language"), answer.header("vary")), ("id", "Accept-Language"));
    assert_eq!(answer.json()["errors"][1]["detail"], json!("Masukkan kata sandi Anda."));
    assert_eq!(answer.json()["errors"][1]["code"], json!("missing"), "codes are the same");
}

#[tokio::test]
async fn without_the_api_its_addresses_do_not_exist_but_the_keys_do() {
    let app = TestApp::with(&["--api", "off"]);
    for path in POSTS.into_iter().chain(["/api", "/api/user"]) {
        for method in ["GET", "POST"] {
            let answer = app.client().call(method, path, "", Value::Null).await;
            assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{method} {path}");
        }
    }
    assert_eq!(app.client().get("/.well-known/jwks.json").await.status, 200);
}
