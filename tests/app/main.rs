//! What Gatehouse promises, through the real server and a real database. One file for each page, and one for each thing
//! that goes across pages. One binary, because each file in `tests/` would be linked by itself.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test binary has no public, and a broken unwrap is its report"
)]

mod account;
mod assets;
mod asvs;
mod command_line;
mod csrf;
mod database;
mod guard;
mod hashing;
mod health;
mod home;
mod log;
mod login;
mod logout;
mod middleware;
mod register;
mod sessions;
#[path = "../support/mod.rs"]
mod support;
mod throttle;
