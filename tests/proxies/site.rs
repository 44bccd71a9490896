//! Gatehouse and two applications, each behind a proxy. The wiki is for all accounts, the photos are for the staff.

use std::sync::atomic::{AtomicU32, Ordering};

use gatehouse::{
    accounts::AdminAction,
    apps::{AppChange, Change},
    client::Client as Operator,
};

use crate::{
    echo::Echo,
    proxy::{Proxy, RunningProxy},
    raw::{self, Message},
    support::{PASSWORD, TestApp, client::Client, free_port},
};

/// An application behind a proxy.
pub struct Front {
    pub origin: String,
    pub host: String,
    pub port: u16,
    pub echo: Echo,
    _proxy: RunningProxy,
}

pub struct Site {
    pub app: TestApp,
    /// The origin of Gatehouse.
    pub origin: String,
    pub wiki: Front,
    pub photos: Front,
}

impl Site {
    /// Starts everything.
    pub async fn start(proxy: Proxy) -> Self {
        Self::start_all(proxy, false, &[]).await
    }

    /// Starts everything, with more arguments for Gatehouse.
    pub async fn with(proxy: Proxy, arguments: &[&str]) -> Self {
        Self::start_all(proxy, false, arguments).await
    }

    /// Starts everything, with applications that are reached over https.
    pub async fn with_https(proxy: Proxy) -> Self {
        Self::start_all(proxy, true, &[]).await
    }

    async fn start_all(proxy: Proxy, https: bool, arguments: &[&str]) -> Self {
        let (listen, origin) = (free_port(), |port| format!("http://auth.localhost:{port}"));
        let (address, origin) = (format!("127.0.0.1:{listen}"), origin(listen));
        let app = TestApp::with(&[&["--listen", &address, "--public-url", &origin], arguments].concat());
        let wiki = Front::start(proxy, https, &app, "wiki", Vec::new()).await;
        let photos = Front::start(proxy, https, &app, "photos", vec!["staff"]).await;
        Self { app, origin, wiki, photos }
    }

    /// Registers an account. Returns a client that is signed in at Gatehouse, and nowhere else.
    pub async fn signed_in_client(&self, username: &str) -> Client {
        let client = self.app.client();
        let email = format!("{username}@keepers.example");
        let form = [("username", username), ("email", &email), ("password", PASSWORD), ("password_confirm", PASSWORD)];
        let request = client.request("POST", "/register").header("origin", &self.origin).form(&form);
        let answer = client.send(request).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        client
    }

    pub async fn grant(&self, username: &str, role: &str) {
        self.app.operate(username, AdminAction::AddRole(role.parse().unwrap())).await;
    }

    /// Takes a signed-in client to an application, as a browser goes there. Returns the cookie of the application.
    pub async fn enter(&self, front: &Front, client: &Client, path: &str) -> String {
        let asked = front.navigate(path, &[]);
        assert_eq!(asked.status(), 303, "{asked:?}");
        let start = front.navigate(front.path(asked.location()), &[]);
        let start_cookie = format!("gate-start={}", start.set_cookie("gate-start").unwrap());
        let there = start.location().strip_prefix(&self.origin).unwrap();
        let code = client.get(there).await;
        assert_eq!(code.status, 303, "{code:?}");
        let back = front.navigate(front.path(code.location()), &[("Cookie", &start_cookie)]);
        assert_eq!((back.status(), back.location()), (303, format!("{}{path}", front.origin).as_str()), "{back:?}");
        format!("gate={}", back.set_cookie("gate").unwrap())
    }

    /// Returns the cookie of a new account at an application that it may use.
    pub async fn session_at(&self, front: &Front) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let username = format!("zoe{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let client = self.signed_in_client(&username).await;
        self.grant(&username, "staff").await;
        self.enter(front, &client, "/").await
    }
}

impl Front {
    async fn start(proxy: Proxy, https: bool, app: &TestApp, id: &'static str, roles: Vec<&str>) -> Self {
        let (port, echo) = (free_port(), Echo::start());
        let host = format!("{id}.localhost:{port}");
        let origin = format!("{}://{host}", if https { "https" } else { "http" });
        let change = AppChange {
            url: Change::Set(origin.parse().unwrap()),
            roles: Some(roles.iter().map(|role| role.parse().unwrap()).collect()),
            ..AppChange::default()
        };
        app.state.apps.add(id.parse().unwrap(), change, &Operator::anonymous()).await.unwrap();
        app.reload_apps().await;
        let running = proxy.start(app, id, echo.port, port, https);
        Self { origin, host, port, echo, _proxy: running }
    }

    /// Returns the path of a URL of this application.
    #[track_caller]
    pub fn path<'a>(&self, url: &'a str) -> &'a str {
        url.strip_prefix(&self.origin).unwrap_or_else(|| panic!("{url} is not at {}", self.origin))
    }

    /// Sends a request without a body.
    pub fn send(&self, line: &str, headers: &[(&str, &str)]) -> Message {
        let own = [("Host", self.host.as_str())];
        raw::send(self.port, &raw::request(line, &[&own[..], headers].concat()))
    }

    /// Sends a request as a browser that goes to a page.
    pub fn navigate(&self, path: &str, headers: &[(&str, &str)]) -> Message {
        self.send(
            &format!("GET {path}"),
            &[&[("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate")], headers].concat(),
        )
    }

    /// Asserts that exactly one request has reached the application since the last call, from `user`, and returns it.
    #[track_caller]
    pub fn received(&self) -> Message {
        let mut received = self.echo.take_received();
        assert_eq!(received.len(), 1, "{received:?}");
        received.remove(0)
    }

    /// Asserts that no request has reached the application since the last call.
    #[track_caller]
    pub fn received_nothing(&self) {
        let received = self.echo.take_received();
        assert!(received.is_empty(), "{received:?}");
    }
}
