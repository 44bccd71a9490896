//! Pages while a flood of sign-ins comes in: how long a person waits for a page, what becomes of the surplus, how much memory
//! it takes.

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
    Effort,
    house::House,
    seed, sign_in,
    support::PASSWORD,
    table::{Goal, Table, median, milliseconds},
    wrk,
};

const PEOPLE: u64 = 2000;
const CLIENTS: u32 = 64;
/// So many that some are turned away: the threads and the queue hold fewer.
const TOO_MANY: u32 = 256;
/// Between two requests of a person who clicks about, or of a program that asks whether the server lives.
const PAUSE: Duration = Duration::from_millis(5);

pub fn measure(effort: Effort, table: &mut Table) {
    let house = House::empty("");
    house.fill(PEOPLE);
    let session = house.open_sessions(1..=1).remove(0);
    let (mut calm, mut flooded, mut health, mut refused, mut surplus) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), 0);
    let (mut idle, mut most) = (0.0_f64, 0.0_f64);
    let (mut alone, mut among_pages) = (Vec::new(), Vec::new());
    let threads = thread::available_parallelism().unwrap().get();
    for _ in 0..effort.rounds {
        let server = house.serve(&["--trusted-proxies", "127.0.0.1"]);
        let page = |client: &Client| client.get(format!("{}/", server.address)).header("cookie", &session);
        let alive = |client: &Client| client.get(format!("{}/healthz", server.address));
        let sign_in = |client: &Client| {
            let form = [("login", seed::name(1)), ("password", PASSWORD.to_owned())];
            let sign_in = client.post(format!("{}/login", server.address)).form(&form);
            sign_in.header("sec-fetch-site", "same-origin").header("x-forwarded-for", "192.0.2.77")
        };
        idle = server.memory("VmRSS");
        calm.push(p99(&probe(effort.seconds, page, 200)));
        let flood = |clients, ask: &(dyn Fn() + Sync)| {
            let over = Arc::new(AtomicBool::new(false));
            thread::scope(|scope| {
                let requests = sign_in::requests(PEOPLE);
                let flood = scope.spawn({
                    let (address, over) = (server.address.clone(), Arc::clone(&over));
                    move || {
                        let seconds = 3 * effort.seconds + 4;
                        wrk::run(&address, &requests, clients, seconds);
                        over.store(true, Ordering::SeqCst);
                    }
                });
                thread::sleep(Duration::from_millis(500));
                ask();
                assert!(!over.load(Ordering::SeqCst), "the flood ended before the measurement did");
                flood.join().unwrap();
            });
        };
        let answers = std::sync::Mutex::new((Vec::new(), Vec::new()));
        flood(CLIENTS, &|| {
            let mut answers = answers.lock().unwrap();
            answers.0 = probe(effort.seconds, page, 200);
            answers.1 = probe(effort.seconds, alive, 200);
        });
        let (pages, healths) = answers.into_inner().unwrap();
        flooded.push(p99(&pages));
        health.push(p99(&healths));
        let answers = std::sync::Mutex::new(Vec::new());
        flood(TOO_MANY, &|| *answers.lock().unwrap() = probe_any(2 * effort.seconds, sign_in));
        let answers = answers.into_inner().unwrap();
        let turned_away: Vec<Duration> =
            answers.iter().filter(|(status, _)| *status == 503).map(|(_, time)| *time).collect();
        let (without, with) = sign_ins_among_pages(&server.address, &session, effort.seconds);
        alone.push(without);
        among_pages.push(with);
        surplus += turned_away.len();
        refused.extend(turned_away);
        most = most.max(server.memory("VmHWM"));
    }
    let (calm, flooded) = (median(calm), median(flooded));
    table.add(
        format!("p99 of the guarded page, {CLIENTS} clients signing in; without them"),
        milliseconds(flooded),
        milliseconds(calm),
        (flooded.as_secs_f64() / calm.as_secs_f64(), ""),
        Goal::AtMost(3.0),
    );
    table.add(
        format!("p99 of `/healthz`, {CLIENTS} clients signing in"),
        "",
        "",
        (median(health).as_secs_f64() * 1e3, " ms"),
        Goal::None,
    );
    table.add(
        format!("p99 of a surplus sign-in's `503`, {TOO_MANY} clients ({surplus} of one client were turned away)"),
        "",
        "",
        (p99(&refused).as_secs_f64() * 1e3, " ms"),
        Goal::AtMost(100.0),
    );
    let (alone, among_pages) = (median(alone), median(among_pages));
    table.add(
        "sign-ins during a flood of pages; without it",
        format!("{among_pages:.0} /s"),
        format!("{alone:.0} /s"),
        (among_pages / alone, ""),
        Goal::None,
    );
    table.add(
        "most memory ever resident in the floods; idle",
        format!("{most:.1} MiB"),
        format!("{idle:.1} MiB"),
        (most, " MiB"),
        Goal::AtMost((idle + 19.0 * threads as f64 + 32.0).round()),
    );
}

/// Sign-ins a second by themselves, and while pages are asked for without end.
fn sign_ins_among_pages(address: &str, session: &str, seconds: u32) -> (f64, f64) {
    let sign_ins = || wrk::run(address, &sign_in::requests(PEOPLE), 8, seconds).per_second;
    let alone = sign_ins();
    let page = wrk::Request::get("/", Some(session));
    let among_pages = thread::scope(|scope| {
        let pages = scope.spawn(move || wrk::run(address, &[page], 32, seconds));
        let among_pages = sign_ins();
        pages.join().unwrap();
        among_pages
    });
    (alone, among_pages)
}

/// Asks again and again, with a pause; each answer has to have this status.
fn probe(seconds: u32, request: impl Fn(&Client) -> RequestBuilder, status: u16) -> Vec<Duration> {
    let answers = probe_any(seconds, request);
    assert!(answers.iter().all(|(answer, _)| *answer == status), "an answer is not {status}");
    answers.into_iter().map(|(_, time)| time).collect()
}

fn probe_any(seconds: u32, request: impl Fn(&Client) -> RequestBuilder) -> Vec<(u16, Duration)> {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let (end, mut answers) = (Instant::now() + Duration::from_secs(seconds.into()), Vec::new());
        while Instant::now() < end {
            let began = Instant::now();
            let answer = request(&client).send().await.unwrap();
            let status = answer.status().as_u16();
            answer.bytes().await.unwrap();
            answers.push((status, began.elapsed()));
            tokio::time::sleep(PAUSE).await;
        }
        answers
    })
}

fn p99(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    assert!(!times.is_empty(), "nothing was measured");
    times[(times.len() * 99).div_ceil(100) - 1]
}
