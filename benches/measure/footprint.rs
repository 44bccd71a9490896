//! What it takes to run it: memory at rest, time to the first page, bytes of a first visit, size of the program.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::{
    Effort,
    house::House,
    table::{Goal, Table, median, milliseconds},
};

pub fn measure(effort: Effort, table: &mut Table) {
    let house = House::empty("");
    let (mut memory, mut starts, mut visits) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..4 * effort.rounds {
        let began = Instant::now();
        let server = house.serve(&[]);
        let page = fetch(&server.address, "/login");
        starts.push(began.elapsed());
        // As a browser would: the page, and what it refers to.
        let refers: Vec<&str> =
            page.split('"').filter(|text| text.starts_with("/static/") && !text.contains(' ')).collect();
        let mut refers = refers.clone();
        refers.sort_unstable();
        refers.dedup();
        let visit = page.len() + refers.iter().map(|path| fetch(&server.address, path).len()).sum::<usize>();
        visits.push(visit as f64 / 1000.0);
        memory.push(server.memory("VmRSS"));
    }
    let bytes = fs::metadata(env!("CARGO_BIN_EXE_gatehouse")).unwrap().len();
    table.add("memory at rest, after a first visit", "", "", (median(memory), " MiB"), Goal::AtMost(20.0));
    let start: Duration = median(starts);
    let milliseconds_ = start.as_secs_f64() * 1e3;
    table.add(
        "start to first page, on a database that is there",
        milliseconds(start),
        "",
        (milliseconds_, " ms"),
        Goal::AtMost(100.0),
    );
    table.add("first visit, all answers with their headers", "", "", (median(visits), " kB"), Goal::AtMost(14.0));
    table.add("release binary", "", "", (bytes as f64 / 1e6, " MB"), Goal::AtMost(20.0));
}

/// A whole answer, head and body.
fn fetch(address: &str, path: &str) -> String {
    let host = address.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    answer
}
