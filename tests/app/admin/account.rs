use std::time::Duration;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use gatehouse::{
    accounts::AdminAction,
    db::schema::{account_roles, accounts, reset_links},
};

use crate::support::{
    PASSWORD, TestApp, WRONG_PASSWORD,
    client::{Answer, Client, assert_field_errors, assert_redirect, assert_throttled},
};

/// Every action, with its fields.
const ACTIONS: [(&str, &[(&str, &str)]); 8] = [
    ("disable", &[]),
    ("enable", &[]),
    ("unlock", &[]),
    ("sign-out", &[]),
    ("reset-link", &[]),
    ("add-role", &[("role", "staff")]),
    ("remove-role", &[("role", "staff")]),
    ("delete", &[("confirm", "eva")]),
];

/// Returns the event that an action records.
fn event_of(action: &str) -> &'static str {
    match action {
        "disable" => "account_disabled",
        "enable" => "account_enabled",
        "unlock" => "account_unlocked",
        "sign-out" => "account_signed_out",
        "reset-link" => "reset_link_created",
        "add-role" => "role_added",
        "remove-role" => "role_removed",
        _ => "account_deleted",
    }
}

/// Returns the fields of the form that a page shows for `path`, but for the password.
fn hidden_fields(answer: &Answer, path: &str) -> Vec<(String, String)> {
    let form = answer.body.split("<form").find(|form| form.contains(&format!("action=\"{path}\""))).unwrap();
    let field = |part: &str| {
        let name = part.split('"').next().unwrap().to_owned();
        (name, part.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned())
    };
    form.split("type=\"hidden\" name=\"").skip(1).map(field).collect()
}

#[tokio::test]
async fn every_action_is_done_and_recorded_with_its_actor() {
    let app = TestApp::spawn();
    let zoe = app.administrator("zoe").await;
    let zoe_id = zoe.account_id().await.to_string();
    app.signed_in_client("eva").await;
    let path = app.admin_path("eva").await;
    for (action, fields) in ACTIONS {
        let answer = zoe.submit(&format!("{path}/{action}"), fields).await;
        match action {
            "reset-link" => assert_eq!(answer.status, 200),
            "delete" => assert_redirect(&answer, "/admin/accounts"),
            _ => assert_redirect(&answer, &path),
        }
        assert_eq!(app.actors(event_of(action)).await.last(), Some(&zoe_id), "{action}");
    }
    assert_eq!(zoe.get(&path).await.status, 404, "the account is deleted");
    for (action, fields) in ACTIONS {
        assert_eq!(zoe.submit(&format!("{path}/{action}"), fields).await.status, 404, "{action}");
    }
    assert_eq!(zoe.submit(&format!("{}/promote", app.admin_path("zoe").await), &[]).await.status, 404);
    assert_eq!(zoe.get("/admin/accounts/nonsense").await.status, 404);
}

// ASVS 7.5.1
#[tokio::test]
async fn every_action_without_recent_sign_in_asks_for_the_password_then_does_what_was_asked() {
    for (action, fields) in ACTIONS {
        let app = TestApp::spawn();
        let zoe = app.administrator("zoe").await;
        app.signed_in_client("eva").await;
        let path = format!("{}/{action}", app.admin_path("eva").await);
        if action == "enable" {
            app.operate("eva", AdminAction::Disable).await;
        }
        if action == "remove-role" {
            app.operate("eva", AdminAction::AddRole("staff".parse().unwrap())).await;
        }
        app.clock.advance(Duration::from_mins(11));
        let before = app.event_count(event_of(action)).await;

        let asked = zoe.submit(&path, fields).await;
        assert_eq!(asked.status, 422, "{action}");
        assert!(asked.errors().is_empty() && asked.body.contains("name=\"current_password\""), "{action}");
        let copied = hidden_fields(&asked, &path);
        let mut form: Vec<_> = copied.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert!(fields.iter().all(|field| form.contains(field)), "{action}: {form:?}");
        form.push(("current_password", WRONG_PASSWORD));
        assert_field_errors(&zoe.post(&path, &form).await, &["current_password"]);
        assert_eq!(app.event_count(event_of(action)).await, before, "{action} was done without the password");

        let old = zoe.cookie("session");
        *form.last_mut().unwrap() = ("current_password", PASSWORD);
        let done = zoe.post(&path, &form).await;
        assert!(matches!(done.status, 200 | 303), "{action}: {}", done.body);
        assert_eq!(app.event_count(event_of(action)).await, before + 1, "{action}");
        assert_ne!(zoe.cookie("session"), old, "{action}: the session is renewed");
        assert!(zoe.is_signed_in().await, "{action}");
        if let Some(token) = done.hidden_field("csrf_token") {
            assert_eq!(token, zoe.csrf_token().await, "{action}: the forms of the page belong to the new session");
        }
    }
}

