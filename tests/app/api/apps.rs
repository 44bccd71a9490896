//! Applications: their tokens, their roles, and the origins of their scripts.

use diesel::{QueryDsl, RunQueryDsl};
use gatehouse::{
    accounts::AdminAction,
    apps::{AppChange, Change, Hs256Secret, TokenFormat},
    client::Client as Operator,
    db::schema::sessions,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp, client::Answer};

const SECRET: &str = "5d2f1c0e9b8a7465f3e2d1c0b9a88776";

/// Adds an application, or changes it if it is there.
async fn add(app: &TestApp, id: &str, change: AppChange) {
    let id = id.parse().unwrap();
    app.state.apps.add(id, change, &Operator::anonymous()).await.unwrap();
    app.reload_apps().await;
}

async fn sign_in(app: &TestApp, id: &str) -> Answer {
    let body = json!({"login": "zoe", "password": PASSWORD, "app": id});
    app.client().call("POST", "/api/login", "", body).await
}

fn staff_only() -> AppChange {
    AppChange { roles: Some(vec!["staff".parse().unwrap()]), ..AppChange::default() }
}

fn with_tokens(format: TokenFormat) -> AppChange {
    let secret = Hs256Secret::parse(SECRET.as_bytes()).unwrap();
    AppChange { tokens: Change::Set((format, Some(secret))), ..AppChange::default() }
}

/// Returns the claims of a token that is signed with [`SECRET`].
fn claims(token: &str) -> Value {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode(token, &DecodingKey::from_secret(SECRET.as_bytes()), &validation).unwrap().claims
}

#[tokio::test]
async fn token_names_the_application_that_it_was_asked_for() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    add(&app, "wiki", AppChange::default()).await;
    let answer = sign_in(&app, "wiki").await;
    let (access, refresh) = answer.tokens();
    let refreshed = app.client().call("POST", "/api/refresh", &refresh, Value::Null).await;
    for token in [access, refreshed.tokens().0] {
        let claims: Value = jsonwebtoken::dangerous::insecure_decode(&token).unwrap().claims;
        assert_eq!(claims["client_id"], json!("wiki"));
    }
    let unknown = sign_in(&app, "nowhere").await;
    assert_eq!(unknown.problem(), (422, "validation_failed".to_owned()));
    assert_eq!(unknown.json()["errors"][0]["field"], json!("app"));
}

#[tokio::test]
async fn account_without_the_role_of_an_application_gets_no_tokens() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    add(&app, "wiki", staff_only()).await;
    // More often than wrong passwords are allowed without a wait: the password is right.
    for _ in 0..6 {
        assert_eq!(sign_in(&app, "wiki").await.problem(), (403, "forbidden".to_owned()));
    }
    let sessions: i64 = app.query(|conn| sessions::table.count().get_result(conn)).await;
    assert_eq!(sessions, 1, "only that of the registration");
    let staff = || "staff".parse().unwrap();
    app.operate("zoe", AdminAction::AddRole(staff())).await;
    let (_, refresh) = sign_in(&app, "wiki").await.tokens();
    app.operate("zoe", AdminAction::RemoveRole(staff())).await;
    let answer = app.client().call("POST", "/api/refresh", &refresh, Value::Null).await;
    assert_eq!(answer.problem(), (403, "forbidden".to_owned()), "the role was lost");
}

#[tokio::test]
async fn token_in_the_format_of_an_application_is_never_accepted_here() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    for (id, format, member) in [
        ("flask", TokenFormat::FlaskJwtExtended, "sub"),
        ("django", TokenFormat::Simplejwt, "user_id"),
        ("guild", TokenFormat::Praetorian, "id"),
    ] {
        add(&app, id, with_tokens(format)).await;
        let answer = sign_in(&app, id).await;
        let (access, refresh) = answer.tokens();
        assert_eq!(claims(&access)[member], answer.json()["user"]["id"], "{id}");
        let user = app.client().call("GET", "/api/user", &access, Value::Null).await;
        assert_eq!(user.problem(), (401, "token_invalid".to_owned()), "{id}");
        let refreshed = app.client().call("POST", "/api/refresh", &refresh, Value::Null).await;
        assert_ne!(claims(&refreshed.tokens().0)["jti"], claims(&access)["jti"], "{id}");
        let refresh = refreshed.tokens().1;
        assert_eq!(app.client().call("POST", "/api/logout", &refresh, Value::Null).await.status, 204, "{id}");
    }
}

