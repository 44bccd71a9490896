//! Accounts without an e-mail address, which an import creates until their owners add one.

use serde_json::Value;

use crate::{
    cli::instance::Instance,
    support::{
        PASSWORD, TestApp,
        client::{Client, assert_field_errors, assert_redirect},
    },
};

/// Registers accounts and removes their addresses, as if they had been imported. Returns the client of the last one.
async fn without_email(app: &TestApp, names: &[&'static str]) -> Client {
    for name in names {
        assert_eq!(app.client().register(name).await.status, 303);
        app.remove_email(name).await;
    }
    let client = app.client();
    assert_eq!(client.sign_in(names[names.len() - 1], PASSWORD).await.status, 303);
    client
}

#[tokio::test]
async fn several_accounts_have_no_email_and_sign_in_by_username_only() {
    let app = TestApp::spawn();
    let zoe = without_email(&app, &["eva", "zoe"]).await;
    assert_eq!(app.client().sign_in("eva", PASSWORD).await.status, 303);
    for login in ["", "zoe@keepers.example", "@", "not a name"] {
        assert_eq!(app.client().sign_in(login, PASSWORD).await.status, 422, "{login}");
    }
    for page in ["/", "/account", "/account/activity", "/account/sessions", "/account/password", "/account/delete"] {
        assert_eq!(zoe.get(page).await.status, 200, "{page}");
    }
    assert!(!zoe.get("/").await.body.contains("E-mail"), "a page shows no empty address");
    let export: Value = serde_json::from_str(&zoe.get("/account/export").await.body).unwrap();
    assert_eq!(export["account"]["email"], Value::Null);
}

#[tokio::test]
async fn owner_adds_an_email_once_and_cannot_remove_it() {
    let app = TestApp::spawn();
    app.signed_in_client("ida").await;
    let zoe = without_email(&app, &["zoe"]).await;
    let page = zoe.get("/account").await;
    assert!(page.body.contains("You can sign in with it as well"), "the field says that it may stay empty");
    assert_redirect(&zoe.submit("/account", &[("username", "zoe2"), ("email", " ")]).await, "/account");
    assert_redirect(&zoe.submit("/account", &[("username", "zoe3")]).await, "/account");
    assert_field_errors(&zoe.submit("/account", &[("email", "ida@keepers.example")]).await, &["email"]);
    assert_field_errors(&zoe.submit("/account", &[("email", "zoe")]).await, &["email"]);
    assert_redirect(&zoe.submit("/account", &[("email", "zoe@keepers.example")]).await, "/account");
    assert_eq!(app.client().sign_in("zoe@keepers.example", PASSWORD).await.status, 303);
    assert_field_errors(&zoe.submit("/account", &[("email", "")]).await, &["email"]);
    assert!(zoe.get("/").await.body.contains("zoe@keepers.example"));
    assert!(!zoe.get("/account").await.body.contains("You can sign in with it as well"));
}

#[tokio::test]
async fn stale_form_of_another_process_does_not_remove_an_email() {
    let app = TestApp::with(&["--session-cache", "1m"]);
    let zoe = without_email(&app, &["zoe"]).await;
    let second = app.second_process(&["--session-cache", "1m"]);
    let elsewhere = zoe.against(&second.address);
    assert!(elsewhere.is_signed_in().await, "the second process now has the account without an address in its cache");
    assert_redirect(&zoe.submit("/account", &[("email", "zoe@keepers.example")]).await, "/account");
    assert_redirect(&elsewhere.submit("/account", &[("username", "zoe"), ("email", "")]).await, "/account");
    assert_eq!(app.client().sign_in("zoe@keepers.example", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn reset_link_and_password_change_work_without_an_email() {
    let app = TestApp::spawn();
    let zoe = without_email(&app, &["zoe"]).await;
    let change = |current, new| [("current_password", current), ("password", new), ("password_confirm", new)];
    let new = "thirteen geese over a lighthouse";
    assert_field_errors(
        &zoe.submit("/account/password", &change(PASSWORD, "zoe zoe zoe zoe zoe")).await,
        &["password"],
    );
    assert_eq!(zoe.submit("/account/password", &change(PASSWORD, new)).await.status, 303);
    let token = app.reset_token("zoe").await;
    let fields = [("token", token.as_str()), ("password", PASSWORD), ("password_confirm", PASSWORD)];
    assert_redirect(&app.client().post("/reset", &fields).await, "/login");
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn operators_see_that_there_is_no_email() {
    let app = TestApp::spawn();
    let admin = app.administrator("ida").await;
    without_email(&app, &["zoe"]).await;
    let list = admin.get("/admin/accounts?q=z").await.body;
    assert!(list.contains(">zoe</a>"), "{list}");
    assert!(
        admin.get("/admin/accounts?q=zoe@").await.body.contains("No account"),
        "it is not found by its old address"
    );
    assert!(!admin.get(&app.admin_path("zoe").await).await.body.contains("<dt>E-mail"));
    let instance = Instance::of(&app);
    let shown = instance.run(&["account", "show", "zoe", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&shown.stdout).unwrap()["email"], Value::Null);
    assert!(instance.run(&["account", "show", "zoe"]).stdout.lines().any(|line| line == "e-mail        none"));
    let listed = instance.run(&["account", "list"]).stdout;
    let zoe = listed.lines().find(|line| line.starts_with("zoe")).unwrap();
    assert_eq!(zoe.split_whitespace().collect::<Vec<_>>(), ["zoe", "active"]);
}
