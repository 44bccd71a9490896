//! Everything that speaks HTTP and is not a page. A request passes `middleware` (request id, host and origin check,
//! error pages, security headers), then `guard` (session, body, CSRF token), then its page. Requests of programs and
//! reverse proxies do not pass `guard`.

pub(crate) mod app_request;
pub(crate) mod assets;
pub(crate) mod bearer;
pub(crate) mod client_ip;
pub(crate) mod connections;
pub mod cookies;
pub(crate) mod cors;
pub(crate) mod csrf;
pub(crate) mod device_cookie;
pub(crate) mod display_time;
pub(crate) mod error;
pub(crate) mod error_page;
pub mod exclusive;
pub(crate) mod flash;
pub(crate) mod form;
pub mod guard;
pub(crate) mod handover;
pub(crate) mod host;
pub(crate) mod identity_headers;
pub(crate) mod json;
pub(crate) mod language;
pub(crate) mod layout;
pub mod messages;
pub(crate) mod middleware;
pub(crate) mod probe;
pub(crate) mod problem_json;
pub(crate) mod render;
pub(crate) mod request_info;
pub(crate) mod request_metrics;
pub(crate) mod return_to;
pub(crate) mod security_headers;
pub mod state;
pub(crate) mod statistics;
pub(crate) mod user_agent;
