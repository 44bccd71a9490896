//! Cost against the number of accounts: the same operations with a thousand to ten million accounts, each with one
//! session and one event. The cost should stay the same, because every query uses an index.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use gatehouse::{
    accounts::{Register, SignIn},
    client::Client,
    sessions::SessionRequest,
    web::state::AppState,
};

use crate::{
    Rounds, databases,
    fixture::Fixture,
    seed,
    server::Server,
    support::PASSWORD,
    table::{Goal, Table, median},
    wrk::{self, Request},
};

/// Number of accounts that take part, spread evenly over all accounts.
const SAMPLED_ACCOUNTS: u64 = 200;
/// Sign-ins and registrations that are timed in one round.
const REPETITIONS: u64 = 100;

const OPERATIONS: [&str; 4] =
    ["guarded page", "sessions page", "sign-in without hashing", "registration without hashing"];

/// A database with a certain number of accounts.
struct Dataset {
    accounts: u64,
    fixture: Fixture,
    sessions: Vec<String>,
    /// For each operation, its median time in microseconds in each round.
    times: [Vec<f64>; OPERATIONS.len()],
}

pub fn measure(rounds: Rounds, only: Option<&str>, table: &mut Table) {
    let sizes: &[u64] = if rounds.short { &[1_000, 100_000] } else { &[1_000, 100_000, 1_000_000, 10_000_000] };
    for name in ["SQLite", "MariaDB"].into_iter().filter(|name| only.is_none_or(|only| only == *name)) {
        let mut datasets: Vec<Dataset> = sizes.iter().map(|accounts| Dataset::prepare(name, *accounts)).collect();
        for round in 0..rounds.count {
            for dataset in &mut datasets {
                dataset.round(round, rounds);
            }
        }
        for (index, operation) in OPERATIONS.iter().enumerate() {
            let times: Vec<f64> = datasets.iter().map(|dataset| median(dataset.times[index].clone())).collect();
            let ratios = (0..rounds.count).map(|round| {
                let of = |dataset: &Dataset| dataset.times[index][round];
                of(&datasets[datasets.len() - 1]) / of(&datasets[0])
            });
            let list = |times: &[f64]| times.iter().map(|time| format!("{time:.0}")).collect::<Vec<_>>().join(", ");
            table.add(
                format!(
                    "{operation} on {name}, µs: {} accounts",
                    sizes.iter().skip(1).map(|size| human(*size)).collect::<Vec<_>>().join(", ")
                ),
                list(&times[1..]),
                format!("{:.0} with {}", times[0], human(sizes[0])),
                (median(ratios.collect()), ""),
                Goal::AtMost(1.15),
            );
        }
    }
}

/// Formats a round number for a table.
fn human(number: u64) -> String {
    match number {
        1_000_000.. => format!("{} million", number / 1_000_000),
        _ => format!("{} thousand", number / 1_000),
    }
}

impl Dataset {
    fn prepare(database: &str, accounts: u64) -> Self {
        let (_, url) = databases().find(|(name, _)| *name == database).unwrap();
        let fixture = Fixture::empty(&url);
        fixture.fill(accounts);
        let sessions =
            fixture.create_sessions((1..=SAMPLED_ACCOUNTS).map(move |number| number * accounts / SAMPLED_ACCOUNTS));
        Self { accounts, fixture, sessions, times: Default::default() }
    }

    fn round(&mut self, round: usize, rounds: Rounds) {
        // Without the session cache each request reads the row; the cost of a cache hit does not depend on the size.
        let server = self.fixture.serve(&["--session-cache", "0s"]);
        for (index, path) in ["/", "/account/sessions"].into_iter().enumerate() {
            self.times[index].push(self.page(&server, path, rounds));
        }
        drop(server);
        let (accounts, round) = (self.accounts, round as u64);
        let (sign_in, registration) = self.fixture.with_app(async |app| {
            let (mut sign_ins, mut registrations) = (Vec::new(), Vec::new());
            for repetition in 0..REPETITIONS {
                let number = round * REPETITIONS + repetition;
                let account = number % SAMPLED_ACCOUNTS * accounts / SAMPLED_ACCOUNTS + 1;
                sign_ins.push(sign_in(app, account).await);
                registrations.push(register(app, number).await);
            }
            (median(sign_ins), median(registrations))
        });
        self.times[2].push(sign_in);
        self.times[3].push(registration);
    }

    fn page(&self, server: &Server, path: &str, rounds: Rounds) -> f64 {
        let requests: Vec<Request> = self.sessions.iter().map(|session| Request::get(path, Some(session))).collect();
        let measured = wrk::run(&server.address, &requests, 1, rounds.seconds);
        assert_eq!(measured.failures, 0, "{path}");
        measured.p50.as_secs_f64() * 1e6
    }
}

/// Returns the microseconds that `work` took outside the hashing threads, and its result.
async fn without_hashing<T>(app: &AppState, work: impl Future<Output = T>) -> (f64, T) {
    let (began, hashing) = (Instant::now(), app.accounts.hashing_time());
    let output = work.await;
    let rest: Duration = (began.elapsed() + hashing).saturating_sub(app.accounts.hashing_time());
    (rest.as_secs_f64() * 1e6, output)
}

fn client(number: u64) -> Client {
    let address = Ipv4Addr::from_bits(0xc612_0000 + u32::try_from(number % 100_000).unwrap());
    Client { address: IpAddr::V4(address), user_agent: seed::BROWSER.into() }
}

async fn sign_in(app: &AppState, number: u64) -> f64 {
    let form = SignIn {
        login: seed::name(number),
        password: PASSWORD.into(),
        devices: Vec::new(),
        roles: Vec::new(),
        session: SessionRequest::browser(false, None),
    };
    let (time, outcome) = without_hashing(app, app.accounts.authenticate(form, &client(number))).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    time
}

async fn register(app: &AppState, number: u64) -> f64 {
    let name = format!("newcomer-{number}");
    let form = Register {
        language: None,
        admission: gatehouse::accounts::Admission::Open,
        email: format!("{name}@keepers.example"),
        username: name,
        password: PASSWORD.into(),
        password_confirm: PASSWORD.into(),
        session: SessionRequest::browser(false, None),
    };
    let (time, outcome) = without_hashing(app, app.accounts.register(form, &client(number))).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    time
}
