//! Gatehouse: a login, registration and account server.
//!
//! This page is the map. A request goes down these floors and its answer comes back up; nothing below knows what is above.

pub mod accounts;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod db;
pub mod events;
pub mod keys;
pub mod pages;
pub mod passwords;
pub mod random;
pub mod request_id;
pub mod routes;
pub mod server;
pub mod sessions;
pub mod telemetry;
pub mod throttle;
pub mod web;
pub mod worker_pool;
