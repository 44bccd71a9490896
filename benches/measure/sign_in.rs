//! Sign-ins compared with argon2id alone: the same crate and parameters on as many threads, without a server.

use std::{
    thread,
    time::{Duration, Instant},
};

use url::form_urlencoded;

use crate::{
    Rounds, argon2_baseline, databases,
    fixture::Fixture,
    node_argon2, seed,
    support::PASSWORD,
    table::{Goal, Table, median, milliseconds},
    wrk::{self, Request},
};

/// Number of accounts that sign in, in turn, each from its own network.
const ACCOUNTS: u64 = 2000;
const CLIENTS: u32 = 8;

pub fn measure(rounds: Rounds, table: &mut Table) {
    let threads = thread::available_parallelism().unwrap().get();
    for (database, url, goal) in databases().map(|(database, url)| {
        let goal = if url.is_empty() { 0.95 } else { 0.90 };
        (database, url, goal)
    }) {
        let fixture = Fixture::empty(&url);
        fixture.fill(ACCOUNTS);
        let server = fixture.serve(&["--trusted-proxies", "127.0.0.1"]);
        let requests = requests(ACCOUNTS);
        let (mut rates, mut baselines, mut ratios, mut p99s) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut node_rates = Vec::new();
        for _ in 0..rounds.count {
            let result = wrk::run(&server.address, &requests, CLIENTS, rounds.seconds);
            assert_eq!(result.failures, 0, "failed sign-ins");
            let baseline = baseline_rate(threads, rounds.seconds);
            node_rates.push(node_argon2::hashes_per_second(rounds.seconds));
            rates.push(result.per_second);
            baselines.push(baseline);
            ratios.push(result.per_second / baseline);
            p99s.push(result.p99);
        }
        let per_second = |rates| format!("{:.0} /s", median(rates));
        let (baseline, rate, node) = (median(baselines.clone()), median(rates.clone()), median(node_rates));
        table.add(
            format!("sign-ins on {database}, {CLIENTS} clients; argon2id alone"),
            per_second(rates),
            per_second(baselines),
            (median(ratios), ""),
            Goal::AtLeast(goal),
        );
        table.add(
            format!("sign-ins on {database}; `@node-rs/argon2` alone"),
            format!("{rate:.0} /s"),
            format!("{node:.0} /s"),
            (rate / node, ""),
            // A Node application cannot sign in faster than its hash alone.
            if url.is_empty() { Goal::AtLeast(1.0) } else { Goal::None },
        );
        // Lower bound: the clients share the hashing threads, so a sign-in waits for the hashes of all clients.
        let bound = Duration::from_secs_f64(f64::from(CLIENTS) / baseline);
        let p99 = median(p99s);
        table.add(
            format!("p99 of a sign-in on {database}, {CLIENTS} clients; {CLIENTS} hashes at the baseline rate"),
            milliseconds(p99),
            milliseconds(bound),
            (p99.as_secs_f64() / bound.as_secs_f64(), ""),
            Goal::None,
        );
    }
}

/// Returns one sign-in for each of the first `accounts` accounts.
pub fn requests(accounts: u64) -> Vec<Request> {
    (1..=accounts)
        .map(|number| {
            let body = form_urlencoded::Serializer::new(String::new())
                .append_pair("login", &seed::name(number))
                .append_pair("password", PASSWORD)
                .finish();
            let address = format!("198.{}.{}.{}", 18 + number / 65_536, number / 256 % 256, number % 256);
            let headers = vec![
                ("content-type", "application/x-www-form-urlencoded".to_owned()),
                ("sec-fetch-site", "same-origin".to_owned()),
                ("user-agent", seed::BROWSER.to_owned()),
                ("x-forwarded-for", address),
            ];
            Request { method: "POST", path: "/login".to_owned(), headers, body }
        })
        .collect()
}

/// Measures the hashes per second of argon2id alone on this number of threads.
fn baseline_rate(threads: usize, seconds: u32) -> f64 {
    let began = Instant::now();
    let end = began + Duration::from_secs(seconds.into());
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            thread::spawn(move || {
                let mut hash = argon2_baseline::hasher();
                let mut hashes = 0;
                while Instant::now() < end {
                    hash();
                    hashes += 1;
                }
                hashes
            })
        })
        .collect();
    let hashes: u32 = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
    f64::from(hashes) / began.elapsed().as_secs_f64()
}
