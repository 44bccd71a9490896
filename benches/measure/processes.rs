//! Several processes on one MariaDB: what they serve together, and how long a session that was ended on one is still good on
//! the others.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    Effort, databases,
    house::House,
    seed,
    server::Server,
    sign_in,
    support::{PASSWORD, client::Client},
    table::{Goal, Table, median},
    wrk::{self, Request},
};

const SESSIONS: u64 = 1000;
const PEOPLE: u64 = 6000;

pub fn measure(effort: Effort, table: &mut Table) {
    let (_, url) = databases().last().unwrap();
    let house = House::empty(&url);
    house.fill(PEOPLE);
    let sessions = house.open_sessions(1..=SESSIONS);
    let pages: Vec<Request> = sessions.iter().map(|session| Request::get("/", Some(session))).collect();
    let sign_ins = sign_in::requests(PEOPLE);
    let flags = ["--trusted-proxies", "127.0.0.1", "--failure-rate", "0"];

    let mut rates = [(); 3].map(|()| [Vec::new(), Vec::new()]);
    for _ in 0..effort.rounds {
        for (others, rates) in rates.iter_mut().enumerate() {
            let servers: Vec<Server> = (0..=others).map(|_| house.serve(&flags)).collect();
            for (requests, rates) in [&pages, &sign_ins].into_iter().zip(rates) {
                rates.push(together(&servers, requests, effort));
            }
        }
    }
    for (place, what) in ["guarded pages", "sign-ins"].into_iter().enumerate() {
        let of = |count: usize| median(rates[count - 1][place].clone());
        table.add(
            format!("{what} of 2 and 3 processes on MariaDB and the same two cores; of one"),
            format!("{:.0}, {:.0} /s", of(2), of(3)),
            format!("{:.0} /s", of(1)),
            (of(3) / of(1), ""),
            Goal::None,
        );
    }

    let servers: Vec<Server> = (0..3).map(|_| house.serve(&flags)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut delays: Vec<f64> = Vec::new();
    for number in 1..=4 * effort.rounds as u64 {
        delays.push(runtime.block_on(revocation(&servers, number)).as_secs_f64());
    }
    table.add(
        format!(
            "an ended session is refused by the two others: median of {} in seconds, and the slowest",
            delays.len()
        ),
        format!("{:.2} s", median(delays.clone())),
        "",
        (delays.iter().copied().fold(0.0, f64::max), " s"),
        // What GATEHOUSE_SESSION_CACHE says, and the two requests that it takes to see it.
        Goal::AtMost(1.02),
    );
}

/// The same load on all of them at once, and to each its own people: several tries at one account at once would be throttled.
fn together(servers: &[Server], requests: &[Request], effort: Effort) -> f64 {
    thread::scope(|scope| {
        let loads: Vec<_> = servers
            .iter()
            .zip(requests.chunks_exact(requests.len() / servers.len()))
            .map(|(server, requests)| {
                let connections = 24 / u32::try_from(servers.len()).unwrap();
                scope.spawn(move || wrk::run(&server.address, requests, connections, effort.seconds))
            })
            .collect();
        loads
            .into_iter()
            .map(|load| {
                let measured = load.join().unwrap();
                assert_eq!(measured.bad, 0, "answers that are none");
                measured.per_second
            })
            .sum()
    })
}

/// From the answer to a sign-out until the last of the others refuses the session, which all of them have just seen.
async fn revocation(servers: &[Server], number: u64) -> Duration {
    let [first, others @ ..] = servers else { panic!("no servers") };
    let client = Client::new(&first.address);
    assert_eq!(client.sign_in(&seed::name(number), PASSWORD).await.status, 303);
    let copies: Vec<Client> = others.iter().map(|server| client.at(&server.address)).collect();
    for copy in &copies {
        assert!(copy.copy().is_signed_in().await);
    }
    assert_eq!(client.sign_out().await.status, 303);
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    for copy in &copies {
        while copy.copy().is_signed_in().await {
            assert!(began.elapsed() < Duration::from_secs(10), "never refused");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        slowest = slowest.max(began.elapsed());
    }
    slowest
}
