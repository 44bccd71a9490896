//! A session that ends while its request is on the way must not change anything any more.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use gatehouse::{apps::AppChange, client::Client as Operator, web::guard::Access};

use crate::support::{
    PASSWORD, TestApp,
    client::{Client, assert_redirect},
};

const NEW_PASSWORD: &str = "seven geese behind an old mill";

/// The form that ends one session; its path has to be looked up.
const END_ONE: &str = "/account/sessions/{id}/end";

/// Returns every form of a signed-in person that changes something, and its fields.
fn changes() -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    vec![
        (END_ONE, vec![]),
        ("/account", vec![("username", "mallory"), ("email", "mallory@evil.example")]),
        (
            "/account/password",
            vec![("current_password", PASSWORD), ("password", NEW_PASSWORD), ("password_confirm", NEW_PASSWORD)],
        ),
        ("/account/sessions/end-others", vec![]),
        ("/account/sessions/forget-browsers", vec![]),
        ("/account/delete", vec![("confirm", "zoe"), ("current_password", PASSWORD)]),
        ("/admin/accounts/{id}/{action}", vec![]),
        ("/admin/accounts/{id}/delete", vec![("confirm", "zoe")]),
        ("/admin/invitations", vec![("expires", "1d")]),
        ("/admin/invitations/{id}/revoke", vec![]),
        ("/admin/apps", vec![("id", "shop")]),
        ("/admin/apps/{id}", vec![("name", "Shop")]),
        ("/admin/apps/{id}/remove", vec![]),
    ]
}

/// Returns the client of `zoe`; an administrator who is not the last one, if `path` is of the admin area.
async fn owner_of(app: &TestApp, path: &str) -> Client {
    if !path.starts_with("/admin") {
        return app.signed_in_client("zoe").await;
    }
    app.state.apps.add("wiki".parse().unwrap(), AppChange::default(), &Operator::anonymous()).await.unwrap();
    app.administrator("ida").await;
    app.administrator("zoe").await
}

/// Asserts that the applications are those that [`owner_of`] has left.
async fn assert_apps_unchanged(app: &TestApp, path: &str) {
    let names: Vec<_> = app.state.apps.list().await.unwrap().into_iter().map(|app| app.name).collect();
    assert!(
        names.iter().all(|name| name == "wiki") && names.len() == usize::from(path.starts_with("/admin")),
        "{path}"
    );
}

/// Asserts that the sender of a form was taken for a guest.
fn assert_guest(status: u16, location: &str, path: &str) {
    let expected = if path.starts_with("/admin") { (404, "") } else { (303, "/login") };
    assert_eq!((status, location), expected, "{path}");
}

/// Returns `path` with the ids that it needs: of another session, or of the own account.
async fn path_of(path: &str, client: &Client) -> String {
    if path != END_ONE {
        let id = match path {
            _ if path.starts_with("/admin/apps") => "wiki".to_owned(),
            _ if path.contains("{id}") => client.account_id().await.to_string(),
            _ => String::new(),
        };
        return path.replace("{id}", &id).replace("{action}", "disable");
    }
    let page = client.get("/account/sessions").await.body;
    page.split("action=\"").find(|part| part.contains("/end\"")).unwrap().split('"').next().unwrap().to_owned()
}

/// A form whose last byte is still missing.
struct HalfSent {
    socket: TcpStream,
    last: u8,
}

impl HalfSent {
    fn begin(app: &TestApp, client: &Client, path: &str, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let (first, last) = body.as_bytes().split_at(body.len() - 1);
        let mut socket = TcpStream::connect(app.address.trim_start_matches("http://")).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: {}\r\nCookie: session={}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            app.address,
            client.cookie("session").unwrap(),
            body.len()
        );
        socket.write_all(&[head.as_bytes(), first].concat()).unwrap();
        Self { socket, last: last[0] }
    }

    fn finish(mut self) -> String {
        self.socket.write_all(&[self.last]).unwrap();
        let mut answer = String::new();
        self.socket.read_to_string(&mut answer).unwrap();
        answer
    }
}

