//! The lists of accounts in the admin area, with a thousand and a million accounts.

use gatehouse::{accounts::AdminAction, client::Client};

use crate::{
    Rounds, databases,
    fixture::Fixture,
    seed,
    table::{Goal, Table, median},
    wrk::{self, Request},
};

const ACCOUNTS: [u64; 2] = [1_000, 1_000_000];
/// What is opened, and its name. All accounts are active and one has a role, so that filters have much to leave out.
const PAGES: [(&str, &str); 5] = [
    ("list of accounts", "/admin/accounts"),
    ("accounts by the start of a name", "/admin/accounts?q=keeper-000005"),
    ("accounts with a role", "/admin/accounts?role=admin"),
    ("disabled accounts", "/admin/accounts?state=disabled"),
    ("accounts by name and role", "/admin/accounts?q=keeper&role=admin"),
];

pub fn measure(rounds: Rounds, table: &mut Table) {
    for name in ["SQLite", "MariaDB"] {
        let datasets = ACCOUNTS.map(|accounts| {
            let (_, url) = databases().find(|(known, _)| *known == name).unwrap();
            let fixture = Fixture::empty(&url);
            fixture.fill(accounts);
            fixture.with_app(async |app| {
                let role = AdminAction::AddRole("admin".parse().unwrap());
                app.accounts.operate(seed::account(1), role, &Client::anonymous()).await.unwrap();
            });
            let session = fixture.create_sessions(1..=1).remove(0);
            (fixture, session)
        });
        let mut times = vec![(Vec::new(), Vec::new(), Vec::new()); PAGES.len()];
        for _ in 0..rounds.count {
            let [few, many] = [0, 1].map(|index| {
                let (fixture, session) = &datasets[index];
                let server = fixture.serve(&[]);
                PAGES.map(|(_, path)| {
                    let request = Request::get(path, Some(session));
                    let measured = wrk::run(&server.address, &[request], 1, rounds.seconds.div_ceil(2));
                    assert_eq!(measured.failures, 0, "{path}");
                    measured.p50.as_secs_f64() * 1e6
                })
            });
            for (times, (few, many)) in times.iter_mut().zip(few.into_iter().zip(many)) {
                times.0.push(many);
                times.1.push(few);
                times.2.push(many / few);
            }
        }
        for ((page, _), (many, few, ratios)) in PAGES.into_iter().zip(times) {
            table.add(
                format!("{page} in the admin area on {name}, µs: 1 million accounts; 1 thousand"),
                format!("{:.0}", median(many)),
                format!("{:.0}", median(few)),
                (median(ratios), ""),
                Goal::AtMost(1.3),
            );
        }
    }
}
