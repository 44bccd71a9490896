//! Gatehouse: a login, registration and account server.
//!
//! The modules stand in the order of their layers. A request passes them top down; no module imports from one above it,
//! and `tests/app/layers.rs` checks that.

/// The command line: one file for each command.
pub mod cli;

/// Builds the server, binds, runs and drains.
pub mod server;

/// `/metrics` for Prometheus.
pub(crate) mod metrics;

/// Writes, reads again and cleans up in the background.
pub mod maintenance;

/// The one table of URLs, guarded by default.
pub mod routes;

/// One file for each page.
pub(crate) mod pages;

/// The JSON API: one file for each endpoint.
pub(crate) mod api;

/// Everything that speaks HTTP and is not a page.
pub mod web;

/// Use cases: register, authenticate, change, delete.
pub mod accounts;

/// Access tokens for programs.
pub mod tokens;

/// Sessions: create, check, revoke.
pub mod sessions;

/// The applications behind this server.
pub mod apps;

/// Limits on attempts.
pub(crate) mod throttle;

/// Passwords: hashing threads and the policy for new ones.
pub mod passwords;

/// What every domain needs, in one value.
pub mod core;

/// The one way to change accounts and sessions.
pub mod transaction;

/// The activity log.
pub mod events;

/// Both databases behind `read` and `write`.
pub mod db;

/// The signing secret and the keys derived from it.
pub(crate) mod keys;

/// All settings.
pub mod config;

/// Who an account is: values without I/O.
pub mod identity;

/// Threads for blocking work, with a bounded queue.
pub(crate) mod worker_pool;

/// The log on standard error.
pub(crate) mod telemetry;

/// The id of the current request.
pub(crate) mod request_id;

/// The languages of the pages.
pub mod language;

/// Address, network and browser of a client.
pub mod client;

/// Time, which tests can move.
pub mod clock;

/// Random bytes.
pub(crate) mod random;
