//! The pages below `/account`, one file each.

pub mod activity;
pub mod delete;
pub mod export;
pub mod password;
pub mod profile;
pub mod sessions;
