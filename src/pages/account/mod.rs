//! The pages below `/account`, one file each.

pub(crate) mod activity;
pub(crate) mod delete;
pub(crate) mod export;
pub(crate) mod password;
pub(crate) mod profile;
pub(crate) mod sessions;
