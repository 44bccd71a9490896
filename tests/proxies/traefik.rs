//! A model of Traefik 3, which is not packaged for Debian: what its source does with the middlewares that
//! `gatehouse proxy-config` uses (`pkg/middlewares/auth/forward.go`, `connectionheader.go`, `headers/header.go` and
//! `replacepathregex`). It reads the printed configuration, one line for each value.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use crate::raw::{self, Message};

/// The headers that are not passed on, except for an upgrade.
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy-connection",
    "proxy-authenticate",
];

/// What the model reads of the configuration.
struct Config {
    host: String,
    /// The headers that are dropped from every request.
    dropped: Vec<String>,
    /// The headers that the answer of a question sets.
    copied: Vec<String>,
    /// The address of the question.
    question: String,
    /// What replaces `/.gatehouse/`.
    prefix: String,
    app: u16,
    gatehouse: u16,
}

impl Config {
    fn parse(text: &str) -> Self {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let value = |key: &str| {
            let line =
                lines.iter().find_map(|line| line.strip_prefix(key)).unwrap_or_else(|| panic!("no {key} in {text}"));
            line.trim().trim_matches(['"', '\'']).to_owned()
        };
        let section = |start: &'static str| lines.iter().skip_while(move |line| **line != start).skip(1);
        let dropped = section("customRequestHeaders:").map_while(|line| line.strip_suffix(": \"\""));
        let copied = section("authResponseHeaders:").map_while(|line| line.strip_prefix("- "));
        let urls = lines.iter().filter_map(|line| line.strip_prefix("- url: "));
        let ports: Vec<u16> =
            urls.map(|url| url.trim_matches('"').rsplit(':').next().unwrap().parse().unwrap()).collect();
        assert_eq!(value("trustForwardHeader:"), "false");
        assert_eq!(value("regex:"), r"^/\.gatehouse/(.*)");
        Self {
            host: value("rule: Host(`").split('`').next().unwrap().to_owned(),
            dropped: dropped.map(str::to_owned).collect(),
            copied: copied.map(str::to_owned).collect(),
            question: value("address:"),
            prefix: value("replacement:").strip_suffix("$1").unwrap().to_owned(),
            app: ports[0],
            gatehouse: ports[1],
        }
    }
}

/// Starts the model with a printed configuration. It stops with the test process.
pub fn start(config: &str, port: u16) {
    let config = Arc::new(Config::parse(config));
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let config = Arc::clone(&config);
            thread::spawn(move || serve(&config, client));
        }
    });
}

fn serve(config: &Config, mut client: TcpStream) {
    let Ok(mut request) = Message::read(&mut client) else { return };
    let line = request.line.clone();
    let Some((method, target)) = line.strip_suffix(" HTTP/1.1").and_then(|line| line.split_once(' ')) else { return };
    let is_plain = |byte: u8| byte.is_ascii_graphic();
    let host = request.header("host").unwrap_or_default().to_lowercase();
    // As `net/http` does.
    if !target.starts_with('/')
        || !target.bytes().all(is_plain)
        || request.headers.iter().any(|(_, value)| value.contains('\0'))
    {
        return answer(
            &mut client,
            method,
            &Message { line: "HTTP/1.1 400 Bad Request".to_owned(), ..Message::default() },
        );
    }
    if host.split(':').next() != Some(config.host.as_str()) {
        return answer(
            &mut client,
            method,
            &Message { line: "HTTP/1.1 404 Not Found".to_owned(), ..Message::default() },
        );
    }
    // The entry point removes what an untrusted client says of proxies, and sets its own.
    remove(&mut request, |name| name.starts_with("x-forwarded-") || name == "x-real-ip" || name == "forwarded");
    let peer = client.peer_addr().unwrap().ip().to_string();
    for (name, value) in
        [("X-Forwarded-For", peer.as_str()), ("X-Forwarded-Host", &host), ("X-Forwarded-Proto", "http")]
    {
        request.headers.push((name.to_owned(), value.to_owned()));
    }
    for name in &config.dropped {
        remove(&mut request, |header| header == name.to_lowercase());
    }
    remove_connection_headers(&mut request);
    if let Some(rest) = target.strip_prefix("/.gatehouse/") {
        request.line = format!("{method} {}{rest} HTTP/1.1", config.prefix);
        return pass(&mut client, method, &request, config.gatehouse);
    }
    let refusal = ask(config, method, target, &request);
    let permission = match refusal {
        answer if answer.status() / 100 == 2 => answer,
        refusal => return answer(&mut client, method, &refusal),
    };
    for name in &config.copied {
        remove(&mut request, |header| header == name.to_lowercase());
        if let Some(value) = permission.header(name) {
            request.headers.push((name.clone(), value.to_owned()));
        }
    }
    pass(&mut client, method, &request, config.app);
}

