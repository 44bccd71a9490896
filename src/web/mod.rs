//! Between the socket and the page. A request passes `envelope` (its number, the cross-origin check, headers on the way
//! out), then `guard` (the session, the body, the form token), then its page. Knows accounts and sessions only through
//! their doors.

pub mod assets;
pub mod client_ip;
pub mod cookies;
pub mod csrf;
pub mod device_cookie;
pub mod error;
pub mod flash;
pub mod form;
pub mod guard;
pub mod layout;
pub mod messages;
pub mod middleware;
pub mod return_to;
pub mod security_headers;
pub mod state;
