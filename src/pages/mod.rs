//! The pages: one file each, with the name of its template and its test. A page turns a form into a call of a use case,
//! and the result into a response.

pub mod account;
pub mod health;
pub mod home;
pub mod login;
pub mod logout;
pub mod register;
