//! Gatehouse with Python programs. Applications with the libraries whose clients it serves verify its tokens; they know
//! nothing of Gatehouse: only their configuration says whose tokens they take. Tools check the description of its JSON
//! API. `requirements.txt` pins libraries and tools, and `tests/run` installs them.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test binary has no public API, and a failed unwrap is its report"
)]

mod documentation;
mod flask_jwt_extended;
mod gatehouse;
mod openapi;
mod praetorian;
mod pyjwt;
mod python;
mod simplejwt;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