// ASVS 2.4.1
#[tokio::test]
async fn changes_by_an_administrator_are_limited_together_with_those_of_the_own_account() {
    let app = TestApp::with(&["--sign-in-rate", "3/1h"]);
    let zoe = app.administrator("zoe").await;
    let eva = app.signed_in_client("eva").await;
    let path = app.admin_path("eva").await;
    let rename = async |client: &Client, name: &str| {
        client.submit("/account", &[("username", name), ("email", &format!("{name}@keepers.example"))]).await
    };
    assert_eq!(rename(&zoe, "zoe2").await.status, 303);
    for _ in 0..2 {
        assert_redirect(&zoe.submit(&format!("{path}/unlock"), &[]).await, &path);
    }
    for (action, fields) in ACTIONS {
        let recorded = app.event_count(event_of(action)).await;
        assert_throttled(&zoe.submit(&format!("{path}/{action}"), fields).await, 3600);
        assert_eq!(app.event_count(event_of(action)).await, recorded, "{action} was done");
    }
    assert_throttled(&zoe.submit("/admin/invitations", &[("expires", "1d")]).await, 3600);
    assert_eq!(app.event_count("invitation_created").await, 0);
    assert_throttled(&rename(&zoe, "zoe3").await, 3600);
    assert!(eva.is_signed_in().await);
    assert_eq!(rename(&eva, "eva2").await.status, 303, "the changed account has a budget of its own");
    app.operate("eva2", AdminAction::Disable).await;
    assert!(!eva.is_signed_in().await, "commands are not limited");
    // Without a recent sign-in, after the password.
    app.clock.advance(Duration::from_mins(11));
    let asked = zoe.submit(&format!("{path}/enable"), &[]).await;
    assert_eq!(asked.status, 422);
    let refused = zoe.submit(&format!("{path}/enable"), &[("current_password", PASSWORD)]).await;
    assert_throttled(&refused, 49 * 60);
    assert!(refused.body.contains("Too many attempts. Wait 49 minutes"), "{}", refused.body);
    assert_eq!(app.event_count("account_enabled").await, 0);
    app.clock.advance(Duration::from_mins(49));
    assert_redirect(&zoe.submit(&format!("{path}/enable"), &[("current_password", PASSWORD)]).await, &path);
}

#[tokio::test]
async fn disabled_or_demoted_person_notices_on_the_next_request() {
    let app = TestApp::with(&["--session-cache", "1m"]);
    let zoe = app.administrator("zoe").await;
    let eva = app.administrator("eva").await;
    let path = app.admin_path("eva").await;
    assert_eq!(eva.get("/admin/accounts").await.status, 200);
    assert_redirect(&zoe.submit(&format!("{path}/remove-role"), &[("role", "admin")]).await, &path);
    assert_eq!(eva.get("/admin/accounts").await.status, 404);
    assert!(eva.is_signed_in().await);
    assert_redirect(&zoe.submit(&format!("{path}/disable"), &[]).await, &path);
    assert!(!eva.is_signed_in().await);
    assert_eq!(app.client().sign_in("eva", PASSWORD).await.status, 422);
    assert_redirect(&zoe.submit(&format!("{path}/enable"), &[]).await, &path);
    assert_redirect(&app.client().sign_in("eva", PASSWORD).await, "/");
}

// The other process still has the role in its cache, so only the transaction can notice.
#[tokio::test]
async fn administrator_who_was_demoted_in_another_process_changes_nothing() {
    let app = TestApp::with(&["--session-cache", "1m"]);
    let second = app.second_process(&["--session-cache", "1m"]);
    app.administrator("zoe").await;
    let eva = app.administrator("eva").await.against(&second.address);
    let (eva_path, zoe_path) = (app.admin_path("eva").await, app.admin_path("zoe").await);
    let token = eva.csrf_token().await;
    app.operate("eva", AdminAction::RemoveRole("admin".parse().unwrap())).await;
    assert_eq!(eva.get("/admin/accounts").await.status, 200, "the second process has not noticed yet");
    for path in [format!("{zoe_path}/disable"), format!("{eva_path}/add-role"), format!("{zoe_path}/delete")] {
        let fields = [("csrf_token", token.as_str()), ("role", "admin"), ("confirm", "zoe")];
        assert_eq!(eva.post(&path, &fields).await.status, 404, "{path}");
    }
    assert_redirect(&app.client().sign_in("zoe", PASSWORD).await, "/");
    assert_eq!(app.event_count("role_added").await, 2, "those of the operator");
}