#[tokio::test]
async fn form_whose_session_ends_before_its_last_byte_changes_nothing() {
    // The last page has no transaction that would notice.
    for (path, fields) in changes().into_iter().chain([("/test/added", vec![])]) {
        let app = TestApp::spawn();
        let owner = owner_of(&app, path).await;
        let copy = app.client();
        assert_eq!(copy.sign_in("zoe", PASSWORD).await.status, 303);
        let (token, path) = (copy.csrf_token().await, path_of(path, &copy).await);
        let form = HalfSent::begin(&app, &copy, &path, &[&[("csrf_token", token.as_str())], &fields[..]].concat());
        assert_redirect(&owner.submit("/account/sessions/end-others", &[]).await, "/account/sessions");
        let answer = form.finish();
        let location = answer.split("location: ").nth(1).map_or("", |rest| rest.split('\r').next().unwrap());
        assert_guest(answer[9..12].parse().unwrap(), location, &path);
        assert!(owner.get("/").await.body.contains("Hello, zoe"), "{path}");
        assert!(app.client().sign_in("zoe", PASSWORD).await.status == 303, "{path}");
        assert_apps_unchanged(&app, &path).await;
    }
}

// The other process still has the session in its cache, so only the transaction can notice.
#[tokio::test]
async fn change_in_a_process_that_has_not_noticed_the_end_of_the_session_is_refused() {
    for (path, fields) in changes() {
        let app = TestApp::with(&["--session-cache", "1m"]);
        let second = app.second_process(&["--session-cache", "1m"]);
        let owner = owner_of(&app, path).await;
        let copy = app.client();
        assert_eq!(copy.sign_in("zoe", PASSWORD).await.status, 303);
        let copy = copy.against(&second.address);
        let (token, path) = (copy.csrf_token().await, path_of(path, &copy).await);
        assert_redirect(&owner.submit("/account/sessions/end-others", &[]).await, "/account/sessions");
        assert!(copy.is_signed_in().await, "the second process has not noticed yet");
        let answer = copy.post(&path, &[&[("csrf_token", token.as_str())], &fields[..]].concat()).await;
        assert_guest(answer.status, answer.location(), &path);
        if answer.status == 303 {
            assert!(answer.set_cookie("session").unwrap().contains("Max-Age=0"), "{path}");
            assert!(copy.get("/login").await.body.contains("Your session has ended."), "{path}");
        }
        assert!(owner.get("/").await.body.contains("Hello, zoe"), "{path}");
        assert!(app.client().sign_in("zoe", PASSWORD).await.status == 303, "{path}");
        assert_apps_unchanged(&app, &path).await;
    }
}

// A process with an old view of the session must not end it for the others.
#[tokio::test]
async fn session_that_another_process_has_seen_is_not_expired() {
    let app = TestApp::with(&["--session-cache", "1m", "--session-idle", "30s"]);
    let second = app.second_process(&["--session-cache", "1m", "--session-idle", "30s"]);
    let client = app.signed_in_client("zoe").await;
    let there = client.against(&second.address);
    assert!(client.is_signed_in().await && there.is_signed_in().await);
    app.clock.advance(Duration::from_secs(20));
    assert!(client.is_signed_in().await);
    app.flush().await;
    app.clock.advance(Duration::from_secs(20));
    assert!(there.is_signed_in().await, "the first process has seen it 20 seconds ago");
    assert!(client.is_signed_in().await);
    assert_eq!(app.event_count("session_expired").await, 0);
}

#[test]
fn list_of_changes_contains_every_form_of_a_signed_in_person() {
    let listed: Vec<_> = changes().into_iter().map(|(path, _)| path).collect();
    for route in gatehouse::routes::table() {
        let needs_session = matches!(route.access, Access::SignedIn | Access::Administrators);
        let is_listed = !needs_session || !route.takes_post() || listed.contains(&route.path);
        assert!(is_listed, "{}", route.path);
    }
}
