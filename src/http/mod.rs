//! Between the socket and the page. A request passes `envelope` (its number, the cross-origin check, headers on the way
//! out), then `guard` (the session, the body, the form token), then its page. Knows accounts and sessions only through
//! their doors.

pub mod assets;
pub mod client;
pub mod cookies;
pub mod cross_origin;
pub mod device;
pub mod envelope;
pub mod flash;
pub mod form;
pub mod form_token;
pub mod guard;
pub mod headers;
pub mod next;
pub mod problem;
