//! The pages below `/account`, one file for each.

mod activity;
mod delete;
mod export;
mod password;
mod profile;
mod sessions;