async fn administrators(app: &TestApp) -> i64 {
    let active = account_roles::table.inner_join(accounts::table).filter(accounts::disabled.eq(false));
    app.query(move |conn| active.filter(account_roles::role.eq("admin")).count().get_result(conn)).await
}

// ASVS 2.3.4
#[tokio::test]
async fn of_two_administrators_who_demote_each_other_at_once_one_stays() {
    for (action, fields) in
        [("remove-role", vec![("role", "admin")]), ("disable", vec![]), ("delete", vec![("confirm", "")])]
    {
        let app = TestApp::spawn();
        let (zoe, eva) = (app.administrator("zoe").await, app.administrator("eva").await);
        let (tokens, paths) = (
            (zoe.csrf_token().await, eva.csrf_token().await),
            (app.admin_path("zoe").await, app.admin_path("eva").await),
        );
        let form = |token: &str, name: &str| -> Vec<(String, String)> {
            let fields = fields.iter().map(|(field, value)| match *field {
                "confirm" => ("confirm".to_owned(), name.to_owned()),
                field => (field.to_owned(), (*value).to_owned()),
            });
            [("csrf_token".to_owned(), token.to_owned())].into_iter().chain(fields).collect()
        };
        let post = async |client: &Client, path: String, form: Vec<(String, String)>| {
            let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            client.post(&path, &form).await
        };
        let (first, second) = tokio::join!(
            post(&zoe, format!("{}/{action}", paths.1), form(&tokens.0, "eva")),
            post(&eva, format!("{}/{action}", paths.0), form(&tokens.1, "zoe")),
        );
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(administrators(&app).await, 1, "{action}: {statuses:?}");
        // The other one is no administrator any more, or not signed in any more.
        assert_eq!(statuses, [303, 404], "{action}");
    }
}

#[tokio::test]
async fn of_two_commands_that_demote_the_last_two_administrators_at_once_one_is_refused() {
    let app = TestApp::spawn();
    let client = gatehouse::client::Client::anonymous();
    let zoe = app.administrator("zoe").await.account_id().await;
    let eva = app.administrator("eva").await.account_id().await;
    let role = || "admin".parse().unwrap();
    for _ in 0..5 {
        let demote = |id| app.state.accounts.operate(id, AdminAction::RemoveRole(role()), &client);
        let (one, other) = tokio::join!(demote(zoe), demote(eva));
        assert_ne!(one.is_ok(), other.is_ok(), "{one:?}, {other:?}");
        assert_eq!(administrators(&app).await, 1);
        for name in ["zoe", "eva"] {
            app.operate(name, AdminAction::AddRole(role())).await;
        }
    }
}

#[tokio::test]
async fn last_administrator_cannot_be_demoted_disabled_or_deleted() {
    let app = TestApp::spawn();
    let zoe = app.administrator("zoe").await;
    let eva = app.administrator("eva").await;
    app.operate("eva", AdminAction::Disable).await;
    let path = app.admin_path("zoe").await;
    for (action, fields) in
        [("remove-role", vec![("role", "admin")]), ("disable", vec![]), ("delete", vec![("confirm", "zoe")])]
    {
        let answer = zoe.submit(&format!("{path}/{action}"), &fields).await;
        assert_eq!(answer.status, 422, "{action}");
        assert!(answer.body.contains("This is the last active administrator."), "{action}");
    }
    assert_eq!(zoe.get("/admin/accounts").await.status, 200);
    assert!(!eva.is_signed_in().await);
}

#[tokio::test]
async fn right_password_of_a_refused_change_counts_as_no_failure() {
    let app = TestApp::spawn();
    let zoe = app.administrator("zoe").await;
    app.signed_in_client("eva").await;
    let (own, other) = (app.admin_path("zoe").await, app.admin_path("eva").await);
    app.clock.advance(Duration::from_mins(11));
    for _ in 0..4 {
        let fields = [("confirm", "zoe"), ("current_password", PASSWORD)];
        assert_eq!(zoe.submit(&format!("{own}/disable"), &fields).await.status, 422, "the last administrator");
        assert_field_errors(&zoe.submit(&format!("{other}/delete"), &fields).await, &["confirm"]);
    }
    assert_redirect(&zoe.submit(&format!("{other}/sign-out"), &[("current_password", PASSWORD)]).await, &other);
}

