//! Test support: the real application on a free port with its own empty database, and clients that show every response.
//!
//! `GATEHOUSE_TEST_DATABASE` selects the database: `sqlite` (the default) or `mariadb`. `tests/run` runs all tests on
//! both.
#![allow(dead_code, reason = "each test binary uses only a part of this module")]

pub mod child_guard;
pub mod chromium;
pub mod client;
pub mod mariadb;
mod programs;
pub mod python;

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use actix_web::{dev::ServerHandle, web::Data};
use clap::Parser;
use diesel::QueryResult;
use gatehouse::{
    accounts::{AccountId, AdminAction, LinkToken},
    client::Client as RequestClient,
    clock::{Clock, Timestamp},
    config::Settings,
    db::{AnyConnection, Database},
    maintenance,
    routes::Route,
    server::{Application, TestHooks},
    web::state::AppState,
};
use tempfile::TempDir;

pub use self::programs::{free_port, program, wait_until};
use self::{client::Client, mariadb::Mariadb};

/// A password that the policy accepts.
pub const PASSWORD: &str = "a quiet wall with one lit door";
/// A password that no test account has.
pub const WRONG_PASSWORD: &str = "not the password at all";
/// The time at which every test clock starts: 2026-11-22 00:00 UTC.
pub const START: Timestamp = Timestamp::from_millis(1_795_305_600_000);

/// A running application. Dropping it stops the server.
pub struct TestApp {
    pub address: String,
    /// The address of `/metrics`, with `--metrics-listen`.
    pub metrics_address: Option<SocketAddr>,
    pub clock: Clock,
    pub state: Data<AppState>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    data_dir: PathBuf,
    /// Shared by all processes on the same data; the last one to stop deletes the directory.
    temp_dir: Arc<TempDir>,
    database_url: String,
}

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
}

/// Whether the tests run on MariaDB.
pub fn on_mariadb() -> bool {
    match env::var("GATEHOUSE_TEST_DATABASE").as_deref() {
        Ok("mariadb") => true,
        Ok("sqlite") | Err(_) => false,
        Ok(other) => panic!("GATEHOUSE_TEST_DATABASE is {other}; set it to sqlite or mariadb"),
    }
}

/// Parses settings as the command line does.
pub fn settings(arguments: &[&str]) -> Settings {
    let line = ["gatehouse"].iter().chain(arguments);
    Arguments::try_parse_from(line).unwrap_or_else(|error| panic!("{error}")).settings
}

impl TestApp {
    /// Starts the application with the default settings.
    pub fn spawn() -> Self {
        Self::with(&[])
    }

    /// Starts the application with additional command-line arguments.
    pub fn with(arguments: &[&str]) -> Self {
        let database = if on_mariadb() { Mariadb::shared().database() } else { String::new() };
        Self::with_database(database, arguments)
    }

    /// Starts the application with a clock that stands at the time of this machine less `ago`, for tests with programs
    /// that look at the time themselves.
    pub fn at_real_time(ago: Duration) -> Self {
        let database = if on_mariadb() { Mariadb::shared().database() } else { String::new() };
        Self::start(Self::temp_dir(), database, Clock::paused_at(Clock::system().now().minus(ago)), &[])
    }

    /// Starts the application on an existing database. An empty URL selects SQLite in the data directory.
    pub fn with_database(database_url: String, arguments: &[&str]) -> Self {
        Self::start(Self::temp_dir(), database_url, Clock::paused_at(START), arguments)
    }

    fn temp_dir() -> Arc<TempDir> {
        tempfile::Builder::new().prefix("gatehouse-test-").tempdir().unwrap().into()
    }

    /// Stops the application and starts it on the same data, with nothing left in memory.
    pub fn restart(mut self, arguments: &[&str]) -> Self {
        self.stop();
        self.second_process(arguments)
    }

    /// Starts a second application on the same data and the same clock.
    pub fn second_process(&self, arguments: &[&str]) -> Self {
        Self::start(self.temp_dir.clone(), self.database_url.clone(), self.clock.clone(), arguments)
    }

