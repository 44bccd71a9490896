use serde_json::Value;

use super::Site;
use crate::support::client::{Answer, Client, RegisterForm};

/// Registers `zoe` with the link that a command printed.
async fn register(client: &Client, path: &str, username: &str) -> Answer {
    let email = format!("{username}@keepers.example");
    let invite = client.get(path).await.hidden_field("invite").unwrap_or_default();
    let form = RegisterForm { username, email: &email, ..RegisterForm::default() };
    client.post("/register", &form.fields_and("invite", &invite)).await
}

impl Site {
    /// Makes an invitation and returns the path of its link.
    fn invite(&self, arguments: &[&str]) -> String {
        let created = self.run(&[&["invitation", "create"], arguments].concat());
        let prefix = format!("{}/register?invite=", self.running.address);
        assert!(created.stdout.starts_with(&prefix), "{}{}", created.stdout, created.stderr);
        created.stdout.trim().strip_prefix(&self.running.address).unwrap().to_owned()
    }

    fn invitations(&self) -> Vec<Value> {
        let listed = self.run(&["invitation", "list", "--json"]);
        listed.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[tokio::test]
async fn invitation_registers_one_account_with_its_roles() {
    let site = Site::serve(&["--registration", "invite"]);
    let client = site.client();
    assert_eq!((client.get("/register").await.status, client.register("zoe").await.status), (403, 403));
    let link = site.invite(&["--role", "staff", "--role", "editor"]);
    assert_eq!(register(&client, &link, "zoe").await.location(), "/");
    assert_eq!(site.show("zoe")["roles"], serde_json::json!(["editor", "staff"]));
    let other = site.client();
    assert_eq!(other.get(&link).await.status, 410);
    let invite = link.split('=').nth(1).unwrap();
    let form = RegisterForm { username: "eva", email: "eva@keepers.example", ..RegisterForm::default() };
    assert_eq!(other.post("/register", &form.fields_and("invite", invite)).await.status, 410);
    assert!(site.invitations()[0]["used_at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn revoked_and_unknown_invitations_are_answered_alike() {
    let site = Site::serve(&["--registration", "invite"]);
    let link = site.invite(&[]);
    let client = site.client();
    assert_eq!(client.get(&link).await.status, 200);
    let invitation = &site.invitations()[0];
    assert_eq!((&invitation["roles"], &invitation["used_at"]), (&serde_json::json!([]), &Value::Null), "{invitation}");
    let id = invitation["id"].as_str().unwrap();
    assert_eq!(site.run(&["invitation", "revoke", id]).status, 0);
    assert_eq!(site.run(&["invitation", "revoke", id]).status, 1);
    assert_eq!(site.run(&["invitation", "revoke", "x"]).status, 2);
    let revoked = client.get(&link).await;
    let unknown = client.get(&format!("/register?invite={}", "A".repeat(43))).await;
    assert_eq!((revoked.status, unknown.status, client.get("/register?invite=a").await.status), (410, 410, 410));
    assert!(revoked.body.contains("This link does not work"));
}

#[tokio::test]
async fn rejected_form_keeps_the_invitation() {
    let site = Site::serve(&["--registration", "invite"]);
    let link = site.invite(&[]);
    let client = site.client();
    let rejected = register(&client, &link, "!").await;
    assert_eq!((rejected.status, rejected.error_fields()), (422, vec!["username".to_owned()]));
    assert_eq!(rejected.hidden_field("invite").as_deref(), link.split('=').nth(1));
    assert_eq!(register(&client, &link, "zoe").await.location(), "/");
}

#[tokio::test]
async fn closed_registration_takes_no_invitation_and_open_registration_needs_none() {
    let closed = Site::serve(&["--registration", "closed"]);
    let link = closed.invite(&[]);
    assert_eq!(closed.client().get(&link).await.status, 403);
    let open = Site::serve(&[]);
    let link = open.invite(&["--role", "staff"]);
    assert_eq!(open.client().register("eva").await.location(), "/");
    assert_eq!(register(&open.client(), &link, "zoe").await.location(), "/");
    assert_eq!(open.show("zoe")["roles"], serde_json::json!(["staff"]));
    assert_eq!(open.client().get(&link).await.status, 410, "a used one is refused although none is needed");
}
