//! Which language pages and problem+json are written in.

use std::{collections::BTreeMap, time::Duration};

use gatehouse::{language::Language, web::messages::Messages};
use serde_json::Value;

use crate::support::{
    PASSWORD, TestApp,
    client::{Answer, Client, assert_redirect},
};

/// Returns the texts of a language without arguments, by name.
pub fn texts(language: Language) -> BTreeMap<String, String> {
    serde_json::from_value(serde_json::to_value(Messages::of(language)).unwrap()).unwrap()
}

#[tokio::test]
async fn language_is_that_of_the_cookie_then_the_account_then_the_browser_then_the_site() {
    async fn language(client: &Client, path: &str) -> String {
        client.get(path).await.header("content-language").to_owned()
    }
    let app = TestApp::with(&["--language", "id"]);
    let guest = app.client();
    assert_eq!(language(&guest, "/login").await, "id");
    assert_eq!(language(&guest.speaking("de"), "/login").await, "id");
    assert_eq!(language(&guest.speaking("en-GB, id;q=0.9"), "/login").await, "en");
    assert_eq!(language(&guest.speaking("id;q=0"), "/login").await, "en");

    let zoe = app.signed_in_client("zoe").await.speaking("id");
    assert_eq!(language(&zoe, "/").await, "id");
    assert_redirect(&zoe.post("/language", &[("language", "en")]).await, "/");
    assert_eq!(language(&zoe, "/").await, "en");
    zoe.remove_cookie("language");
    assert_eq!(language(&zoe, "/").await, "en", "the account keeps the choice");
    assert_eq!(language(&zoe, "/account/sessions/none/end").await, "en", "also for an error page");
    zoe.set_cookie("language", "id");
    assert_eq!(language(&zoe, "/").await, "id", "the cookie of this browser is first");
    for unknown in ["", "de", "ID", "id-ID", "\"id\""] {
        zoe.set_cookie("language", unknown);
        assert_eq!(language(&zoe, "/").await, "en", "{unknown}");
    }
}

#[tokio::test]
async fn choosing_a_language_returns_to_the_page_and_to_no_other_origin() {
    let app = TestApp::spawn();
    let client = app.client();
    for (next, location) in [
        ("/login?next=%2Faccount", "/login?next=%2Faccount"),
        ("/register", "/register"),
        ("/account/activity?before=1", "/account/activity?before=1"),
        ("//evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/logout", "/"),
        ("/language", "/"),
        ("", "/"),
    ] {
        let answer = client.post("/language", &[("language", "id"), ("next", next)]).await;
        assert_redirect(&answer, location);
        assert_eq!(answer.set_cookies(), ["language=id; HttpOnly; SameSite=Lax; Path=/; Max-Age=31536000"]);
    }
    // The longest path to go to after signing in, in the address of the sign-in page.
    let longest = format!("/login?next={}", "%2F".repeat(1999).replacen("%2F", "/a", 1));
    let answer = client.post("/language", &[("language", "id"), ("next", &longest)]).await;
    assert_redirect(&answer, &longest);
    for fields in [&[("language", "de")][..], &[], &[("language", "id"), ("role", "admin")]] {
        assert_eq!(client.post("/language", fields).await.status, 400);
    }
    assert_eq!(client.get("/language").await.status, 405);
}

#[tokio::test]
async fn language_cookie_is_secure_over_https() {
    let app = TestApp::with(&["--public-url", "https://login.example.org", "--trusted-proxies", "127.0.0.0/8"]);
    let client = app.client();
    let request = client.request("POST", "/language").header("host", "login.example.org");
    let answer = client.send(request.header("sec-fetch-site", "same-origin").form(&[("language", "id")])).await;
    assert_eq!(answer.set_cookies(), ["language=id; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=31536000"]);
}

#[tokio::test]
async fn form_of_the_language_names_the_page_it_stands_on() {
    let app = TestApp::spawn();
    let (guest, zoe) = (app.client(), app.signed_in_client("zoe").await);
    let next = |answer: &Answer| {
        let form = answer.body.split("action=\"/language\"").nth(1).unwrap().to_owned();
        Answer { body: form, status: 0, headers: answer.headers.clone() }.hidden_field("next").unwrap()
    };
    for path in ["/login", "/login?next=/account", "/register", "/nowhere?a=b"] {
        assert_eq!(next(&guest.get(path).await), path);
    }
    for path in ["/", "/account", "/account/activity?before=00000000-0000-0000-0000-000000000001"] {
        assert_eq!(next(&zoe.get(path).await), path);
    }
    // A page that answers a form names the address of the form.
    assert_eq!(next(&guest.post("/login", &[("next", "/account")]).await), "/login?next=/account");
    assert_eq!(next(&guest.post("/login", &[("next", "https://evil.example")]).await), "/login");
    assert_eq!(next(&guest.post("/register", &[("next", "/account")]).await), "/register?next=/account");
    assert_eq!(next(&zoe.submit("/account", &[("username", "")]).await), "/account");
    app.clock.advance(Duration::from_mins(20));
    assert_eq!(next(&zoe.submit("/account/sessions/forget-browsers", &[]).await), "/account/sessions");
    assert_eq!(next(&zoe.post("/account/sessions/end-others", &[]).await), "/", "an error page has no form");
}

