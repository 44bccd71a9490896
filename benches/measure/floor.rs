//! The floor: a bare actix handler for each path that answers the same bytes and headers as Gatehouse did. Nothing is
//! looked at, nothing is written: no server that uses actix can do the same in less.

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

/// An answer to be given again and again.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Answer {
    pub path: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// What the server at `address` answers to this path and cookie.
    pub fn fetch(address: &str, path: &str, cookie: Option<&str>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = crate::support::client::Client::new(address);
            let mut request = client.request("GET", path);
            if let Some(cookie) = cookie {
                request = request.header("cookie", cookie);
            }
            let answer = client.send(request).await;
            let mut headers: Vec<(String, String)> = answer
                .headers
                .iter()
                // These two are actix's own.
                .filter(|(name, _)| !matches!(name.as_str(), "date" | "content-length"))
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            headers.sort();
            Self { path: path.to_owned(), status: answer.status, headers, body: answer.body }
        })
    }
}

struct Ready {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

/// Serves the answers of a file until the process is told to stop.
pub fn serve(file: &Path) {
    let answers: Vec<Answer> = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let server = HttpServer::new(move || {
        answers.iter().fold(App::new(), |app, answer| {
            let ready = Arc::new(Ready {
                status: StatusCode::from_u16(answer.status).unwrap(),
                headers: answer
                    .headers
                    .iter()
                    .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()))
                    .collect(),
                body: Bytes::from(answer.body.clone()),
            });
            app.route(
                &answer.path,
                web::get().to(move || {
                    let ready = Arc::clone(&ready);
                    async move {
                        let mut response = HttpResponse::build(ready.status);
                        for (name, value) in &ready.headers {
                            response.append_header((name.clone(), value.clone()));
                        }
                        response.body(ready.body.clone())
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
