//! `/healthz` and `/readyz`, for monitoring. Without versions and error texts.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use crate::web::{error::Problem, probe, state::AppState};

/// `GET /healthz`: the process is alive. A holder of the signing secret also learns what the server saw of the request.
pub(crate) async fn alive(req: HttpRequest, state: Data<AppState>) -> HttpResponse {
    text(probe::answer(&req, &state).unwrap_or_else(|| "alive\n".to_owned()))
}

/// `GET /readyz`: the database answers.
pub(crate) async fn ready(state: Data<AppState>) -> Result<HttpResponse, Problem> {
    state.core.database.ping().await?;
    Ok(text("ready\n".to_owned()))
}

fn text(body: String) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(body)
}