/// Asks the authentication server.
fn ask(config: &Config, method: &str, target: &str, request: &Message) -> Message {
    let (address, path) = config.question.trim_start_matches("http://").split_once('/').unwrap();
    let mut question = request.clone();
    remove(&mut question, |name| HOP_BY_HOP.contains(&name) || matches!(name, "content-length" | "host"));
    let own = [("Host", address), ("X-Forwarded-Method", method), ("X-Forwarded-Uri", target), ("Connection", "close")];
    let headers: Vec<_> =
        question.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(own).collect();
    let Ok(mut server) = TcpStream::connect(address) else { return failed() };
    server.write_all(&raw::request(&format!("GET /{path}"), &headers)).unwrap();
    Message::read(&mut server).unwrap_or_else(|_| failed())
}

fn failed() -> Message {
    Message { line: "HTTP/1.1 500 Internal Server Error".to_owned(), ..Message::default() }
}

/// Removes the headers that `Connection` names.
fn remove_connection_headers(request: &mut Message) {
    let connection = request.header("connection").unwrap_or_default().to_lowercase();
    let names: Vec<_> = connection.split(',').map(str::trim).collect();
    let upgrade = request.header("upgrade").filter(|_| names.contains(&"upgrade")).map(str::to_owned);
    remove(request, |name| names.contains(&name) || HOP_BY_HOP.contains(&name) && name != "transfer-encoding");
    if let Some(upgrade) = upgrade {
        request.headers.extend([("Connection".to_owned(), "Upgrade".to_owned()), ("Upgrade".to_owned(), upgrade)]);
    }
}

fn remove(request: &mut Message, is_removed: impl Fn(&str) -> bool) {
    request.headers.retain(|(name, _)| !is_removed(&name.to_lowercase()));
}

/// Passes a request on, and the answer back.
fn pass(client: &mut TcpStream, method: &str, request: &Message, port: u16) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)) else { return answer(client, method, &failed()) };
    let mut request = request.clone();
    let is_upgrade = request.header("upgrade").is_some();
    if !is_upgrade {
        remove(&mut request, |name| matches!(name, "connection" | "transfer-encoding" | "content-length"));
        request.headers.push(("Connection".to_owned(), "close".to_owned()));
        request.headers.push(("Content-Length".to_owned(), request.body.chars().count().to_string()));
    }
    let headers: Vec<_> = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let line = request.line.strip_suffix(" HTTP/1.1").unwrap();
    server.write_all(&raw::request(line, &headers)).unwrap();
    server.write_all(&latin1(&request.body)).unwrap();
    if !is_upgrade {
        return match Message::read(&mut server) {
            Ok(message) => answer(client, method, &message),
            Err(_) => answer(client, method, &failed()),
        };
    }
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Both);
    });
    let _ = std::io::copy(&mut server, client);
}

/// Sends an answer to the client.
fn answer(client: &mut TcpStream, method: &str, message: &Message) {
    let mut message = message.clone();
    remove(&mut message, |name| HOP_BY_HOP.contains(&name) || name == "content-length");
    let body = if method == "HEAD" { Vec::new() } else { latin1(&message.body) };
    let headers: Vec<_> = message.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    let head = format!("{}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", message.line, body.len());
    let _ = client.write_all(&[latin1(&head), body].concat());
    let _ = client.shutdown(Shutdown::Write);
    let _ = client.read(&mut [0; 512]);
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(letter).unwrap()).collect()
}
