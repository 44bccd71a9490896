//! The behavior of Gatehouse through the real server and a real database, in one file for each page and one for each
//! concern of several pages. All tests are one binary, because Cargo links each file in `tests/` separately.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test binary has no public API, and a failed unwrap is its report"
)]

mod account;
mod admin;
mod api;
mod assets;
mod asvs;
mod cli;
mod command_line;
mod connections;
mod csrf;
mod database;
mod database_tls;
mod devices;
mod ended_session;
mod every_route;
mod foreign_hashes;
mod forgot;
mod forward_auth;
mod guard;
mod hashing;
mod health;
mod home;
mod languages;
mod layers;
mod log;
mod login;
mod logout;
mod manifest;
mod metrics;
mod middleware;
mod no_email;
mod packaging;
mod password_policy;
mod register;
mod reset;
mod sessions;
mod source;
#[path = "../support/mod.rs"]
mod support;
mod throttle;
mod throttle_networks;
mod transactions;
mod translations;