#[tokio::test]
async fn refresh_for_an_application_that_is_gone_is_refused() {
    let app = TestApp::spawn();
    app.client().register("zoe").await;
    add(&app, "wiki", AppChange::default()).await;
    let (_, refresh) = sign_in(&app, "wiki").await.tokens();
    app.state.apps.remove("wiki".parse().unwrap(), &Operator::anonymous()).await.unwrap();
    app.reload_apps().await;
    let answer = app.client().call("POST", "/api/refresh", &refresh, Value::Null).await;
    assert_eq!(answer.problem(), (403, "forbidden".to_owned()));
}

fn cors_headers(answer: &Answer) -> Vec<&str> {
    let names = answer.headers.keys().map(reqwest::header::HeaderName::as_str);
    names.filter(|name| name.starts_with("access-control-")).collect()
}

// ASVS 3.4.2
#[tokio::test]
async fn only_scripts_of_registered_origins_may_read_answers_and_only_below_api() {
    let app = TestApp::spawn();
    let cors = Some(vec!["https://shop.example".parse().unwrap()]);
    add(&app, "shop", AppChange { cors, ..AppChange::default() }).await;
    let send = async |method: &str, path: &str, origin: &str| {
        let request = app.client().request(method, path).header("origin", origin);
        app.client().send(request.header("access-control-request-method", "POST")).await
    };
    let preflight = send("OPTIONS", "/api/login", "https://shop.example").await;
    assert_eq!((preflight.status, preflight.body.as_str()), (204, ""));
    for (name, value) in [
        ("access-control-allow-origin", "https://shop.example"),
        ("access-control-allow-methods", "GET, POST"),
        ("access-control-allow-headers", "Accept-Language, Authorization, Content-Type"),
        ("access-control-max-age", "600"),
    ] {
        assert_eq!(preflight.header(name), value);
    }
    let answer = send("GET", "/api/user", "https://shop.example").await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example");
    assert!(answer.headers.get_all("vary").iter().any(|value| value == "Origin"), "{answer:?}");
    assert!(!cors_headers(&answer).contains(&"access-control-allow-credentials"));
    for (method, path, origin) in [
        ("OPTIONS", "/api/login", "https://evil.example"),
        ("OPTIONS", "/api/login", "http://shop.example"),
        ("OPTIONS", "/api/login", "https://shop.example:8443"),
        ("OPTIONS", "/api/login", "https://shop.example.evil.example"),
        ("OPTIONS", "/api/login", "null"),
        ("GET", "/api", "https://evil.example"),
        ("OPTIONS", "/login", "https://shop.example"),
        ("GET", "/login", "https://shop.example"),
        ("GET", "/.well-known/jwks.json", "https://shop.example"),
    ] {
        let answer = send(method, path, origin).await;
        assert!(cors_headers(&answer).is_empty(), "{method} {path} {origin}: {answer:?}");
        assert!(method == "GET" || answer.status == 405, "{method} {path} {origin}: {answer:?}");
    }
    app.state.apps.remove("shop".parse().unwrap(), &Operator::anonymous()).await.unwrap();
    app.reload_apps().await;
    assert_eq!(send("OPTIONS", "/api/login", "https://shop.example").await.status, 405);
}

#[tokio::test]
async fn sessions_page_names_the_application_of_a_program() {
    let app = TestApp::spawn();
    let zoe = app.signed_in_client("zoe").await;
    add(&app, "wiki", AppChange::default()).await;
    sign_in(&app, "wiki").await;
    assert!(zoe.get("/account/sessions").await.body.contains("Program for wiki"));
}
