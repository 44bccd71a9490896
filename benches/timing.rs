//! Whether the response time of a sign-in discloses which accounts exist: `cargo bench --bench timing`.
//!
//! Signs in with names of several classes, in turn, and compares the times of each two classes. The AUC is the
//! probability that a sample of one class takes longer than one of the other; at 0.5 the times disclose nothing. The
//! first two classes are the same, as a control of the machine. Each sample has a name and a network of its own, so no
//! limit interferes.
//!
//! The goal is 0.5 ± 0.05. By chance alone, 300 samples of each class miss it in about one of 30 pairs: the standard
//! error is 0.024. Repeat such a run with `-- --samples 1200`, which halves the error.

#![allow(
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "a program for a developer's terminal, which panics with the cause"
)]

#[path = "measure/server.rs"]
#[allow(dead_code, reason = "this program uses only a part of it")]
mod server;
#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use clap::Parser;

use self::{
    server::Server,
    support::{PASSWORD, WRONG_PASSWORD, mariadb::Mariadb},
};

/// A kind of account whose sign-in fails.
struct Class {
    name: &'static str,
    /// Whether the account exists.
    exists: bool,
    /// A command that changes the account first; its last argument is the user name.
    command: &'static [&'static str],
}

const CLASSES: &[Class] = &[
    Class { name: "unknown name", exists: false, command: &[] },
    Class { name: "unknown name (control)", exists: false, command: &[] },
    Class { name: "wrong password", exists: true, command: &[] },
    Class { name: "disabled account", exists: true, command: &["account", "disable"] },
];

/// How far from 0.5 an AUC may be.
const TOLERANCE: f64 = 0.05;
/// Rounds before the first sample: the first sign-ins allocate memory and prepare statements.
const WARM_UP: usize = 20;

/// Measures whether the response time of a sign-in discloses which accounts exist.
#[derive(Parser)]
struct Args {
    /// Samples of each class
    #[arg(long, default_value_t = 300)]
    samples: usize,

    /// Measure on a private MariaDB instead of SQLite
    #[arg(long)]
    mariadb: bool,

    /// Accepted and ignored: `cargo bench` passes it
    #[arg(long, hide = true)]
    bench: bool,
}

/// A keep-alive connection to the server that claims another network for each request.
struct Connection {
    socket: BufReader<TcpStream>,
    address: String,
    requests: u32,
}

impl Connection {
    fn open(address: &str) -> Self {
        let address = address.trim_start_matches("http://").to_owned();
        let socket = TcpStream::connect(&address).unwrap();
        socket.set_nodelay(true).unwrap();
        Self { socket: BufReader::new(socket), address, requests: 0 }
    }

    /// Posts a form. Returns the status, and the time from the first byte of the request to the last of the response.
    fn post(&mut self, path: &str, form: &str) -> (u16, Duration) {
        self.requests += 1;
        let network = Ipv4Addr::from(0x0a00_0000 + self.requests);
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nX-Forwarded-For: {network}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {1}\r\n\r\n{form}",
            self.address,
            form.len()
        );
        let started = Instant::now();
        self.socket.get_mut().write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            assert_ne!(self.socket.read_until(b'\n', &mut head).unwrap(), 0, "the server closed the connection");
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.split_once("content-length: ").map_or("0", |(_, rest)| rest.split_once("\r\n").unwrap().0);
        self.socket.read_exact(&mut vec![0; length.parse().unwrap()]).unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), started.elapsed())
    }
}

/// Returns the name of a sample. All have the same length, so that all answers have.
fn username(class: usize, sample: usize) -> String {
    format!("person-{class}-{sample:06}")
}

/// Registers the accounts of a class and runs its command on each.
fn prepare(class: usize, samples: usize, connection: &mut Connection, flags: &[&str]) {
    let Class { exists, command, .. } = &CLASSES[class];
    for name in (0..samples).map(|sample| username(class, sample)) {
        if *exists {
            let password = PASSWORD.replace(' ', "+");
            let form = format!(
                "username={name}&email={name}%40keepers.example&password={password}&password_confirm={password}"
            );
            assert_eq!(connection.post("/register", &form).0, 303);
        }
        if !command.is_empty() {
            let mut gatehouse = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
            let status = gatehouse.args(*command).arg(&name).args(flags).stdout(Stdio::null()).status().unwrap();
            assert!(status.success());
        }
    }
}

/// Returns the probability that a value of `one` is larger than a value of `other` (Mann-Whitney).
fn auc(one: &[Duration], other: &[Duration]) -> f64 {
    let larger: f64 = one
        .iter()
        .flat_map(|one| other.iter().map(move |other| one.cmp(other)))
        .map(|order| f64::from(order as i8) / 2.0 + 0.5)
        .sum();
    larger / (one.len() * other.len()) as f64
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}

fn main() -> ExitCode {
    let args = Args::parse();
    let folder = tempfile::tempdir().unwrap();
    let mariadb = args.mariadb.then(Mariadb::start);
    let url = mariadb.as_ref().map(Mariadb::database);
    let data_dir = folder.path().display().to_string();
    let mut database = vec!["--data-dir", data_dir.as_str()];
    database.extend(url.iter().flat_map(|url| ["--database-url", url.as_str()]));
    let mut flags = vec!["--trusted-proxies", "127.0.0.1"];
    flags.extend(&database[2..]);
    let server = Server::gatehouse(folder.path(), &flags);
    let mut connection = Connection::open(&server.address);

    let rounds = WARM_UP + args.samples;
    for class in 0..CLASSES.len() {
        prepare(class, rounds, &mut connection, &database);
    }
    let mut times = vec![Vec::new(); CLASSES.len()];
    for round in 0..rounds {
        for position in 0..CLASSES.len() {
            // Each class is first in one of three rounds, second in another …
            let class = (round + position) % CLASSES.len();
            let form = format!("login={}&password={}", username(class, round), WRONG_PASSWORD.replace(' ', "+"));
            let (status, time) = connection.post("/login", &form);
            assert_eq!(status, 422, "{}", CLASSES[class].name);
            if round >= WARM_UP {
                times[class].push(time);
            }
        }
    }

    println!("{} samples of each class; medians and AUC of each pair", args.samples);
    for (class, times) in CLASSES.iter().zip(&times) {
        println!("{:<26} {:>9.3} ms", class.name, median(times).as_secs_f64() * 1000.0);
    }
    let mut passes = true;
    for one in 0..CLASSES.len() {
        for other in one + 1..CLASSES.len() {
            let auc = auc(&times[one], &times[other]);
            let is_equal = (auc - 0.5).abs() <= TOLERANCE;
            passes &= is_equal;
            let verdict = if is_equal { "equal" } else { "DIFFERENT" };
            println!("{:<26} {:<26} AUC {auc:.3} {verdict}", CLASSES[one].name, CLASSES[other].name);
        }
    }
    if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
