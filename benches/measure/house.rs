//! The data that a server is measured over: a folder, a database, the accounts and sessions in it.

use std::{path::Path, sync::Arc};

use actix_web::web::Data;
use gatehouse::{
    client::Client,
    db::AnyConnection,
    passwords::Hasher,
    server::{Application, Fittings},
    web::state::App,
};
use tempfile::TempDir;

use crate::{seed, server::Server, support};

/// A cookie with a signature of another's: as long and as well written as ours, so that it has to be computed to be refused.
pub fn forged(session: &str) -> String {
    let (signed, signature) = session.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{first}{}", &signature[1..])
}

/// See the module.
pub struct House {
    folder: TempDir,
    database: String,
}

impl House {
    /// Over a new folder, and SQLite in it or the database of this URL.
    pub fn empty(database: &str) -> Self {
        let house = Self { folder: tempfile::tempdir().unwrap(), database: database.to_owned() };
        house.with(async |_| ());
        house
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command line of a server over this data.
    fn flags(&self) -> Vec<&str> {
        if self.database.is_empty() { Vec::new() } else { vec!["--database-url", &self.database] }
    }

    /// A process that serves it.
    pub fn serve(&self, flags: &[&str]) -> Server {
        Server::gatehouse(self.folder(), &[self.flags().as_slice(), flags].concat())
    }

    /// Works on it with Gatehouse's own means, while no process serves it.
    pub fn with<T>(&self, work: impl AsyncFnOnce(&Data<App>) -> T) -> T {
        let folder = self.folder().display().to_string();
        let assets = concat!(env!("CARGO_MANIFEST_DIR"), "/static");
        let mut line = vec!["--listen", "127.0.0.1:0", "--data-dir", &folder, "--static-dir", assets];
        line.extend(self.flags());
        let settings = support::settings(&line);
        actix_web::rt::System::new().block_on(async move {
            let app = Application::build(&settings, Fittings::default()).unwrap().app();
            work(&app).await
        })
    }

    /// Adds so many accounts, each with a session and an event.
    pub fn fill(&self, accounts: u64) {
        let settings = support::settings(&[]);
        self.with(async |app| {
            let permit = Hasher::start(&settings).unwrap().try_reserve(Client::local().network()).unwrap();
            let hash = permit.hash(gatehouse::passwords::Password::parse(support::PASSWORD).unwrap()).await.unwrap();
            seed::fill(&app.database, &hash, accounts).await;
        });
    }

    /// Opens a session for each of these accounts, as signing in does; returns their cookies.
    pub fn open_sessions(&self, numbers: impl Iterator<Item = u64> + Clone + Send + 'static) -> Vec<String> {
        self.with(async |app| {
            let sessions = Arc::clone(&app.sessions);
            let open = move |conn: &mut AnyConnection| {
                let open = |number| {
                    sessions.open(conn, seed::account(number), false, &seed::previously(), None, &Client::local())
                };
                numbers.clone().map(open).collect::<Result<Vec<_>, _>>()
            };
            let opened = app.database.write(open).await.unwrap();
            opened.iter().map(|opened| format!("session={}", app.sessions.token(opened))).collect()
        })
    }
}
