//! Applications with the Python libraries whose clients Gatehouse serves verify its tokens. They know nothing of
//! Gatehouse: only their configuration says whose tokens they take. `requirements.txt` pins the libraries, and
//! `tests/run` installs them.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test binary has no public API, and a failed unwrap is its report"
)]

mod documentation;
mod flask_jwt_extended;
mod gatehouse;
mod praetorian;
mod pyjwt;
mod python;
mod simplejwt;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
