//! Pages compared with the baseline: the same bytes and headers from a bare handler, the same number of workers, the
//! same load.

use std::fs;

use crate::{
    Rounds,
    baseline::Response,
    fixture::{Fixture, forged},
    server::Server,
    table::{Goal, Table, median},
    wrk::{self, Request},
};

const CONNECTIONS: u32 = 32;
/// Number of sessions that the requests use in turn.
const SESSIONS: u64 = 10_000;

pub fn measure(rounds: Rounds, table: &mut Table) {
    let fixture = Fixture::empty("");
    fixture.fill(SESSIONS);
    let sessions = fixture.create_sessions(1..=SESSIONS);
    let gatehouse = fixture.serve(&[]);
    let forged = forged(&sessions[0]);

    let cases = [
        ("`/` signed in, one session", vec![Request::get("/", Some(&sessions[0]))], 0.80),
        (
            "`/` signed in, 10,000 sessions in turn",
            sessions.iter().map(|session| Request::get("/", Some(session))).collect(),
            0.60,
        ),
        ("`/login` for a guest", vec![Request::get("/login", None)], 0.85),
        ("`/` with a forged cookie, redirected", vec![Request::get("/", Some(&forged))], 0.90),
    ];
    for (name, requests, goal) in cases {
        compare(name, (&fixture, &gatehouse), &requests, goal, rounds, table);
    }
}

/// Compares requests that have the same response with the baseline.
pub fn compare(
    name: &str,
    (fixture, gatehouse): (&Fixture, &Server),
    requests: &[Request],
    goal: f64,
    rounds: Rounds,
    table: &mut Table,
) {
    let response = Response::fetch(&gatehouse.address, &requests[0]);
    let file = fixture.folder().join("responses.json");
    fs::write(&file, serde_json::to_vec(&[&response]).unwrap()).unwrap();
    let baseline = Server::baseline(&file);
    let bare = Response::fetch(&baseline.address, &requests[0]);
    assert_eq!(bare, response, "the baseline returns the same response");

    let (mut rates, mut baselines, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds.count {
        let result = wrk::run(&gatehouse.address, requests, CONNECTIONS, rounds.seconds);
        let bare = wrk::run(&baseline.address, requests, CONNECTIONS, rounds.seconds);
        assert_eq!((result.failures, bare.failures), (0, 0), "{name}: failed requests");
        assert!((result.bytes / bare.bytes - 1.0).abs() < 0.02, "{name}: {} and {} bytes", result.bytes, bare.bytes);
        rates.push(result.per_second);
        baselines.push(bare.per_second);
        ratios.push(result.per_second / bare.per_second);
    }
    let per_second = |rates| format!("{:.0} /s", median(rates));
    table.add(name, per_second(rates), per_second(baselines), (median(ratios), ""), Goal::AtLeast(goal));
}
