use std::time::Duration;

use diesel::{QueryDsl, RunQueryDsl};
use gatehouse::db::schema::invitations;

use crate::support::{
    PASSWORD, TestApp, WRONG_PASSWORD,
    client::{Answer, Client, RegisterForm, assert_field_errors, assert_redirect, assert_throttled},
};

const PATH: &str = "/admin/invitations";

/// Returns the path of the link on a page.
fn link(app: &TestApp, page: &Answer) -> String {
    assert_eq!(page.status, 200, "{page:?}");
    let prefix = format!("<code>{}", app.address);
    page.body.split(&prefix).nth(1).unwrap_or_else(|| panic!("{}", page.body)).split('<').next().unwrap().to_owned()
}

/// Returns the path that revokes the newest invitation.
async fn revoke_path(client: &Client) -> String {
    let page = client.get(PATH).await.body;
    page.split("action=\"").find(|part| part.contains("/revoke\"")).unwrap().split('"').next().unwrap().to_owned()
}

async fn register(client: &Client, link: &str) -> Answer {
    let invite = client.get(link).await.hidden_field("invite").unwrap_or_default();
    let form = RegisterForm { username: "eva", email: "eva@keepers.example", ..RegisterForm::default() };
    client.post("/register", &form.fields_and("invite", &invite)).await
}

#[tokio::test]
async fn administrator_invites_a_person_who_gets_the_roles() {
    let app = TestApp::with(&["--registration", "invite"]);
    let zoe = app.first_administrator("zoe").await;
    let page = zoe.submit(PATH, &[("role", "staff editor"), ("expires", "2d")]).await;
    let link = link(&app, &page);
    assert!(!zoe.get(PATH).await.body.contains(&link), "a link is shown once");
    let eva = app.client();
    assert_redirect(&register(&eva, &link).await, "/");
    let roles = app.state.accounts.find("eva").await.unwrap().unwrap().roles;
    assert_eq!(roles.iter().map(ToString::to_string).collect::<Vec<_>>(), ["editor", "staff"]);
    assert_eq!(app.client().get(&link).await.status, 410);
    assert!(zoe.get(PATH).await.body.contains("Used <time"));
    let inviter = app.actors("invitation_used").await;
    assert_eq!(inviter, [zoe.account_id().await.to_string()], "who invited whom is recorded");
    assert_eq!(app.actors("invitation_created").await, inviter);
}

#[tokio::test]
async fn revoked_or_expired_invitation_is_refused() {
    let app = TestApp::with(&["--registration", "invite"]);
    let zoe = app.first_administrator("zoe").await;
    let revoked = link(&app, &zoe.submit(PATH, &[("expires", "2d")]).await);
    let path = revoke_path(&zoe).await;
    assert_redirect(&zoe.submit(&path, &[]).await, PATH);
    assert!(zoe.get(PATH).await.body.contains("The invitation is not valid any more."));
    assert_eq!(zoe.submit(&path, &[]).await.status, 404);
    let expired = link(&app, &zoe.submit(PATH, &[("expires", "1m")]).await);
    app.clock.advance(Duration::from_mins(1));
    for link in [revoked, expired] {
        assert_eq!(app.client().get(&link).await.status, 410);
        assert_eq!(register(&app.client(), &link).await.status, 403, "without the field of the form");
    }
    assert!(zoe.get(PATH).await.body.contains("Expired <time"));
    assert!(!zoe.get(PATH).await.body.contains("/revoke"));
}

#[tokio::test]
async fn form_of_an_invitation_shows_errors_and_keeps_what_was_typed() {
    let app = TestApp::spawn();
    let zoe = app.first_administrator("zoe").await;
    let answer = zoe.submit(PATH, &[("role", "Staff"), ("expires", "soon")]).await;
    assert_field_errors(&answer, &["role", "expires"]);
    assert!(answer.body.contains("value=\"Staff\"") && answer.body.contains("value=\"soon\""));
    for expires in ["", "0d", "-1d", "400d"] {
        assert_field_errors(&zoe.submit(PATH, &[("expires", expires)]).await, &["expires"]);
    }
    assert_eq!(app.query(|conn| invitations::table.count().get_result::<i64>(conn)).await, 0);
}

// ASVS 7.5.1
#[tokio::test]
async fn invitation_and_revocation_ask_for_the_password_and_then_do_what_was_asked() {
    let app = TestApp::spawn();
    let zoe = app.first_administrator("zoe").await;
    app.clock.advance(Duration::from_mins(20));
    let asked = zoe.submit(PATH, &[("role", "staff"), ("expires", "2d")]).await;
    assert_eq!(
        (asked.status, asked.hidden_field("role"), asked.hidden_field("expires")),
        (422, Some("staff".to_owned()), Some("2d".to_owned()))
    );
    let wrong = [("role", "staff"), ("expires", "2d"), ("current_password", WRONG_PASSWORD)];
    assert_field_errors(&zoe.submit(PATH, &wrong).await, &["current_password"]);
    let right = [("role", "staff"), ("expires", "2d"), ("current_password", PASSWORD)];
    link(&app, &zoe.submit(PATH, &right).await);
    app.clock.advance(Duration::from_mins(20));
    let path = revoke_path(&zoe).await;
    assert_eq!(zoe.submit(&path, &[]).await.status, 422);
    assert_redirect(&zoe.submit(&path, &[("current_password", PASSWORD)]).await, PATH);
    assert_eq!(app.query(|conn| invitations::table.count().get_result::<i64>(conn)).await, 0);
}

#[tokio::test]
async fn invitations_of_an_administrator_are_limited() {
    let app = TestApp::with(&["--sign-in-rate", "2/1h"]);
    let zoe = app.first_administrator("zoe").await;
    for _ in 0..2 {
        link(&app, &zoe.submit(PATH, &[("expires", "2d")]).await);
    }
    let refused = zoe.submit(PATH, &[("role", "staff"), ("expires", "2d")]).await;
    assert_throttled(&refused, 3600);
    assert!(refused.body.contains("value=\"staff\""), "what was typed stays");
    assert_throttled(&zoe.submit(&revoke_path(&zoe).await, &[]).await, 3600);
    assert_eq!(app.query(|conn| invitations::table.count().get_result::<i64>(conn)).await, 2);
}

#[tokio::test]
async fn long_list_of_invitations_has_pages() {
    let app = TestApp::spawn();
    let zoe = app.first_administrator("zoe").await;
    let operator = gatehouse::client::Client::anonymous();
    for _ in 0..30 {
        app.state.accounts.invite(Vec::new(), Duration::from_hours(1), &operator).await.unwrap();
    }
    let first = zoe.get(PATH).await.body;
    assert_eq!(first.matches("/revoke\"").count(), 25);
    let next = first.split("href=\"/admin/invitations?before=").nth(1).unwrap().split('"').next().unwrap();
    let second = zoe.get(&format!("{PATH}?before={next}")).await.body;
    assert_eq!(second.matches("/revoke\"").count(), 5);
    assert_eq!(zoe.get(&format!("{PATH}?before=x")).await.status, 200);
}
