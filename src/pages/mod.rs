//! The pages: one file each, with the name of its template and its test. A page turns a form into a call of a use case,
//! and the result into a response.

pub(crate) mod account;
pub(crate) mod admin;
pub(crate) mod app;
pub(crate) mod forgot;
pub(crate) mod health;
pub(crate) mod home;
pub(crate) mod language;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod register;
pub(crate) mod reset;
pub(crate) mod setup;
