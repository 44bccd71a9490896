//! Everything that speaks HTTP and is not a page. A request passes `middleware` (request id, origin check, error pages,
//! security headers), then `guard` (session, body, CSRF token), then its page.

pub mod assets;
pub mod client_ip;
pub mod cookies;
pub mod csrf;
pub mod device_cookie;
pub mod display_time;
pub mod error;
pub mod error_page;
pub mod flash;
pub mod form;
pub mod guard;
pub mod layout;
pub mod messages;
pub mod middleware;
pub mod render;
pub mod return_to;
pub mod security_headers;
pub mod state;
pub mod user_agent;
