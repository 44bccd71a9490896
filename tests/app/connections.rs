//! How long connections may wait, and how many there may be.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    process::Command,
    time::Duration,
};

use crate::{
    command_line::{Running, gatehouse, temp_dir},
    support::{TestApp, wait_until},
};

/// Longer than any time limit of a connection but one; in real time.
const PATIENCE: Duration = Duration::from_secs(20);

fn connect(address: &str) -> TcpStream {
    let socket = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Sends a request for a health check and reads the response. Returns `None` if the server closes the connection.
fn health_check(socket: &mut TcpStream) -> Option<()> {
    socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").ok()?;
    read_response(socket)
}

fn read_response(socket: &mut TcpStream) -> Option<()> {
    let (mut response, mut bytes) = (Vec::new(), [0; 4096]);
    while !response.ends_with(b"alive\n") {
        match socket.read(&mut bytes).ok()? {
            0 => return None,
            count => response.extend_from_slice(&bytes[..count]),
        }
    }
    assert!(response.starts_with(b"HTTP/1.1 200"));
    Some(())
}

/// Returns whether the server has closed the connection. A read or write must not block.
fn is_closed(outcome: &io::Result<usize>) -> bool {
    match outcome {
        Ok(count) => *count == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

#[tokio::test]
async fn later_request_head_has_half_a_minute_however_slowly_its_bytes_arrive() {
    let app = TestApp::spawn();
    let mut socket = connect(&app.address);
    health_check(&mut socket).unwrap();
    let started = app.clock.now();
    socket.write_all(b"GET /").unwrap();
    socket.set_nonblocking(true).unwrap();
    wait_until("the server closes the connection", Duration::from_mins(1), || {
        // Slow enough that the server, which looks every second, sees no more than a few seconds pass at once.
        app.clock.advance(Duration::from_millis(100));
        let _ = socket.write(b"a");
        is_closed(&socket.read(&mut [0])).then_some(())
    });
    assert!(app.clock.now().since(started) > Duration::from_secs(30), "not before half a minute");
}

/// Whether the server still holds its end of a connection (proc(5), `/proc/net/tcp`).
fn is_held_by_server(socket: &TcpStream) -> bool {
    let end = |address: io::Result<SocketAddr>| format!(":{:04X} ", address.unwrap().port());
    let ends = (end(socket.peer_addr()), end(socket.local_addr()));
    fs::read_to_string("/proc/net/tcp").unwrap().lines().any(|line| {
        let (local, rest) = line.split_once(&ends.0).unwrap_or_default();
        // The server's address comes first; 01 is ESTABLISHED.
        !local.contains(&ends.1) && rest.contains(&format!("{}01 ", ends.1))
    })
}

#[tokio::test]
async fn client_that_stops_reading_a_response_is_disconnected() {
    let folder = tempfile::Builder::new().prefix("gatehouse-test-").tempdir().unwrap();
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/static")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    // More than the system holds for a client.
    File::create(folder.path().join("large.css")).unwrap().set_len(1 << 26).unwrap();
    let app = TestApp::with(&["--static-dir", folder.path().to_str().unwrap()]);
    let mut socket = connect(&app.address);
    socket.write_all(b"GET /static/large.css HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    socket.read_exact(&mut [0; 12]).unwrap();
    assert!(is_held_by_server(&socket));
    wait_until("the server closes the connection", PATIENCE, || {
        app.clock.advance(Duration::from_secs(1));
        (!is_held_by_server(&socket)).then_some(())
    });
}

#[tokio::test]
async fn client_that_reads_no_responses_is_disconnected() {
    let app = TestApp::spawn();
    let mut socket = connect(&app.address);
    socket.set_nonblocking(true).unwrap();
    let requests = "GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
    // The server reads no further requests once the system takes no more responses. Then it closes the connection.
    wait_until("the server closes the connection", PATIENCE, || {
        app.clock.advance(Duration::from_secs(1));
        is_closed(&socket.write(requests.as_bytes())).then_some(())
    });
}

/// Returns a command that runs the binary with a limit of open files, as `ulimit` sets it.
fn with_file_limit(dir: &tempfile::TempDir, ulimit: &str) -> Command {
    let binary = gatehouse(dir.path());
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit {ulimit}; exec \"$0\"")).arg(binary.get_program()).current_dir(dir.path());
    for (name, value) in binary.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command
}

#[tokio::test]
async fn stalled_connections_do_not_keep_out_new_ones() {
    let dir = temp_dir();
    let running = Running::start(&mut with_file_limit(&dir, "-n 256"));
    let head = format!("Host: localhost\r\nOrigin: {}\r\n", running.address);
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nlogin=";
    for (case, after_a_request, bytes) in [
        ("first byte of a second head", true, "G".to_owned()),
        ("no byte", false, String::new()),
        ("first head", false, format!("GET /login HTTP/1.1\r\n{head}")),
        ("body", false, format!("POST /login HTTP/1.1\r\n{head}{form}")),
    ] {
        let stalled: Vec<_> = (0..300)
            .map(|_| {
                let mut socket = connect(&running.address);
                if after_a_request {
                    health_check(&mut socket).unwrap_or_else(|| panic!("{case}: a new connection is served"));
                }
                socket.write_all(bytes.as_bytes()).unwrap();
                socket
            })
            .collect();
        let mut socket = connect(&running.address);
        // Shorter than the time limit of a first head, after which there would be room for new connections anyway.
        socket.set_read_timeout(Some(Duration::from_secs(4))).unwrap();
        assert!(health_check(&mut socket).is_some(), "{case}");
        drop(stalled);
    }
}

#[tokio::test]
async fn limit_of_open_files_is_raised_as_far_as_allowed() {
    let dir = temp_dir();
    let running = Running::start(&mut with_file_limit(&dir, "-S -n 200"));
    let limits = fs::read_to_string(format!("/proc/{}/limits", running.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let values: Vec<_> = line.split_whitespace().skip(3).take(2).collect();
    assert_eq!(values[0], values[1], "{line}");
    assert_ne!(values[0], "200", "{line}");
}
