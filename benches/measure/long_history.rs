//! The activity page of an account with a long history: a thousand and a million events of that account.

use diesel::connection::SimpleConnection;
use gatehouse::{clock::Clock, db::AnyConnection};

use crate::{
    Rounds, databases,
    fixture::Fixture,
    seed,
    table::{Goal, Table, median},
    wrk::{self, Request},
};

const EVENTS: [u32; 2] = [1_000, 1_000_000];
/// Events that one transaction inserts.
const BATCH_SIZE: u32 = 20_000;

pub fn measure(rounds: Rounds, table: &mut Table) {
    for name in ["SQLite", "MariaDB"] {
        let datasets = EVENTS.map(|events| {
            let (_, url) = databases().find(|(known, _)| *known == name).unwrap();
            let fixture = Fixture::empty(&url);
            fixture.fill(1);
            add(&fixture, events);
            let session = fixture.create_sessions(1..=1).remove(0);
            (fixture, Request::get("/account/activity", Some(&session)))
        });
        let (mut few, mut many, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds.count {
            let [short, long] = [0, 1].map(|index| {
                let (fixture, request) = &datasets[index];
                let measured = wrk::run(&fixture.serve(&[]).address, std::slice::from_ref(request), 1, rounds.seconds);
                assert_eq!(measured.failures, 0, "failed requests");
                measured.p50.as_secs_f64() * 1e6
            });
            few.push(short);
            many.push(long);
            ratios.push(long / short);
        }
        table.add(
            format!("activity page on {name}, µs: account with 1 million events; with 1 thousand"),
            format!("{:.0}", median(many)),
            format!("{:.0}", median(few)),
            (median(ratios), ""),
            Goal::AtMost(1.15),
        );
    }
}

/// Inserts events of the only account, in batches that stay below the database timeout. Their ids increase like real
/// ones.
fn add(fixture: &Fixture, events: u32) {
    let now = Clock::system().now().as_millis();
    fixture.with_app(async |app| {
        for first in (0..events).step_by(BATCH_SIZE as usize) {
            let count = BATCH_SIZE.min(events - first);
            let add = move |conn: &mut AnyConnection| {
                let (id, series) = match conn {
                    AnyConnection::Sqlite(_) => (
                        format!("unhex(printf('01%030x', {first} + x))"),
                        format!(
                            "(WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {count}) \
                             SELECT x FROM n)"
                        ),
                    ),
                    AnyConnection::Mysql(_) => {
                        (format!("UNHEX(CONCAT('01', LPAD(HEX({first} + seq), 30, '0')))"), format!("seq_1_to_{count}"))
                    }
                };
                conn.batch_execute(&format!(
                    "INSERT INTO events (id, at, kind, account_id, address, user_agent, request_id, occurrences) \
                     SELECT {id}, {now}, 'signed_in', (SELECT id FROM accounts), '192.0.2.1', '{}', '0', 1 \
                     FROM {series}",
                    seed::BROWSER
                ))
            };
            app.core.database.write(add).await.unwrap();
        }
    });
}