// The form stands on every page and changes nothing that needs protection.
#[tokio::test]
async fn language_form_needs_the_same_origin_but_no_csrf_token() {
    let app = TestApp::spawn();
    let zoe = app.signed_in_client("zoe").await;
    let foreign = zoe.request("POST", "/language").header("origin", "https://evil.example").form(&[("language", "id")]);
    assert_eq!(zoe.send(foreign).await.status, 403);
    assert_eq!(zoe.get("/").await.header("content-language"), "en");
    assert_redirect(&zoe.post("/language", &[("language", "id")]).await, "/");
    assert_eq!(zoe.get("/").await.header("content-language"), "id");
}

#[tokio::test]
async fn language_of_an_ended_session_is_kept_by_the_browser_only() {
    let app = TestApp::with(&["--session-cache", "1m"]);
    let zoe = app.signed_in_client("zoe").await;
    let other = app.second_process(&["--session-cache", "1m"]);
    let elsewhere = zoe.against(&other.address);
    assert!(elsewhere.is_signed_in().await);
    zoe.sign_out().await;
    assert_redirect(&elsewhere.post("/language", &[("language", "id")]).await, "/");
    assert_eq!(elsewhere.cookie("language").as_deref(), Some("id"));
    let again = app.client();
    again.sign_in("zoe", PASSWORD).await;
    assert_eq!(again.get("/").await.header("content-language"), "en");
}

#[tokio::test]
async fn changes_of_the_language_are_limited_like_other_changes_of_an_account() {
    let app = TestApp::with(&["--sign-in-rate", "2/1h"]);
    let zoe = app.signed_in_client("zoe").await;
    for language in ["id", "en"] {
        assert_redirect(&zoe.post("/language", &[("language", language)]).await, "/");
    }
    assert_redirect(&zoe.post("/language", &[("language", "id")]).await, "/");
    assert_eq!(zoe.get("/").await.header("content-language"), "id", "the browser keeps the choice");
    zoe.remove_cookie("language");
    assert_eq!(zoe.get("/").await.header("content-language"), "en", "the account does not");
    assert_eq!(zoe.submit("/account", &[("language", "id")]).await.status, 429);
}

#[tokio::test]
async fn language_chosen_before_registration_is_kept_with_the_account() {
    let app = TestApp::spawn();
    let client = app.client();
    client.post("/language", &[("language", "id")]).await;
    client.register("zoe").await;
    let elsewhere = app.client();
    elsewhere.sign_in("zoe", PASSWORD).await;
    assert_eq!(elsewhere.get("/").await.header("content-language"), "id");
}

#[tokio::test]
async fn profile_form_changes_the_language_alone_without_a_recent_sign_in() {
    let app = TestApp::spawn();
    let zoe = app.signed_in_client("zoe").await;
    let export = async || -> Value { serde_json::from_str(&zoe.get("/account/export").await.body).unwrap() };
    assert_eq!(export().await["account"].get("language"), Some(&Value::Null));
    app.clock.advance(Duration::from_mins(20));
    let page = zoe.get("/account").await.body;
    assert!(page.contains("<option value=\"en\" lang=\"en\" selected>English</option>"), "{page}");
    assert_redirect(&zoe.submit("/account", &[("language", "id")]).await, "/account");
    let page = zoe.get("/account").await;
    assert_eq!(page.header("content-language"), "id");
    assert!(page.body.contains("Perubahan Anda sudah disimpan.") && page.body.contains("value=\"zoe\""));
    assert_eq!(export().await["account"]["language"], "id");
    assert_eq!(app.event_count("profile_changed").await, 0, "the activity log is about who has access");

    let same = [("username", "zoe"), ("email", "zoe@keepers.example"), ("language", "en")];
    assert_redirect(&zoe.submit("/account", &same).await, "/account");
    assert_eq!(zoe.get("/account").await.header("content-language"), "en");
    let renamed = [("username", "ida"), ("email", "zoe@keepers.example"), ("language", "id")];
    let answer = zoe.submit("/account", &renamed).await;
    assert_eq!((answer.status, answer.error_fields()), (422, vec!["current_password".to_owned()]));
    assert_eq!(zoe.get("/account").await.header("content-language"), "en", "all of a form or nothing");
    let confirmed = [&renamed[..], &[("current_password", PASSWORD)]].concat();
    assert_redirect(&zoe.submit("/account", &confirmed).await, "/account");
    assert_eq!(export().await["account"]["language"], "id");
    assert_redirect(&zoe.submit("/account", &[("username", "zoe")]).await, "/account");
    assert_eq!(export().await["account"]["language"], "id", "an absent field stays unchanged");
    assert_eq!(zoe.submit("/account", &[("language", "de")]).await.status, 400);
}

#[tokio::test]
async fn problem_json_is_in_the_language_of_its_reader() {
    let app = TestApp::spawn();
    for (languages, code) in [("id", "id"), ("en", "en")] {
        let mut client = app.client().speaking(languages);
        client.headers.push(("accept", "application/json".to_owned()));
        let messages = texts(if code == "id" { Language::Indonesian } else { Language::English });
        let rejected = client.post("/login", &[]).await;
        let unknown = client.get("/nowhere").await;
        for answer in [&rejected, &unknown] {
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!((answer.header("content-language"), answer.header("vary")), (code, "Accept-Language"));
        }
        let rejected: Value = serde_json::from_str(&rejected.body).unwrap();
        assert_eq!(rejected["title"], messages["form_rejected"]);
        assert_eq!(rejected["detail"], messages["fields_rejected"]);
        let error = if code == "id" { "Masukkan kata sandi Anda." } else { "Enter your password." };
        assert_eq!(rejected["errors"][1]["detail"], error);
        let unknown: Value = serde_json::from_str(&unknown.body).unwrap();
        assert_eq!(unknown["title"], if code == "id" { "Halaman tidak ditemukan" } else { "Page not found" });
    }
}
