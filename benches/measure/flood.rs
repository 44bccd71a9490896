//! Overload: latency of pages, of `/healthz` and of the `503` for excess requests during a flood of sign-ins, the peak
//! memory and the memory that remains, and the rate of sign-ins during a flood of page requests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use reqwest::{Client, RequestBuilder};
use tokio::runtime::Builder;

use crate::{
    Rounds, databases,
    fixture::Fixture,
    seed, sign_in,
    support::PASSWORD,
    table::{Goal, Table, median, milliseconds},
    wrk,
};

const ACCOUNTS: u64 = 2000;
const CLIENTS: u32 = 64;
/// More than the hashing threads and the queue hold, so that some requests get `503`.
const EXCESS_CLIENTS: u32 = 256;
/// Length of the flood after which the memory is measured.
const FLOOD_SECONDS: u32 = 20;
/// Pause between two requests of the measuring client.
const PROBE_INTERVAL: Duration = Duration::from_millis(5);

pub fn measure(rounds: Rounds, table: &mut Table) {
    let fixture = Fixture::empty("");
    fixture.fill(ACCOUNTS);
    let session = fixture.create_sessions(1..=1).remove(0);
    let (mut unloaded, mut loaded, mut health, mut rejected) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut idle, mut peak) = (0.0_f64, 0.0_f64);
    let (mut alone, mut during_pages) = (Vec::new(), Vec::new());
    let threads = thread::available_parallelism().unwrap().get();
    for _ in 0..rounds.count {
        let server = fixture.serve(&["--trusted-proxies", "127.0.0.1"]);
        let page = |client: &Client| client.get(format!("{}/", server.address)).header("cookie", &session);
        let healthz = |client: &Client| client.get(format!("{}/healthz", server.address));
        let sign_in = |client: &Client| {
            let form = [("login", seed::name(1)), ("password", PASSWORD.to_owned())];
            let sign_in = client.post(format!("{}/login", server.address)).form(&form);
            sign_in.header("sec-fetch-site", "same-origin").header("x-forwarded-for", "192.0.2.77")
        };
        idle = server.memory("VmRSS");
        unloaded.push(p99(&probe(rounds.seconds, page, 200)));
        let flood = |clients, measure: &(dyn Fn() + Sync)| {
            let ended = Arc::new(AtomicBool::new(false));
            thread::scope(|scope| {
                let requests = sign_in::requests(ACCOUNTS);
                let flood = scope.spawn({
                    let (address, ended) = (server.address.clone(), Arc::clone(&ended));
                    move || {
                        let seconds = 3 * rounds.seconds + 4;
                        wrk::run(&address, &requests, clients, seconds);
                        ended.store(true, Ordering::SeqCst);
                    }
                });
                thread::sleep(Duration::from_millis(500));
                measure();
                assert!(!ended.load(Ordering::SeqCst), "the flood ended before the measurement did");
                flood.join().unwrap();
            });
        };
        let responses = std::sync::Mutex::new((Vec::new(), Vec::new()));
        flood(CLIENTS, &|| {
            let mut responses = responses.lock().unwrap();
            responses.0 = probe(rounds.seconds, page, 200);
            responses.1 = probe(rounds.seconds, healthz, 200);
        });
        let (pages, healthz) = responses.into_inner().unwrap();
        loaded.push(p99(&pages));
        health.push(p99(&healthz));
        let responses = std::sync::Mutex::new(Vec::new());
        flood(EXCESS_CLIENTS, &|| *responses.lock().unwrap() = probe_any(2 * rounds.seconds, sign_in));
        let responses = responses.into_inner().unwrap();
        rejected.extend(responses.iter().filter(|(status, _)| *status == 503).map(|(_, time)| *time));
        let (without, with) = sign_ins_during_page_flood(&server.address, &session, rounds.seconds);
        alone.push(without);
        during_pages.push(with);
        peak = peak.max(server.memory("VmHWM"));
    }
    let (unloaded, loaded) = (median(unloaded), median(loaded));
    table.add(
        format!("p99 of the guarded page while {CLIENTS} clients sign in; without them"),
        milliseconds(loaded),
        milliseconds(unloaded),
        (loaded.as_secs_f64() / unloaded.as_secs_f64(), ""),
        Goal::AtMost(3.0),
    );
    table.add(
        format!("p99 of `/healthz` while {CLIENTS} clients sign in"),
        "",
        "",
        (median(health).as_secs_f64() * 1e3, " ms"),
        Goal::None,
    );
    table.add(
        format!(
            "p99 of the `503` beyond the queue, {EXCESS_CLIENTS} clients ({} sampled by one more client)",
            rejected.len()
        ),
        "",
        "",
        (p99(&rejected).as_secs_f64() * 1e3, " ms"),
        Goal::AtMost(100.0),
    );
    let (alone, during_pages) = (median(alone), median(during_pages));
    table.add(
        "sign-ins during a flood of page requests; without it",
        format!("{during_pages:.0} /s"),
        format!("{alone:.0} /s"),
        (during_pages / alone, ""),
        Goal::AtLeast(0.5),
    );
    table.add(
        "peak resident memory during the floods; idle",
        format!("{peak:.1} MiB"),
        format!("{idle:.1} MiB"),
        (peak, " MiB"),
        Goal::AtMost((idle + 19.0 * threads as f64 + 32.0).round()),
    );
    if !rounds.short {
        for (database, url) in databases() {
            measure_memory_after_flood(database, &url, table);
        }
    }
}

