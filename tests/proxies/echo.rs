//! An application that answers with what it received, and accepts WebSocket connections, on which it sends back what it
//! receives.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::json;

use crate::raw::Message;

/// What a server adds to the key of a WebSocket handshake (RFC 6455, 1.3).
const WEBSOCKET_SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const FORM: &str = "<!DOCTYPE html><title>Form</title><h1>A form</h1><form method=post action=/saved?draft=1>\
                    <label for=text>Text</label><input id=text name=text><button>Save</button></form>";

/// The running application.
pub struct Echo {
    pub port: u16,
    received: Arc<Mutex<Vec<Message>>>,
}

impl Echo {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::<Mutex<Vec<Message>>>::default();
        let log = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let log = Arc::clone(&log);
                thread::spawn(move || serve(stream, &log));
            }
        });
        Self { port, received }
    }

    /// Returns and forgets the requests that the application has received.
    pub fn take_received(&self) -> Vec<Message> {
        std::mem::take(&mut self.received.lock().unwrap())
    }
}

/// Answers one request.
fn serve(mut stream: TcpStream, log: &Mutex<Vec<Message>>) {
    let Ok(request) = Message::read(&mut stream) else { return };
    log.lock().unwrap().push(request.clone());
    if let Some(key) = request.header("sec-websocket-key") {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{WEBSOCKET_SUFFIX}").as_bytes());
        let accept = BASE64.encode(hash);
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut buffer = [0; 512];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            let _ = stream.write_all(&buffer[..length]);
        }
        return;
    }
    let (kind, body) = if request.line.starts_with("GET /form") {
        ("text/html", FORM.to_owned())
    } else {
        let headers: Vec<_> = request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        ("text/plain", json!({"line": request.line, "headers": headers, "body": request.body}).to_string())
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    );
    let body = if request.line.starts_with("HEAD ") { String::new() } else { body };
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}
