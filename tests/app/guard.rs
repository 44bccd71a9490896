use std::time::Duration;

use gatehouse::{routes, web::guard::Access};

use crate::support::{PASSWORD, TestApp, client::assert_redirect};

#[tokio::test]
async fn guest_is_redirected_to_login_from_every_guarded_route() {
    let app = TestApp::spawn();
    let table = routes::table();
    let is_open = |access| {
        use Access::{Administrators, Api, AppHost, Proxy, SignedIn};
        !matches!(access, SignedIn | Administrators | Api | Proxy | AppHost)
    };
    let open: Vec<_> = table.iter().filter(|route| is_open(route.access)).map(|route| route.path).collect();
    assert_eq!(
        open,
        [
            "/.well-known/change-password",
            "/login",
            "/register",
            "/logout",
            "/forgot",
            "/reset",
            "/setup",
            "/language",
            "/.well-known/jwks.json",
            "/healthz",
            "/readyz"
        ],
        "update this list when a route is opened to guests"
    );
    for route in table.iter().filter(|route| route.access == Access::SignedIn) {
        let path = route.path.replace(['{', '}'], "");
        for method in ["GET", "HEAD"] {
            let answer = app.client().send(app.client().request(method, &path)).await;
            assert_eq!(
                (answer.status, answer.location()),
                (303, format!("/login?next={path}").as_str()),
                "{method} {path}"
            );
        }
        let answer = app.client().post(&path, &[]).await;
        assert_eq!((answer.status, answer.location()), (303, "/login"), "POST {path}");
    }
}

#[tokio::test]
async fn new_route_is_guarded_by_default() {
    let app = TestApp::spawn();
    assert_eq!(app.client().get("/test/added").await.location(), "/login?next=/test/added");
    assert_eq!(app.client().post("/test/added", &[]).await.location(), "/login");
    let client = app.signed_in_client("zoe").await;
    assert_eq!(client.get("/test/added").await.status, 200);
    assert_eq!(client.post("/test/added", &[]).await.status, 403, "a form of the new route needs the CSRF token too");
    let token = client.csrf_token().await;
    assert_eq!(client.post("/test/added", &[("csrf_token", &token)]).await.status, 200);
    assert_eq!(app.event_count("form_refused").await, 1);
}

// NIST SP 800-63B-4, 5.1
#[tokio::test]
async fn csrf_token_of_another_session_is_rejected() {
    let app = TestApp::spawn();
    let (zoe, eva) = (app.signed_in_client("zoe").await, app.signed_in_client("eva").await);
    let other_client = app.client();
    other_client.sign_in("zoe", PASSWORD).await;
    for foreign in [eva.csrf_token().await, other_client.csrf_token().await, String::new(), "x".to_owned()] {
        let answer = zoe.post("/logout", &[("csrf_token", &foreign)]).await;
        assert_eq!(answer.status, 403, "{foreign}");
        assert!(answer.body.contains("This form is out of date"));
    }
    assert!(zoe.is_signed_in().await);
}

#[tokio::test]
async fn expired_session_redirects_to_login_with_message_and_clears_cookie() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    app.clock.advance(Duration::from_secs(60 * 60 + 1));
    let answer = client.get("/test/added").await;
    assert_redirect(&answer, "/login?next=/test/added");
    assert!(answer.set_cookie("session").unwrap().contains("Max-Age=0"));
    assert!(client.get("/login").await.body.contains("Your session has ended"));
}

#[tokio::test]
async fn health_check_does_not_load_the_session() {
    use diesel::connection::SimpleConnection;
    let app = TestApp::with(&["--session-cache", "0s"]);
    let client = app.signed_in_client("zoe").await;
    app.query(|conn| conn.batch_execute("ALTER TABLE sessions RENAME TO hidden_sessions")).await;
    assert_eq!(client.get("/").await.status, 500);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
    app.query(|conn| conn.batch_execute("ALTER TABLE hidden_sessions RENAME TO sessions")).await;
}

// ASVS 16.3.3
#[tokio::test]
async fn invalid_input_is_counted_as_an_event() {
    let app = TestApp::spawn();
    let client = app.signed_in_client("zoe").await;
    let form = "application/x-www-form-urlencoded";
    let mut expected = 0;
    for client in [app.client(), client.clone()] {
        for (status, kind, body) in [
            (400, form, "login=a&login=b".to_owned()),
            (400, form, "is_admin=1".to_owned()),
            (400, form, "login=%ff".to_owned()),
            (413, form, "x".repeat(20_000)),
            (415, "application/json", "{}".to_owned()),
        ] {
            let request = client.request("POST", "/login").header("origin", &app.address).header("content-type", kind);
            assert_eq!(client.send(request.body(body)).await.status, status);
            expected += 1;
        }
    }
    assert_eq!(client.get("/nowhere").await.status, 404);
    assert_eq!(client.post("/login", &[]).await.status, 422);
    assert_eq!(app.event_count("request_refused").await, expected, "a form to correct is no event");
    assert!(client.get("/account/activity").await.body.contains("A malformed request was refused"));
}
