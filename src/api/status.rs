//! `GET /api`: whether the API is on.

use actix_web::{HttpResponse, http::StatusCode};
use serde::Serialize;

use crate::web::bearer::{Caller, answer};

/// The answer.
#[derive(Debug, Serialize)]
struct Status<'a> {
    /// The name of the site.
    name: &'a str,
    status: &'static str,
}

/// `GET /api`
pub(crate) async fn get(caller: Caller) -> HttpResponse {
    answer(StatusCode::OK, &Status { name: &caller.state.settings.site_name, status: "running" })
}
