//! What the pages of an account cost when its past is long: `/account/activity` with a thousand and with a million events,
//! `/account/sessions` with a thousand sessions beside them. Both databases, one run: `cargo bench --bench account_pages`.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a program for a developer's terminal"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use gatehouse::db::AnyConnection;

use support::{TestApp, client::Client, mariadb::Mariadb};

const REQUESTS: usize = 300;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("median of {REQUESTS} requests   activity  sessions (50 of 1000)");
    for (database, url) in [("SQLite", String::new()), ("MariaDB", Mariadb::shared().database())] {
        let app = TestApp::over(url, &[]);
        let client = app.member("zoe").await;
        sessions(&app, 1_000).await;
        let mut before: Option<(Duration, Duration)> = None;
        for rows in [1_000, 1_000_000] {
            seed(&app, rows).await;
            let (activity, listed) =
                (median(&client, "/account/activity").await, median(&client, "/account/sessions").await);
            println!("{database:8} {rows:>9} events  {activity:>8.2?}  {listed:>8.2?}");
            if let Some((one, other)) = before {
                let ratio = |now: Duration, then: Duration| now.as_secs_f64() / then.as_secs_f64();
                println!("{database:8} ratio             {:>8.2}  {:>8.2}", ratio(activity, one), ratio(listed, other));
            }
            before = Some((activity, listed));
        }
    }
}

/// Adds events of the one account, and as many of nobody, in pieces that the server has patience for. Their ids go up, as
/// those of real events do.
async fn seed(app: &TestApp, events: u32) {
    const PIECE: u32 = 20_000;
    for piece in 0..events.div_ceil(PIECE) {
        for owner in ["(SELECT id FROM accounts)", "NULL"] {
            let at = support::BEGINNING.as_millis();
            let insert = format!(
                "INSERT INTO events (id, at, kind, account_id, address, user_agent, request_id, occurrences) \
                 SELECT {{id}}, {at}, 'signed_in', {owner}, '192.0.2.1', '', '0', 1 FROM {{series}}"
            );
            // Two owners, and two rounds of seeding: no number twice.
            let first = (u64::from(events) * 2 + u64::from(piece * PIECE)) * 2 + u64::from(owner == "NULL");
            add(app, insert, first, events.min(PIECE)).await;
        }
    }
}

async fn sessions(app: &TestApp, count: u32) {
    let at = support::BEGINNING.as_millis();
    let insert = format!(
        "INSERT INTO sessions \
         (id, account_id, created_at, authenticated_at, last_seen_at, expires_at, remembered, address, user_agent) \
         SELECT {{id}}, (SELECT id FROM accounts), {at}, {at}, {at}, {at} + 3600000, 0, '192.0.2.1', '' FROM {{series}}"
    );
    add(app, insert, 0, count).await;
}

async fn add(app: &TestApp, insert: String, first: u64, count: u32) {
    let add = move |conn: &mut AnyConnection| {
        let (id, series) = match conn {
            AnyConnection::Sqlite(_) => (
                format!("unhex(printf('%032x', {first} + 2 * x))"),
                format!(
                    "(WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {count}) SELECT x FROM n)"
                ),
            ),
            AnyConnection::Mysql(_) => {
                (format!("UNHEX(LPAD(HEX({first} + 2 * seq), 32, '0'))"), format!("seq_1_to_{count}"))
            }
        };
        conn.batch_execute(&insert.replace("{id}", &id).replace("{series}", &series))
    };
    app.app.database.write(add).await.unwrap();
}

async fn median(client: &Client, path: &str) -> Duration {
    let mut times = Vec::with_capacity(REQUESTS);
    while times.len() < REQUESTS {
        let began = Instant::now();
        let answer = client.get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        times.push(began.elapsed());
    }
    times.sort();
    times[REQUESTS / 2]
}
