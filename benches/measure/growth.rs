//! What grows with the number of accounts: the same work over a thousand and over ten million of them, with as many sessions
//! and events. Nothing should: every query goes along an index.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use gatehouse::{
    accounts::{RegisterOutcome, Registration, SignIn, SignInOutcome},
    client::Client,
    passwords::Password,
    request_id::RequestId,
    web::state::App,
};

use crate::{
    Effort, databases,
    house::House,
    seed,
    server::Server,
    support::PASSWORD,
    table::{Goal, Table, median},
    wrk::{self, Request},
};

/// Accounts that are used, spread over all that there are.
const USED: u64 = 200;
/// Of each kind of work that is timed by itself, in one round.
const TIMES: u64 = 100;

const WORK: [&str; 4] =
    ["guarded page", "page of sessions", "sign-in without the hashing", "registration without the hashing"];

/// One database of one size.
struct Contestant {
    accounts: u64,
    house: House,
    sessions: Vec<String>,
    /// A median for each round, of each kind of work.
    times: [Vec<f64>; WORK.len()],
}

pub fn measure(effort: Effort, only: Option<&str>, table: &mut Table) {
    let sizes: &[u64] = if effort.short { &[1_000, 100_000] } else { &[1_000, 100_000, 1_000_000, 10_000_000] };
    for name in ["SQLite", "MariaDB"].into_iter().filter(|name| only.is_none_or(|only| only == *name)) {
        let mut contestants: Vec<Contestant> =
            sizes.iter().map(|accounts| Contestant::prepare(name, *accounts)).collect();
        for round in 0..effort.rounds {
            for contestant in &mut contestants {
                contestant.round(round, effort);
            }
        }
        for (place, work) in WORK.iter().enumerate() {
            let times: Vec<f64> = contestants.iter().map(|one| median(one.times[place].clone())).collect();
            let ratios = (0..effort.rounds).map(|round| {
                let of = |contestant: &Contestant| contestant.times[place][round];
                of(&contestants[contestants.len() - 1]) / of(&contestants[0])
            });
            let words = |times: &[f64]| times.iter().map(|time| format!("{time:.0}")).collect::<Vec<_>>().join(", ");
            table.add(
                format!(
                    "{work} on {name}, µs: {} accounts",
                    sizes.iter().skip(1).map(|size| human(*size)).collect::<Vec<_>>().join(", ")
                ),
                words(&times[1..]),
                format!("{:.0} with {}", times[0], human(sizes[0])),
                (median(ratios.collect()), ""),
                Goal::AtMost(1.15),
            );
        }
    }
}

fn human(number: u64) -> String {
    match number {
        1_000_000.. => format!("{} million", number / 1_000_000),
        _ => format!("{} thousand", number / 1_000),
    }
}

impl Contestant {
    fn prepare(database: &str, accounts: u64) -> Self {
        let (_, url) = databases().find(|(name, _)| *name == database).unwrap();
        let house = House::empty(&url);
        house.fill(accounts);
        let sessions = house.open_sessions((1..=USED).map(move |place| place * accounts / USED));
        Self { accounts, house, sessions, times: Default::default() }
    }

    fn round(&mut self, round: usize, effort: Effort) {
        // The row is asked for each time: what is kept in memory does not grow.
        let server = self.house.serve(&["--session-cache", "0s"]);
        for (place, path) in ["/", "/account/sessions"].into_iter().enumerate() {
            self.times[place].push(self.page(&server, path, effort));
        }
        drop(server);
        let (accounts, round) = (self.accounts, round as u64);
        let (sign_in, registration) = self.house.with(async |app| {
            let (mut sign_ins, mut registrations) = (Vec::new(), Vec::new());
            for turn in 0..TIMES {
                sign_ins.push(sign_in(app, (round * TIMES + turn) % USED * accounts / USED + 1).await);
                registrations.push(register(app, round * TIMES + turn).await);
            }
            (median(sign_ins), median(registrations))
        });
        self.times[2].push(sign_in);
        self.times[3].push(registration);
    }

    fn page(&self, server: &Server, path: &str, effort: Effort) -> f64 {
        let requests: Vec<Request> = self.sessions.iter().map(|session| Request::get(path, Some(session))).collect();
        let measured = wrk::run(&server.address, &requests, 1, effort.seconds);
        assert_eq!(measured.bad, 0, "{path}");
        measured.p50.as_secs_f64() * 1e6
    }
}

/// Microseconds of `work` that were not spent on the threads that hash.
async fn without_hashing<T>(app: &App, work: impl Future<Output = T>) -> (f64, T) {
    let (began, hashing) = (Instant::now(), app.accounts.time_hashing());
    let done = work.await;
    let rest: Duration = (began.elapsed() + hashing).saturating_sub(app.accounts.time_hashing());
    (rest.as_secs_f64() * 1e6, done)
}

fn client(number: u64) -> Client {
    let address = Ipv4Addr::from_bits(0xc612_0000 + u32::try_from(number % 100_000).unwrap());
    Client { address: IpAddr::V4(address), user_agent: seed::BROWSER.into(), request_id: RequestId::new() }
}

async fn sign_in(app: &App, number: u64) -> f64 {
    let form = SignIn {
        login: seed::name(number),
        password: Password::parse(PASSWORD).unwrap(),
        remember: false,
        devices: Vec::new(),
        replaces: None,
    };
    let (time, outcome) = without_hashing(app, app.accounts.authenticate(form, &client(number))).await;
    assert!(matches!(outcome, Ok(SignInOutcome::Welcome(_))), "{outcome:?}");
    time
}

async fn register(app: &App, number: u64) -> f64 {
    let name = format!("newcomer-{number}");
    let form = Registration {
        email: format!("{name}@keepers.example"),
        username: name,
        password: Password::parse(PASSWORD).ok(),
        password_confirm: Password::parse(PASSWORD).ok(),
        replaces: None,
    };
    let (time, outcome) = without_hashing(app, app.accounts.register(form, &client(number))).await;
    assert!(matches!(outcome, Ok(RegisterOutcome::Welcome(_))), "{outcome:?}");
    time
}
