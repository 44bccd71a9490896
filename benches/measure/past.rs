//! An account with a long past: its page of activity over a thousand and over a million events of its own.

use diesel::connection::SimpleConnection;
use gatehouse::{clock::Clock, db::AnyConnection};

use crate::{
    Effort, databases,
    house::House,
    seed,
    table::{Goal, Table, median},
    wrk::{self, Request},
};

const EVENTS: [u32; 2] = [1_000, 1_000_000];
/// Events that one transaction adds.
const PIECE: u32 = 20_000;

pub fn measure(effort: Effort, table: &mut Table) {
    for name in ["SQLite", "MariaDB"] {
        let contestants = EVENTS.map(|events| {
            let (_, url) = databases().find(|(known, _)| *known == name).unwrap();
            let house = House::empty(&url);
            house.fill(1);
            add(&house, events);
            let session = house.open_sessions(1..=1).remove(0);
            (house, Request::get("/account/activity", Some(&session)))
        });
        let (mut few, mut many, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..effort.rounds {
            let [one, other] = [0, 1].map(|place| {
                let (house, request) = &contestants[place];
                let measured = wrk::run(&house.serve(&[]).address, std::slice::from_ref(request), 1, effort.seconds);
                assert_eq!(measured.bad, 0, "answers that are none");
                measured.p50.as_secs_f64() * 1e6
            });
            few.push(one);
            many.push(other);
            ratios.push(other / one);
        }
        table.add(
            format!("page of activity on {name}, µs: 1 million events of the account; 1 thousand"),
            format!("{:.0}", median(many)),
            format!("{:.0}", median(few)),
            (median(ratios), ""),
            Goal::AtMost(1.15),
        );
    }
}

/// Adds events of the one account, in pieces that the server has patience for. Their ids go up, as those of real events do.
fn add(house: &House, events: u32) {
    let now = Clock::system().now().as_millis();
    house.with(async |app| {
        for first in (0..events).step_by(PIECE as usize) {
            let count = PIECE.min(events - first);
            let add = move |conn: &mut AnyConnection| {
                let (id, series) = match conn {
                    AnyConnection::Sqlite(_) => (
                        format!("unhex(printf('01%030x', {first} + x))"),
                        format!(
                            "(WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {count}) \
                             SELECT x FROM n)"
                        ),
                    ),
                    AnyConnection::Mysql(_) => (
                        format!("UNHEX(CONCAT('01', LPAD(HEX({first} + seq), 30, '0')))"),
                        format!("seq_1_to_{count}"),
                    ),
                };
                conn.batch_execute(&format!(
                    "INSERT INTO events (id, at, kind, account_id, address, user_agent, request_id, occurrences) \
                     SELECT {id}, {now}, 'signed_in', (SELECT id FROM accounts), '192.0.2.1', '{}', '0', 1 FROM {series}",
                    seed::BROWSER
                ))
            };
            app.database.write(add).await.unwrap();
        }
    });
}
