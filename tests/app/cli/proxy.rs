//! A small reverse proxy that changes the lines of each request head.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::Arc,
    thread,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// Changes the lines of a request head.
pub type Change = fn(&mut Vec<String>);

/// Starts a proxy to `upstream` and returns its URL.
pub fn proxy(upstream: &str, change: Change) -> String {
    let (listener, upstream) = (TcpListener::bind("127.0.0.1:0").unwrap(), upstream.to_owned());
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            pass(&mut client, &upstream, change);
        }
    });
    url
}

/// Starts a proxy that answers every request as `upstream` has answered the first.
pub fn caching_proxy(upstream: &str) -> String {
    let (listener, upstream) = (TcpListener::bind("127.0.0.1:0").unwrap(), upstream.to_owned());
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut cached = None;
        for mut client in listener.incoming().map_while(Result::ok) {
            let Some(lines) = read_head(&mut client) else { continue };
            let _ = client.write_all(cached.get_or_insert_with(|| answer(&lines, &upstream)));
        }
    });
    url
}

/// A proxy for https that does not serve yet: a server needs its URL to start.
pub struct TlsProxy {
    pub url: String,
    listener: TcpListener,
    config: Arc<ServerConfig>,
}

impl TlsProxy {
    /// Returns a proxy with a certificate that nothing trusts, and writes the certificate to `file`.
    pub fn bind(file: &Path) -> Self {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(file, certified.cert.pem()).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        Self { url, listener, config: Arc::new(config) }
    }

    /// Starts to pass requests to `upstream`.
    pub fn serve(self, upstream: &str, change: Change) {
        let upstream = upstream.to_owned();
        thread::spawn(move || {
            for client in self.listener.incoming().map_while(Result::ok) {
                let connection = ServerConnection::new(Arc::clone(&self.config)).unwrap();
                pass(&mut StreamOwned::new(connection, client), &upstream, change);
            }
        });
    }
}

/// Passes one request and its answer.
fn pass(client: &mut (impl Read + Write), upstream: &str, change: Change) {
    let Some(mut lines) = read_head(client) else { return };
    change(&mut lines);
    let _ = client.write_all(&answer(&lines, upstream)).and_then(|()| client.flush());
}

/// Returns the lines of the next request head, or `None` if the client ends the connection.
fn read_head(client: &mut impl Read) -> Option<Vec<String>> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    Some(head.trim_end().lines().map(str::to_owned).chain(["connection: close".to_owned()]).collect())
}

/// Sends a request head to `upstream` and returns the whole answer.
fn answer(lines: &[String], upstream: &str) -> Vec<u8> {
    let mut server = TcpStream::connect(upstream.trim_start_matches("http://")).unwrap();
    server.write_all(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes()).unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).unwrap();
    answer
}
