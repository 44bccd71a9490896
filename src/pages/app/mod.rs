//! Applications behind a reverse proxy: whether a request may pass, and how a browser gets a session there.
//!
//! A guest at `https://wiki.example` is redirected to `/.gatehouse/start` there, which is [`handover::start`], and from
//! there to `/continue/wiki` on the own host of Gatehouse ([`enter::get`]), which asks to sign in. The way back leads
//! through `/.gatehouse/callback` ([`handover::callback`]), which sets the cookie that [`verify`] looks for.

pub(crate) mod enter;
pub(crate) mod handover;
pub(crate) mod verify;
