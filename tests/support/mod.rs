//! What the tests stand on: the real application on a free port over a fresh database of its own, and a client that
//! shows everything that goes over the wire.
//!
//! `GATEHOUSE_TEST_DATABASE` says which database: `sqlite` (the default) or `mariadb`. `tests/run` runs everything on both.
#![allow(dead_code, reason = "each of the test binaries uses a part of it")]

pub mod child_guard;
pub mod chromium;
pub mod client;
pub mod mariadb;

use std::{
    env,
    path::{Path, PathBuf},
    sync::mpsc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use actix_web::{dev::ServerHandle, web::Data};
use clap::Parser;
use diesel::QueryResult;
use gatehouse::{
    clock::{Clock, Timestamp},
    config::Settings,
    db::AnyConnection,
    server::{Application, Fittings},
    web::state::App,
};

use self::{client::Client, mariadb::Mariadb};

/// A password that the policy admits.
pub const PASSWORD: &str = "a quiet wall with one lit door";
/// When the tests' clocks begin.
pub const START: Timestamp = Timestamp::from_millis(1_795_305_600_000);

/// A running application.
pub struct TestApp {
    pub address: String,
    pub clock: Clock,
    pub state: Data<App>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    folder: PathBuf,
    // For tests that restart it over the same data; the folder goes with the last.
    keep: std::sync::Arc<tempfile::TempDir>,
    database: String,
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    settings: Settings,
}

/// Which database the tests run on.
pub fn on_mariadb() -> bool {
    match env::var("GATEHOUSE_TEST_DATABASE").as_deref() {
        Ok("mariadb") => true,
        Ok("sqlite") | Err(_) => false,
        Ok(other) => panic!("GATEHOUSE_TEST_DATABASE is {other}; it can be sqlite or mariadb"),
    }
}

/// A program that tests need, or a failure that says how to get it.
pub fn program(names: &[&str], package: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.exists())
        .unwrap_or_else(|| panic!("{} is not installed: run tests/run, or apt-get install {package}", names[0]))
}

/// Asks again and again until there is an answer; fails when there is none for too long.
pub fn wait_until<T>(what: &str, patience: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < patience, "not within {patience:?}: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

pub fn settings(arguments: &[&str]) -> Settings {
    let line = ["gatehouse"].iter().chain(arguments);
    Line::try_parse_from(line).unwrap_or_else(|error| panic!("{error}")).settings
}

impl TestApp {
    /// With the default settings.
    pub fn spawn() -> Self {
        Self::with(&[])
    }

    /// With more settings.
    pub fn with(arguments: &[&str]) -> Self {
        let database = if on_mariadb() { Mariadb::shared().database() } else { String::new() };
        Self::with_database(database, arguments)
    }

    /// Over a database that somebody else looks after; an empty URL is SQLite in the folder.
    pub fn with_database(database: String, arguments: &[&str]) -> Self {
        let keep = tempfile::Builder::new().prefix("gatehouse-test-").tempdir().unwrap();
        Self::start(keep.into(), database, Clock::paused_at(START), arguments)
    }

    /// The same data, a new process' worth of memory.
    pub fn restart(mut self, arguments: &[&str]) -> Self {
        self.stop();
        Self::start(self.keep.clone(), self.database.clone(), self.clock.clone(), arguments)
    }

    /// A second process on the same data.
    pub fn second_process(&self, arguments: &[&str]) -> Self {
        Self::start(self.keep.clone(), self.database.clone(), self.clock.clone(), arguments)
    }

    fn start(keep: std::sync::Arc<tempfile::TempDir>, database: String, clock: Clock, arguments: &[&str]) -> Self {
        let folder = keep.path().join("data");
        let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
        let (folder_text, assets_text) = (folder.display().to_string(), assets.display().to_string());
        let mut line = vec!["--listen", "127.0.0.1:0", "--data-dir", &folder_text];
        if !arguments.contains(&"--static-dir") {
            line.extend(["--static-dir", &assets_text]);
        }
        if !database.is_empty() {
            line.extend(["--database-url", &database]);
        }
        line.extend(arguments);
        let settings = settings(&line);
        let fittings = Fittings {
            clock: clock.clone(),
            routes: |config| {
                let broken = gatehouse::routes::Route::new("/test/panic").open_to_all().get(panics);
                let add = gatehouse::routes::Route::new("/test/added").get(added).post(added);
                broken.register(config);
                add.register(config);
            },
        };
        let (sender, receiver) = mpsc::channel();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let application = Application::build(&settings, fittings).unwrap_or_else(|error| panic!("{error}"));
                sender.send((application.address(), application.app(), application.handle())).unwrap();
                application.run().await.unwrap();
            });
        });
        let (address, state, handle) = receiver.recv().expect("the application starts");
        Self {
            address: format!("http://{address}"),
            clock,
            state,
            handle,
            thread: Some(thread),
            folder,
            keep,
            database,
        }
    }

    /// Somebody with a browser of their own.
    pub fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// Somebody who has registered and is signed in.
    pub async fn signed_in_client(&self, name: &str) -> Client {
        let client = self.client();
        let answer = client.register(name).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        client
    }

    pub fn data_dir(&self) -> &Path {
        &self.folder
    }

    /// Runs queries on the application's own database.
    pub async fn query<T: Send + 'static>(
        &self,
        query: impl FnMut(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    ) -> T {
        self.state.database.write(query).await.unwrap()
    }

    /// Writes down what is in memory only, as happens every second.
    pub async fn flush(&self) {
        gatehouse::server::write_down(&self.state).await;
    }

    /// How often each kind of event happened, by name.
    pub async fn events(&self) -> Vec<(String, i64)> {
        use diesel::{QueryDsl, RunQueryDsl};
        use gatehouse::db::schema::events;
        self.flush().await;
        let rows: Vec<(String, i32)> = self
            .query(|conn| events::table.order(events::id).select((events::kind, events::occurrences)).load(conn))
            .await;
        let mut sums: Vec<(String, i64)> = Vec::new();
        for (kind, occurrences) in rows {
            match sums.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, sum)) => *sum += i64::from(occurrences),
                None => sums.push((kind, i64::from(occurrences))),
            }
        }
        sums
    }

    pub async fn event_count(&self, kind: &str) -> i64 {
        self.events().await.iter().find(|(known, _)| known == kind).map_or(0, |(_, sum)| *sum)
    }

    pub fn stop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        let handle = self.handle.clone();
        thread::spawn(move || actix_web::rt::System::new().block_on(handle.stop(false))).join().unwrap();
        thread.join().unwrap();
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.stop();
        }
    }
}

async fn panics() -> String {
    panic!("a handler panics with a secret inside: hunter2");
}

async fn added() -> &'static str {
    "a page that was added to the table, and nobody thought of who may see it"
}
