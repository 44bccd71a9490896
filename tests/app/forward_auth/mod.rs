//! Applications behind a reverse proxy, with requests as a proxy sends them. `tests/proxies` sends them through real
//! ones.

mod handover;
pub mod pages;
mod sign_out;
mod tokens;
mod verify;

use gatehouse::{
    apps::{AppChange, Change},
    client::Client as Operator,
};

use crate::support::{
    TestApp,
    client::{Answer, Client},
};

/// Adds an application at `http://{id}.localhost`.
async fn add(app: &TestApp, id: &str, roles: &[&str]) {
    let change = AppChange {
        url: Change::Set(format!("http://{id}.localhost").parse().unwrap()),
        roles: Some(roles.iter().map(|role| role.parse().unwrap()).collect()),
        ..AppChange::default()
    };
    app.state.apps.add(id.parse().unwrap(), change, &Operator::anonymous()).await.unwrap();
    app.reload_apps().await;
}

/// Starts a server with the application `wiki`, which every account may enter.
async fn with_wiki() -> TestApp {
    let app = TestApp::spawn();
    add(&app, "wiki", &[]).await;
    app
}

/// A browser, with the cookies of an application's host, as the proxy there sends its requests.
struct AtApp {
    id: String,
    client: Client,
}

impl AtApp {
    fn new(app: &TestApp, id: &str) -> Self {
        Self { id: id.to_owned(), client: app.client_of(&format!("{id}.localhost")) }
    }

    fn wiki(app: &TestApp) -> Self {
        Self::new(app, "wiki")
    }

    /// Returns the same browser with a copy of its cookies.
    fn fork(&self) -> Self {
        Self { id: self.id.clone(), client: self.client.fork() }
    }

    /// Asks for a page with these headers.
    async fn verify_with(&self, role: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask(&format!("/verify/{}/{role}", self.id), headers).await
    }

    async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.client.request("GET", path);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.client.send(request).await
    }

    /// Goes to a page.
    async fn navigate(&self, uri: &str) -> Answer {
        self.verify_with("any", &[("sec-fetch-mode", "navigate"), ("x-forwarded-uri", uri)]).await
    }

    /// Returns the status of a request that is no navigation.
    async fn status(&self) -> u16 {
        self.verify_with("any", &[]).await.status
    }

    /// Asks for a page of Gatehouse on the application's host, such as `/.gatehouse/start`.
    async fn get(&self, url: &str) -> Answer {
        self.client.get(&self.path(url)).await
    }

    async fn post(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = format!("http://{}.localhost", self.id);
        let request = self.client.request("POST", &self.path(url)).header("origin", origin).form(fields);
        self.client.send(request).await
    }

    /// Returns the path at which the proxy asks for a page of Gatehouse.
    fn path(&self, url: &str) -> String {
        let origin = format!("http://{}.localhost", self.id);
        let path = url.strip_prefix(&origin).unwrap_or(url);
        format!("/handover/{}/{}", self.id, path.strip_prefix("/.gatehouse/").unwrap_or_else(|| panic!("{url}")))
    }

    /// Returns the way to the sign-in page, below the origin of Gatehouse.
    async fn start(&self, app: &TestApp, uri: &str) -> String {
        let answer = self.navigate(uri).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let answer = self.get(answer.location()).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        answer.location().strip_prefix(&app.address).unwrap().to_owned()
    }

    /// Goes through all redirects until the browser is back, as the person who is signed in with `person`. Returns the
    /// answer that leads to the page.
    async fn enter(&self, app: &TestApp, person: &Client, uri: &str) -> Answer {
        let way = self.start(app, uri).await;
        let answer = person.get(&way).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        self.get(answer.location()).await
    }
}

/// Returns a signed-in person, and their browser at the application `wiki`.
async fn person_at_wiki(app: &TestApp, username: &str) -> (Client, AtApp) {
    let (person, wiki) = (app.signed_in_client(username).await, AtApp::wiki(app));
    assert_eq!(wiki.enter(app, &person, "/").await.location(), "http://wiki.localhost/");
    assert_eq!(wiki.status().await, 200);
    (person, wiki)
}
