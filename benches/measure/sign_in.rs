//! Sign-ins beside raw argon2id: the same crate and parameters on as many threads, with nothing around it.

use std::{
    thread,
    time::{Duration, Instant},
};

use url::form_urlencoded;

use crate::{
    Effort, databases,
    house::House,
    peer, raw, seed,
    support::PASSWORD,
    table::{Goal, Table, median, milliseconds},
    wrk::{self, Request},
};

/// People who sign in, one after the other; each from a network and with a browser of their own.
const PEOPLE: u64 = 2000;
const CLIENTS: u32 = 8;

pub fn measure(effort: Effort, table: &mut Table) {
    let threads = thread::available_parallelism().unwrap().get();
    for (database, url, goal) in databases().map(|(database, url)| {
        let goal = if url.is_empty() { 0.95 } else { 0.90 };
        (database, url, goal)
    }) {
        let house = House::empty(&url);
        house.fill(PEOPLE);
        let server = house.serve(&["--trusted-proxies", "127.0.0.1"]);
        let requests = requests(PEOPLE);
        let (mut rates, mut raws, mut ratios, mut slowest) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut peers = Vec::new();
        for _ in 0..effort.rounds {
            let ours = wrk::run(&server.address, &requests, CLIENTS, effort.seconds);
            assert_eq!(ours.bad, 0, "sign-ins that failed");
            let raw = raw_rate(threads, effort.seconds);
            peers.push(peer::node_hashes(effort.seconds));
            rates.push(ours.per_second);
            raws.push(raw);
            ratios.push(ours.per_second / raw);
            slowest.push(ours.p99);
        }
        let each = |rates| format!("{:.0} /s", median(rates));
        let (raw, rate, peer) = (median(raws.clone()), median(rates.clone()), median(peers));
        table.add(
            format!("sign-ins on {database}, {CLIENTS} clients; raw argon2id"),
            each(rates),
            each(raws),
            (median(ratios), ""),
            Goal::AtLeast(goal),
        );
        table.add(
            format!("sign-ins on {database}; `@node-rs/argon2` by itself"),
            format!("{rate:.0} /s"),
            format!("{peer:.0} /s"),
            (rate / peer, ""),
            // Whoever signs people in with it does so less often than it hashes.
            if url.is_empty() { Goal::AtLeast(1.0) } else { Goal::None },
        );
        // Eight clients share the threads, so that is how long each has to wait.
        let least = Duration::from_secs_f64(f64::from(CLIENTS) / raw);
        let p99 = median(slowest);
        table.add(
            format!("p99 of a sign-in on {database}, {CLIENTS} clients; their share of the hashing"),
            milliseconds(p99),
            milliseconds(least),
            (p99.as_secs_f64() / least.as_secs_f64(), ""),
            Goal::None,
        );
    }
}

/// One sign-in for each of the first accounts.
pub fn requests(people: u64) -> Vec<Request> {
    (1..=people)
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

/// Hashes a second on so many threads.
fn raw_rate(threads: usize, seconds: u32) -> f64 {
    let began = Instant::now();
    let end = began + Duration::from_secs(seconds.into());
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            thread::spawn(move || {
                let mut hash = raw::hash();
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
