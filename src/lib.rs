//! Gatehouse: a login, registration and account server.
//!
//! This page is the map. A request goes down these floors and its answer comes back up; nothing below knows what is above.

pub mod accounts;
pub mod app;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod crew;
pub mod db;
pub mod events;
pub mod http;
pub mod keys;
pub mod log;
pub mod pages;
pub mod passwords;
pub mod random;
pub mod routes;
pub mod server;
pub mod sessions;
pub mod throttle;
pub mod words;