    fn start(temp_dir: Arc<TempDir>, database_url: String, clock: Clock, arguments: &[&str]) -> Self {
        let data_dir = temp_dir.path().join("data");
        let data_dir_text = data_dir.display().to_string();
        let mut line = vec!["--data-dir", &data_dir_text];
        if !arguments.contains(&"--listen") {
            line.extend(["--listen", "127.0.0.1:0"]);
        }
        if !database_url.is_empty() {
            line.extend(["--database-url", &database_url]);
        }
        line.extend(arguments);
        let settings = settings(&line);
        let hooks = TestHooks {
            clock: clock.clone(),
            routes: |config| {
                Route::from(Route::new("/test/panic").open_to_all().get(panicking_page)).register(config);
                Route::from(Route::new("/test/added").get(added_page).post(added_page)).register(config);
            },
        };
        let (sender, receiver) = mpsc::channel();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let application = Application::build(settings, hooks).unwrap_or_else(|error| panic!("{error}"));
                let addresses = (application.address(), application.metrics_address());
                sender.send((addresses, application.state(), application.handle())).unwrap();
                application.run().await.unwrap();
            });
        });
        let ((address, metrics_address), state, handle) = receiver.recv().expect("the application starts");
        Self {
            address: format!("http://{address}"),
            metrics_address,
            clock,
            state,
            handle,
            thread: Some(thread),
            data_dir,
            temp_dir,
            database_url,
        }
    }

    /// Returns a new client without cookies.
    pub fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// Returns a new client that sends the host of a public URL, as a reverse proxy does.
    pub fn client_of(&self, host: &str) -> Client {
        let mut client = self.client();
        client.headers.push(("host", host.to_owned()));
        client
    }

    /// Registers an account and returns its signed-in client.
    pub async fn signed_in_client(&self, username: &str) -> Client {
        let client = self.client();
        let answer = client.register(username).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        client
    }

    /// Registers an administrator and returns its signed-in client.
    pub async fn administrator(&self, username: &str) -> Client {
        let client = self.signed_in_client(username).await;
        self.operate(username, AdminAction::AddRole("admin".parse().unwrap())).await;
        client
    }

    /// Returns the path of the page that administrators have for an account.
    pub async fn admin_path(&self, login: &str) -> String {
        format!("/admin/accounts/{}", self.state.accounts.find(login).await.unwrap().unwrap().id)
    }

    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Returns the URL of the database; empty for SQLite in the data directory.
    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    pub fn database(&self) -> &Database {
        &self.state.core.database
    }

    /// Returns how many password hashes this process has computed so far.
    pub fn hashes_computed(&self) -> u64 {
        self.state.accounts.hashes_computed()
    }

    /// Changes an account as a command does.
    pub async fn operate(&self, login: &str, action: AdminAction) -> Option<LinkToken> {
        let account = self.state.accounts.find(login).await.unwrap().unwrap();
        self.state.accounts.operate(account.id, action, &RequestClient::anonymous()).await.unwrap()
    }

    /// Creates the first administrator with the set-up link, and signs in.
    pub async fn first_administrator(&self, username: &str) -> Client {
        let client = self.client();
        let email = format!("{username}@keepers.example");
        let form = client::RegisterForm { username, email: &email, ..client::RegisterForm::default() };
        let token = self.state.setup_token.expose();
        assert_eq!(client.post("/setup", &form.fields_and("token", &token)).await.status, 303);
        client
    }

    /// Returns who caused the events of this kind, as stored.
    pub async fn actors(&self, kind: &'static str) -> Vec<String> {
        use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
        use gatehouse::db::schema::events;
        self.query(move |conn| events::table.filter(events::kind.eq(kind)).select(events::actor).load(conn)).await
    }

    /// Removes the e-mail address of an account, as if it had been imported without one.
    pub async fn remove_email(&self, username: &'static str) {
        use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
        use gatehouse::db::schema::accounts;
        let account = accounts::table.filter(accounts::username.eq(username));
        let none = None::<String>;
        let change = move |conn: &mut AnyConnection| {
            diesel::update(account).set((accounts::email.eq(&none), accounts::email_key.eq(&none))).execute(conn)
        };
        assert_eq!(self.query(change).await, 1);
    }

    /// Makes a link to set a new password and returns its token.
    pub async fn reset_token(&self, login: &str) -> String {
        self.operate(login, AdminAction::CreateResetLink).await.unwrap().expose()
    }

    /// Deletes expired rows, as the background job does every minute.
    pub async fn delete_expired(&self) {
        maintenance::delete_expired(&self.state).await;
    }

    /// Reads the applications from the database, as the background job does every second.
    pub async fn reload_apps(&self) {
        maintenance::reload_apps(&self.state).await;
    }

    /// Finishes the cleanups that changes left in the database, as the background job does every second.
    pub async fn clean_up(&self) {
        maintenance::clean_up(&self.state).await;
    }

    /// Runs queries on the database of the application, in one transaction.
    pub async fn query<T: Send + 'static>(
        &self,
        query: impl FnMut(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    ) -> T {
        self.database().write(query).await.unwrap()
    }

    /// Inserts events of `account` with an address and a browser, half of them refused attempts.
    pub async fn insert_events(&self, account: AccountId, count: usize, at: Timestamp) {
        use diesel::{ExpressionMethods, RunQueryDsl};
        use gatehouse::db::schema::events;
        self.query(move |conn| {
            for number in 0..count {
                let is_refused = number % 2 == 1;
                diesel::insert_into(events::table)
                    .values((
                        events::id.eq(uuid::Uuid::now_v7().as_bytes().to_vec()),
                        events::at.eq(at),
                        events::kind.eq(if is_refused { "sign_in_failed" } else { "signed_in" }),
                        events::account_id.eq(Some(account)),
                        events::address.eq("192.0.2.1"),
                        events::user_agent.eq("\"quoted\""),
                        events::request_id.eq("0"),
                        events::occurrences.eq(1),
                        events::unauthenticated.eq(is_refused),
                    ))
                    .execute(conn)?;
            }
            Ok(())
        })
        .await;
    }

    /// Inserts active sessions of `account` that are older than every session of a client.
    pub async fn insert_sessions(&self, account: AccountId, count: u128) {
        use diesel::{ExpressionMethods, RunQueryDsl};
        use gatehouse::db::schema::sessions;
        let before = START.minus(Duration::from_secs(1));
        self.query(move |conn| {
            for number in 0..count {
                diesel::insert_into(sessions::table)
                    .values((
                        sessions::id.eq(number.to_be_bytes().to_vec()),
                        sessions::account_id.eq(account),
                        sessions::created_at.eq(before),
                        sessions::authenticated_at.eq(before),
                        sessions::last_seen_at.eq(before),
                        sessions::expires_at.eq(START.plus(Duration::from_hours(12))),
                        sessions::kind.eq("browser"),
                        sessions::address.eq("192.0.2.1"),
                        sessions::user_agent.eq(""),
                    ))
                    .execute(conn)?;
            }
            Ok(())
        })
        .await;
    }

    /// Writes buffered events and last-seen times to the database, as the background job does every second.
    pub async fn flush(&self) {
        maintenance::flush(&self.state).await;
    }

    /// Returns the kinds of all recorded events and their counts, in order of first occurrence.
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

    /// Returns how many events of one kind are recorded.
    pub async fn event_count(&self, kind: &str) -> i64 {
        self.events().await.iter().find(|(known, _)| known == kind).map_or(0, |(_, sum)| *sum)
    }

    /// Stops the server and waits for its thread.
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

async fn panicking_page() -> String {
    panic!("a handler panics with a secret inside: hunter2");
}

async fn added_page() -> &'static str {
    "a route that was added without an access rule"
}
