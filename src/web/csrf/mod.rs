//! Two locks on requests that change something: the request's origin, and a form field that is bound to the session.

pub mod origin;
pub mod token;
