//! The data that a server is measured with: a data folder and a database with accounts and sessions.

use std::{path::Path, sync::Arc};

use actix_web::web::Data;
use gatehouse::{
    client::Client,
    db,
    passwords::{Hasher, Priority},
    server::{Application, TestHooks},
    sessions::SessionRequest,
    transaction::Transaction,
    web::state::AppState,
};
use tempfile::TempDir;

use crate::{seed, server::Server, support};

/// Returns a session cookie with a wrong signature. It has the right length and encoding, so the server has to compute
/// the signature to reject it.
pub fn forged(session: &str) -> String {
    let (signed, signature) = session.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{first}{}", &signature[1..])
}

/// A data folder and a database URL; an empty URL means SQLite in the folder.
pub struct Fixture {
    folder: TempDir,
    database: String,
}

impl Fixture {
    /// Creates a new data folder and migrates the database: this URL, or SQLite in the folder if it is empty.
    pub fn empty(database: &str) -> Self {
        let fixture = Self { folder: tempfile::tempdir().unwrap(), database: database.to_owned() };
        fixture.with_app(async |_| ());
        fixture
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the flags that select this database.
    fn flags(&self) -> Vec<&str> {
        if self.database.is_empty() { Vec::new() } else { vec!["--database-url", &self.database] }
    }

    /// Starts a Gatehouse process with this data.
    pub fn serve(&self, flags: &[&str]) -> Server {
        Server::gatehouse(self.folder(), &[self.flags().as_slice(), flags].concat())
    }

    /// Runs `work` with an application built in this process. No other process may serve this data at the same time.
    pub fn with_app<T>(&self, work: impl AsyncFnOnce(&Data<AppState>) -> T) -> T {
        let folder = self.folder().display().to_string();
        let mut line = vec!["--listen", "127.0.0.1:0", "--data-dir", &folder];
        line.extend(self.flags());
        let settings = support::settings(&line);
        actix_web::rt::System::new().block_on(async move {
            let state = Application::build(settings, TestHooks::default()).unwrap().state();
            work(&state).await
        })
    }

    /// Inserts this number of accounts, each with one session and one event.
    pub fn fill(&self, accounts: u64) {
        let settings = support::settings(&[]);
        self.with_app(async |app| {
            let hasher = Hasher::start(&settings).unwrap();
            let permit = hasher.try_reserve(Client::local().network(), Priority::UnknownDevice).unwrap();
            let hash = permit.hash(gatehouse::passwords::Password::parse(support::PASSWORD).unwrap()).await.unwrap();
            seed::fill(&app.core.database, &hash, accounts).await;
        });
    }

    /// Creates a session for each of these accounts, as a sign-in does, and returns their `Cookie` headers.
    pub fn create_sessions(&self, numbers: impl Iterator<Item = u64> + Clone + Send + 'static) -> Vec<String> {
        self.with_app(async |app| {
            let sessions = Arc::clone(&app.sessions);
            let create_all = move |tx: &mut Transaction<'_>| {
                let request = SessionRequest::browser(false, None);
                let create = |number| sessions.create(tx, seed::account(number), &request, &seed::previous_sign_in());
                Ok::<_, db::Error>(numbers.clone().map(create).collect::<Result<Vec<_>, _>>()?)
            };
            let created = app.core.transactions.run(&Client::local(), create_all).await.unwrap();
            created.iter().map(|session| format!("session={}", app.sessions.token(session))).collect()
        })
    }
}
