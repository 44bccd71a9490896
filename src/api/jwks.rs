//! `GET /.well-known/jwks.json`: the public keys of access tokens (RFC 7517).

use actix_web::{HttpResponse, http::header::CACHE_CONTROL, web::Data};

use crate::web::{error::Problem, state::AppState};

/// The path.
pub(crate) const PATH: &str = "/.well-known/jwks.json";

/// `GET /.well-known/jwks.json`. A key is published for a day before it signs, so an hour in a cache does no harm.
pub(crate) async fn get(state: Data<AppState>) -> Result<HttpResponse, Problem> {
    let keys = state.access_tokens.public_keys().await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .content_type("application/json")
        .body(keys))
}
