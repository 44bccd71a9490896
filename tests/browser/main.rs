//! User flows, appearance and attacks in a real Chromium. Scripts are on only where a test has to inspect the page.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test binary has no public API, and a failed unwrap is its report"
)]

mod attacks;
mod flows;
mod imported;
#[path = "../support/mod.rs"]
mod support;
mod visual;
