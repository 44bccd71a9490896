//! The JSON API, for programs. The same use cases as the pages, so the same rules and limits: no second way in.

pub(crate) mod jwks;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod openapi;
pub(crate) mod refresh;
pub(crate) mod register;
pub(crate) mod simplejwt;
pub(crate) mod status;
pub(crate) mod tokens;
pub(crate) mod user;
pub(crate) mod validate;