/// Measures the resident memory before the first sign-in and a minute after thousands of sign-ins.
fn measure_memory_after_flood(database: &str, url: &str, table: &mut Table) {
    let fixture = Fixture::empty(url);
    fixture.fill(ACCOUNTS);
    let server = fixture.serve(&["--trusted-proxies", "127.0.0.1"]);
    probe(1, |client| client.get(format!("{}/login", server.address)), 200);
    let before = server.memory("VmRSS");
    let flood = wrk::run(&server.address, &sign_in::requests(ACCOUNTS), CLIENTS, FLOOD_SECONDS);
    // The hashing threads release their memory after a minute without work.
    thread::sleep(Duration::from_secs(65));
    let after = server.memory("VmRSS");
    table.add(
        format!(
            "resident memory a minute after {:.0} sign-ins of {CLIENTS} clients on {database}; before the first one",
            flood.per_second * f64::from(FLOOD_SECONDS)
        ),
        format!("{after:.1} MiB"),
        format!("{before:.1} MiB"),
        (after - before, " MiB more"),
        Goal::AtMost(8.0),
    );
}

/// Measures sign-ins per second without other load and during a flood of page requests.
fn sign_ins_during_page_flood(address: &str, session: &str, seconds: u32) -> (f64, f64) {
    let sign_ins = || wrk::run(address, &sign_in::requests(ACCOUNTS), 8, seconds).per_second;
    let alone = sign_ins();
    let page = wrk::Request::get("/", Some(session));
    let during_pages = thread::scope(|scope| {
        let pages = scope.spawn(move || wrk::run(address, &[page], 32, seconds));
        let during_pages = sign_ins();
        pages.join().unwrap();
        during_pages
    });
    (alone, during_pages)
}

/// Sends this request repeatedly and returns the latencies. Panics if a response has another status.
fn probe(seconds: u32, request: impl Fn(&Client) -> RequestBuilder, status: u16) -> Vec<Duration> {
    let responses = probe_any(seconds, request);
    assert!(responses.iter().all(|(actual, _)| *actual == status), "a response has another status than {status}");
    responses.into_iter().map(|(_, time)| time).collect()
}

/// Sends this request repeatedly and returns status and latency of each response.
fn probe_any(seconds: u32, request: impl Fn(&Client) -> RequestBuilder) -> Vec<(u16, Duration)> {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let (end, mut responses) = (Instant::now() + Duration::from_secs(seconds.into()), Vec::new());
        while Instant::now() < end {
            let began = Instant::now();
            let response = request(&client).send().await.unwrap();
            let status = response.status().as_u16();
            response.bytes().await.unwrap();
            responses.push((status, began.elapsed()));
            tokio::time::sleep(PROBE_INTERVAL).await;
        }
        responses
    })
}

fn p99(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    assert!(!times.is_empty(), "no samples");
    times[(times.len() * 99).div_ceil(100) - 1]
}
