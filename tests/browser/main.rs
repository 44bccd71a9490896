//! What a person sees, in a real Chromium: with scripts off where they walk, and on only where a test has to look inside.

mod attacks;
mod look;
#[path = "../support/mod.rs"]
mod support;
mod walks;
