//! `GET /api`: whether the API is on.

use actix_web::{HttpResponse, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::bearer::{Caller, answer};

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Status {
    /// The name of the site.
    #[schema(example = "Gatehouse")]
    name: String,
    /// Always `running`.
    #[schema(value_type = String, example = "running")]
    status: &'static str,
}

/// Whether the API is on
#[utoipa::path(get, path = "/api", operation_id = "status", responses((status = 200, body = Status)))]
pub(crate) async fn get(caller: Caller) -> HttpResponse {
    answer(StatusCode::OK, &Status { name: caller.state.settings.site_name.clone(), status: "running" })
}