#[tokio::test]
async fn administrator_can_act_on_the_own_account() {
    let app = TestApp::spawn();
    app.administrator("eva").await;
    let path = {
        app.signed_in_client("zoe").await;
        app.admin_path("zoe").await
    };
    let admin = async || {
        app.operate("zoe", AdminAction::Enable).await;
        app.operate("zoe", AdminAction::AddRole("admin".parse().unwrap())).await;
        let client = app.client();
        assert_redirect(&client.sign_in("zoe", PASSWORD).await, "/");
        // So that the session is renewed as well.
        app.clock.advance(Duration::from_mins(11));
        client
    };
    for (action, fields, location) in [
        ("remove-role", vec![("role", "admin")], "/"),
        ("sign-out", vec![], "/login"),
        ("disable", vec![], "/login"),
        ("delete", vec![("confirm", "zoe")], "/login"),
    ] {
        let client = admin().await;
        let form = [&fields[..], &[("current_password", PASSWORD)]].concat();
        assert_redirect(&client.submit(&format!("{path}/{action}"), &form).await, location);
        assert_eq!(client.is_signed_in().await, location == "/", "{action}");
    }
}

#[tokio::test]
async fn deletion_needs_the_user_name_of_the_account() {
    let app = TestApp::spawn();
    let zoe = app.administrator("zoe").await;
    app.signed_in_client("eva").await;
    let path = format!("{}/delete", app.admin_path("eva").await);
    assert!(zoe.get(&path).await.body.contains("You cannot undo it."));
    for confirm in ["", "zoe", "eva@keepers.example"] {
        assert_field_errors(&zoe.submit(&path, &[("confirm", confirm)]).await, &["confirm"]);
    }
    assert_redirect(&zoe.submit(&path, &[("confirm", " Eva")]).await, "/admin/accounts");
    assert!(zoe.get("/admin/accounts").await.body.contains("The account is deleted."));
    let known = app.query(|conn| accounts::table.filter(accounts::username.eq("eva")).count().get_result::<i64>(conn));
    assert_eq!(known.await, 0);
}

#[tokio::test]
async fn malformed_role_is_an_error_of_its_field() {
    let app = TestApp::spawn();
    let zoe = app.administrator("zoe").await;
    let path = app.admin_path("zoe").await;
    for role in ["", "any", "Staff", "a b", "<b>"] {
        let answer = zoe.submit(&format!("{path}/add-role"), &[("role", role)]).await;
        assert_field_errors(&answer, &["role"]);
    }
    assert_eq!(app.event_count("role_added").await, 1);
}

// ASVS 14.2.1
#[tokio::test]
async fn reset_link_is_shown_once_on_the_page_and_nowhere_else() {
    let app = TestApp::spawn();
    let zoe = app.administrator("zoe").await;
    app.signed_in_client("eva").await;
    let path = app.admin_path("eva").await;
    let answer = zoe.submit(&format!("{path}/reset-link"), &[]).await;
    let link = answer.body.split("<code>").nth(1).unwrap().split("</code>").next().unwrap().to_owned();
    let local = link.strip_prefix(&app.address).unwrap().to_owned();
    let token = local.strip_prefix("/reset?token=").unwrap();
    assert!(answer.set_cookies().is_empty() && answer.location().is_empty());
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(app.client().get(&local).await.status, 200);
    for path in [path.as_str(), "/admin/activity", "/"] {
        assert!(!zoe.get(path).await.body.contains(token), "{path}");
    }
    let rows: i64 = app.query(|conn| reset_links::table.count().get_result(conn)).await;
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn owner_sees_what_an_administrator_did_but_not_from_where() {
    let app = TestApp::with(&["--trusted-proxies", "127.0.0.0/8"]);
    let mut zoe = app.administrator("zoe").await;
    zoe.headers.push(("x-forwarded-for", "198.51.100.7".to_owned()));
    let eva = app.signed_in_client("eva").await;
    let path = app.admin_path("eva").await;
    assert_redirect(&zoe.submit(&format!("{path}/sign-out"), &[]).await, &path);
    assert_redirect(&eva.sign_in("eva", PASSWORD).await, "/");
    let page = eva.get("/account/activity").await.body;
    assert!(page.contains("An operator signed you out everywhere"), "{page}");
    assert!(page.contains("An operator ended one of your sessions"), "{page}");
    assert!(!page.contains("198.51.100.7") && !eva.get("/account/export").await.body.contains("198.51.100.7"));
    let page = zoe.get(&path).await.body;
    assert!(page.contains("by zoe") && page.contains("from 198.51.100.7"), "{page}");
}
