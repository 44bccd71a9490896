//! The baseline for pages: a bare actix handler per path that returns the bytes and headers of a recorded response. It
//! reads no request header and no database, so it is a lower bound for any server on actix.

use std::{fs, path::Path, sync::Arc};

use actix_web::{
    App, HttpResponse, HttpServer,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
    web::{self, Bytes},
};
use serde::{Deserialize, Serialize};

use crate::wrk::Request;

/// A recorded response.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Response {
    pub path: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Response {
    /// Records the response of the server at `address`.
    pub fn fetch(address: &str, request: &Request) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = crate::support::client::Client::new(address);
            let mut sent = client.request(request.method, &request.path);
            for (name, value) in &request.headers {
                sent = sent.header(*name, value);
            }
            let response = client.send(sent).await;
            let mut headers: Vec<(String, String)> = response
                .headers
                .iter()
                // actix adds these two itself.
                .filter(|(name, _)| !matches!(name.as_str(), "date" | "content-length"))
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            headers.sort();
            Self { path: request.path.clone(), status: response.status, headers, body: response.body }
        })
    }
}

/// A response in the types that actix sends.
struct Prepared {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

/// Serves the responses recorded in a file until the process gets a signal to stop.
pub fn serve(file: &Path) {
    let responses: Vec<Response> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let server = HttpServer::new(move || {
        responses.iter().fold(App::new(), |app, response| {
            let prepared = Arc::new(Prepared {
                status: StatusCode::from_u16(response.status).unwrap(),
                headers: response
                    .headers
                    .iter()
                    .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()))
                    .collect(),
                body: Bytes::from(response.body.clone()),
            });
            app.route(
                &response.path,
                web::get().to(move || {
                    let prepared = Arc::clone(&prepared);
                    async move {
                        let mut response = HttpResponse::build(prepared.status);
                        for (name, value) in &prepared.headers {
                            response.append_header((name.clone(), value.clone()));
                        }
                        response.body(prepared.body.clone())
                    }
                }),
            )
        })
    })
    .bind("127.0.0.1:0")
    .unwrap();
    println!("Listening on http://{}", server.addrs()[0]);
    actix_web::rt::System::new().block_on(server.run()).unwrap();
}
