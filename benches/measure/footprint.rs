//! Memory at rest, time from start to the first page, bytes of a first visit, size of the binary.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::{
    Rounds,
    fixture::Fixture,
    table::{Goal, Table, median, milliseconds},
};

pub fn measure(rounds: Rounds, table: &mut Table) {
    let fixture = Fixture::empty("");
    let (mut memory, mut starts, mut visits) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..4 * rounds.count {
        let began = Instant::now();
        let server = fixture.serve(&[]);
        let page = fetch(&server.address, "/login");
        starts.push(began.elapsed());
        // A browser loads the page and the static files that it links to.
        let mut links: Vec<&str> =
            page.split('"').filter(|text| text.starts_with("/static/") && !text.contains(' ')).collect();
        links.sort_unstable();
        links.dedup();
        let visit = page.len() + links.iter().map(|path| fetch(&server.address, path).len()).sum::<usize>();
        visits.push(visit as f64 / 1000.0);
        memory.push(server.memory("VmRSS"));
    }
    let bytes = fs::metadata(env!("CARGO_BIN_EXE_gatehouse")).unwrap().len();
    table.add("resident memory at rest, after a first visit", "", "", (median(memory), " MiB"), Goal::AtMost(20.0));
    let start: Duration = median(starts);
    table.add(
        "start to first page, with an existing database",
        milliseconds(start),
        "",
        (start.as_secs_f64() * 1e3, " ms"),
        Goal::AtMost(100.0),
    );
    table.add("first visit, all responses with headers", "", "", (median(visits), " kB"), Goal::AtMost(14.0));
    table.add("release binary", "", "", (bytes as f64 / 1e6, " MB"), Goal::AtMost(20.0));
}

/// Returns the whole response, head and body.
fn fetch(address: &str, path: &str) -> String {
    let host = address.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{path}: {response}");
    response
}
