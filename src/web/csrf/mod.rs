//! Two checks on requests that change something: the origin of the request, and a form field that is bound to the
//! session.

pub(crate) mod origin;
pub(crate) mod token;
