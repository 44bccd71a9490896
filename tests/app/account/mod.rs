//! The pages below `/account`, one file for each.

mod activity;
mod delete;
mod export;
mod password;
mod profile;
mod sessions;

use crate::support::client::{Answer, Client};

/// A form of a signed-in page, as a browser sends it.
pub async fn submit(client: &Client, path: &str, fields: &[(&str, &str)]) -> Answer {
    let token = client.csrf_token().await;
    client.post(path, &[&[("csrf_token", token.as_str())], fields].concat()).await
}
