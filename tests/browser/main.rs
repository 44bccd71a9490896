//! What a person sees, in a real Chromium: with scripts off where they walk, and on only where a test has to look inside.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test binary has no public, and a broken unwrap is its report"
)]

mod attacks;
mod flows;
#[path = "../support/mod.rs"]
mod support;
mod visual;
