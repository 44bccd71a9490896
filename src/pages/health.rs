//! For whoever watches the server: does it live, does its database answer. Says nothing else, no versions and no causes.

use actix_web::{HttpResponse, web::Data};
use diesel::{RunQueryDsl, select, sql_types::Integer};

use crate::{web::error::Problem, web::state::App};

/// `GET /healthz`
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("alive\n")
}

/// `GET /readyz`
pub async fn ready(app: Data<App>) -> Result<HttpResponse, Problem> {
    app.database.read(|conn| select(diesel::dsl::sql::<Integer>("1")).get_result::<i32>(conn)).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"))
}
