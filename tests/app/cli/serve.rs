use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Stdio,
    time::Duration,
};

use super::Site;
use crate::{
    command_line::{gatehouse, temp_dir},
    support::{
        PASSWORD, TestApp,
        client::{Answer, Client, RegisterForm},
        free_port, wait_until,
    },
};

async fn set_up(client: &Client, token: &str, username: &str) -> Answer {
    let email = format!("{username}@keepers.example");
    let form = RegisterForm { username, email: &email, ..RegisterForm::default() };
    client.post("/setup", &form.fields_and("token", token)).await
}

#[tokio::test]
async fn serve_prints_a_link_for_the_first_administrator_until_there_is_one() {
    let site = Site::serve(&[]);
    let line = site.running.next_line();
    let address = &site.running.address;
    let prefix = format!("Create the first administrator: {address}/setup?token=");
    let token = line.strip_prefix(&prefix).unwrap_or_else(|| panic!("{line:?}")).trim();
    let client = site.client();
    assert_eq!(client.get(&format!("/setup?token={token}")).await.status, 200);
    // An administrator may have a reserved name.
    assert_eq!(set_up(&client, token, "admin").await.location(), "/");
    assert!(client.is_signed_in().await);
    assert_eq!(site.show("admin")["roles"], serde_json::json!(["admin"]));
    assert_eq!(site.client().get(&format!("/setup?token={token}")).await.status, 410);
    assert_eq!(set_up(&site.client(), token, "eva").await.status, 410);
    assert_eq!(site.account(&["show", "eva"]).status, 1);
}

#[test]
fn server_goes_on_although_nothing_reads_its_standard_output() {
    let dir = temp_dir();
    let port = free_port();
    let mut command = gatehouse(dir.path());
    let mut child =
        command.env("GATEHOUSE_LISTEN", format!("127.0.0.1:{port}")).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let get = || {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).ok()?;
        let request = format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).ok()?;
        answer.starts_with("HTTP/1.1 200").then_some(())
    };
    wait_until("the server answers", Duration::from_secs(20), get);
    assert!(child.try_wait().unwrap().is_none(), "the server has stopped");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn setup_link_of_another_process_or_a_wrong_one_is_invalid() {
    let app = TestApp::spawn();
    let other = app.second_process(&[]);
    let token = other.state.setup_token.expose();
    let client = app.client();
    for token in ["", "a", &token, &"A".repeat(43)] {
        assert_eq!(client.get(&format!("/setup?token={token}")).await.status, 410, "{token}");
        assert_eq!(set_up(&client, token, "zoe").await.status, 410, "{token}");
    }
    assert_eq!(set_up(&other.client(), &token, "zoe").await.location(), "/");
}

#[tokio::test]
async fn of_two_people_with_the_setup_link_one_becomes_the_administrator() {
    let app = TestApp::spawn();
    let token = app.state.setup_token.expose();
    let (one, other) = (app.client(), app.client());
    let (first, second) = tokio::join!(set_up(&one, &token, "zoe"), set_up(&other, &token, "eva"));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 410]);
    assert_eq!(app.event_count("registered").await, 1, "the other account was not created");
}

#[tokio::test]
async fn setup_form_keeps_what_was_typed_and_works_while_registration_is_closed() {
    let app = TestApp::with(&["--registration", "closed"]);
    let token = app.state.setup_token.expose();
    let client = app.client();
    let rejected = set_up(&client, &token, "z").await;
    assert_eq!((rejected.status, rejected.error_fields()), (422, vec!["username".to_owned()]));
    assert!(rejected.body.contains("value=\"z@keepers.example\""));
    assert_eq!(rejected.hidden_field("token"), Some(token.clone()));
    assert_eq!(set_up(&client, &token, "zoe").await.location(), "/");
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.location(), "/");
}
