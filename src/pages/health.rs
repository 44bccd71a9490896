//! `/healthz` and `/readyz`, for monitoring. Without versions and error texts.

use actix_web::{HttpResponse, web::Data};

use crate::web::{error::Problem, state::AppState};

/// `GET /healthz`: the process is alive.
pub(crate) async fn alive() -> HttpResponse {
    text("alive\n")
}

/// `GET /readyz`: the database answers.
pub(crate) async fn ready(state: Data<AppState>) -> Result<HttpResponse, Problem> {
    state.core.database.ping().await?;
    Ok(text("ready\n"))
}

fn text(body: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(body)
}
