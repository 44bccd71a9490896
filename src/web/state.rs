//! What every request may use, made once by `server`.

use std::{sync::Arc, time::Duration};

use ipnet::IpNet;

use crate::{
    accounts::Accounts,
    clock::Clock,
    db::Database,
    events::Notes,
    keys::Keys,
    sessions::Sessions,
    web::{assets::Assets, cookies::Jar},
};

/// The application, shared by all workers.
pub struct App {
    /// Shown in titles and headings.
    pub site_name: Arc<str>,
    /// The one origin that people see, as browsers write it.
    pub origin: String,
    /// Whether browsers reach us over TLS.
    pub https: bool,
    /// How cookies are called and written.
    pub jar: Jar,
    /// Proxies that are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long it is kept what happened.
    pub events_kept: Duration,
    /// The style sheet and the pictures.
    pub assets: Assets,
    /// What time it is.
    pub clock: Clock,
    /// Keys for every purpose.
    pub keys: Arc<Keys>,
    /// The database.
    pub database: Database,
    /// Events that anybody can cause.
    pub notes: Arc<Notes>,
    /// All sessions.
    pub sessions: Arc<Sessions>,
    /// All accounts.
    pub accounts: Accounts,
}
