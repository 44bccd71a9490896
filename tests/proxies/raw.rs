//! HTTP/1.1 over a bare socket, for requests that no library sends.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

/// How long to wait for an answer on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The head and the body of a request or an answer. Bytes beyond ASCII are those of Latin-1.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// The first line.
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Message {
    /// Returns the value of the first header with this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns the status of an answer. Zero is an answer that did not come.
    pub fn status(&self) -> u16 {
        self.line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_default()
    }

    /// Returns the value of a cookie that the answer sets.
    pub fn set_cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case("set-cookie"));
        let mut values =
            cookies.filter_map(|(_, cookie)| cookie.strip_prefix(name)?.strip_prefix('=')?.split(';').next());
        values.next()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Reads a message to its end, or until the other side closes the connection. Fails if there is none.
    pub fn read(stream: &mut impl Read) -> io::Result<Self> {
        let mut message = Self::read_head(stream)?;
        let has_body = !matches!(message.status(), 204 | 304 | 100..=199);
        let mut body = Vec::new();
        if message.header("transfer-encoding").is_some() {
            body = read_chunks(stream)?;
        } else if let Some(length) = message.header("content-length") {
            body.resize(length.parse().unwrap(), 0);
            stream.read_exact(&mut body)?;
        } else if message.line.starts_with("HTTP/") && has_body {
            stream.read_to_end(&mut body)?;
        }
        message.body = latin1(&body);
        Ok(message)
    }

    /// Reads the first line and the headers.
    pub fn read_head(stream: &mut impl Read) -> io::Result<Self> {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = latin1(&head);
        // As the most lenient parser does.
        let mut lines = head.split(['\r', '\n']).filter(|line| !line.is_empty());
        let line = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
        Ok(Self { line, headers, body: String::new() })
    }
}

fn read_chunks(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let (mut line, mut byte) = (Vec::new(), [0]);
        while !line.ends_with(b"\r\n") {
            stream.read_exact(&mut byte)?;
            line.push(byte[0]);
        }
        let length = usize::from_str_radix(latin1(&line).trim(), 16).map_err(io::Error::other)?;
        let start = body.len();
        body.resize(start + length + 2, 0);
        stream.read_exact(&mut body[start..])?;
        body.truncate(start + length);
        if length == 0 {
            return Ok(body);
        }
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// Opens a connection to a port of this machine.
pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream
}

/// Sends bytes and returns the answer. A connection that is closed without one gives an empty answer.
pub fn send(port: u16, request: &[u8]) -> Message {
    let mut stream = connect(port);
    // A proxy may refuse a request before it has read all of it.
    let _ = stream.write_all(request);
    Message::read(&mut stream).unwrap_or_default()
}

/// Returns a request without a body.
pub fn request(line: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    format!("{line} HTTP/1.1\r\n{headers}\r\n").chars().map(|letter| u8::try_from(letter).unwrap()).collect()
}
