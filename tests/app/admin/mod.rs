//! The pages below `/admin`, one file each.

mod account;
mod accounts;
mod activity;
mod apps;
mod invitations;
