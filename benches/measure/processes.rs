//! Several processes with one MariaDB: their combined throughput, and how long the others accept a session that one of
//! them has revoked.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    Rounds, databases,
    fixture::Fixture,
    seed,
    server::Server,
    sign_in,
    support::{PASSWORD, client::Client},
    table::{Goal, Table, median},
    wrk::{self, Request},
};

const SESSIONS: u64 = 1000;
const ACCOUNTS: u64 = 6000;

pub fn measure(rounds: Rounds, table: &mut Table) {
    let (_, url) = databases().last().unwrap();
    let fixture = Fixture::empty(&url);
    fixture.fill(ACCOUNTS);
    let sessions = fixture.create_sessions(1..=SESSIONS);
    let pages: Vec<Request> = sessions.iter().map(|session| Request::get("/", Some(session))).collect();
    let sign_ins = sign_in::requests(ACCOUNTS);
    let flags = ["--trusted-proxies", "127.0.0.1", "--failure-rate", "0"];

    let mut rates = [(); 3].map(|()| [Vec::new(), Vec::new()]);
    for _ in 0..rounds.count {
        for (others, rates) in rates.iter_mut().enumerate() {
            let servers: Vec<Server> = (0..=others).map(|_| fixture.serve(&flags)).collect();
            for (requests, rates) in [&pages, &sign_ins].into_iter().zip(rates) {
                rates.push(combined_rate(&servers, requests, rounds));
            }
        }
    }
    for (index, name) in ["guarded pages", "sign-ins"].into_iter().enumerate() {
        let rate = |count: usize| median(rates[count - 1][index].clone());
        table.add(
            format!("{name} with 2 and 3 processes on MariaDB and the same two cores; with 1"),
            format!("{:.0}, {:.0} /s", rate(2), rate(3)),
            format!("{:.0} /s", rate(1)),
            (rate(3) / rate(1), ""),
            Goal::None,
        );
    }

    let servers: Vec<Server> = (0..3).map(|_| fixture.serve(&flags)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut delays: Vec<f64> = Vec::new();
    for number in 1..=4 * rounds.count as u64 {
        delays.push(runtime.block_on(revocation_delay(&servers, number)).as_secs_f64());
    }
    table.add(
        format!(
            "a revoked session is refused by the two other processes: median of {}; maximum as figure",
            delays.len()
        ),
        format!("{:.2} s", median(delays.clone())),
        "",
        (delays.iter().copied().fold(0.0, f64::max), " s"),
        // The default of GATEHOUSE_SESSION_CACHE plus the two requests that detect the refusal.
        Goal::AtMost(1.02),
    );
}

/// Returns the requests per second of all servers under load at once. Each server gets other accounts, because
/// concurrent attempts on one account would be throttled.
fn combined_rate(servers: &[Server], requests: &[Request], rounds: Rounds) -> f64 {
    thread::scope(|scope| {
        let loads: Vec<_> = servers
            .iter()
            .zip(requests.chunks_exact(requests.len() / servers.len()))
            .map(|(server, requests)| {
                let connections = 24 / u32::try_from(servers.len()).unwrap();
                scope.spawn(move || wrk::run(&server.address, requests, connections, rounds.seconds))
            })
            .collect();
        loads
            .into_iter()
            .map(|load| {
                let measured = load.join().unwrap();
                assert_eq!(measured.failures, 0, "failed requests");
                measured.per_second
            })
            .sum()
    })
}

/// Measures the time from the response to a sign-out until all other servers refuse the session. All of them have it in
/// their cache.
async fn revocation_delay(servers: &[Server], number: u64) -> Duration {
    let [first, others @ ..] = servers else { panic!("at least one server is needed") };
    let client = Client::new(&first.address);
    assert_eq!(client.sign_in(&seed::name(number), PASSWORD).await.status, 303);
    let copies: Vec<Client> = others.iter().map(|server| client.against(&server.address)).collect();
    for copy in &copies {
        assert!(copy.fork().is_signed_in().await);
    }
    assert_eq!(client.sign_out().await.status, 303);
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    for copy in &copies {
        while copy.fork().is_signed_in().await {
            assert!(began.elapsed() < Duration::from_secs(10), "never refused");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        slowest = slowest.max(began.elapsed());
    }
    slowest
}
