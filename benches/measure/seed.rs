//! Rows by the million: accounts with as many sessions and events, written by the database itself. Ids of accounts and events
//! go up as real ones do, and end in digits that spread. Those of sessions are chance in life; here they are spread as
//! evenly, but go up too, because a tree fills ten times as fast in its order.

use std::io::{IsTerminal, Write};

use diesel::{QueryResult, connection::SimpleConnection};
use gatehouse::{
    clock::{Clock, Timestamp},
    db::{AnyConnection, Database},
    sessions::Previously,
};
use uuid::Uuid;

/// Rows that one transaction adds: few enough for the server's patience.
const PIECE: u64 = 20_000;
/// A browser as they come.
pub const BROWSER: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36";

/// The id of the account with this number, counted from 1.
pub fn account(number: u64) -> Uuid {
    Uuid::from_u128(u128::from(number) << 64 | u128::from(spread(number)))
}

/// The same as the SQL below.
fn spread(number: u64) -> u64 {
    number * 40_503 % 65_536
}

/// The name of the account with this number.
pub fn name(number: u64) -> String {
    format!("keeper-{number:08}")
}

/// What there was before a session that is opened for a benchmark.
pub fn previously() -> Previously {
    let at = Clock::system().now().minus(std::time::Duration::from_hours(30));
    Previously { at: Some(at), address: "192.0.2.1".to_owned(), user_agent: BROWSER.to_owned(), failures: 0 }
}

/// Adds so many accounts, each with one session and one event, and the password that `hash` was made of.
pub async fn fill(database: &Database, hash: &str, accounts: u64) {
    let now = Clock::system().now();
    let mut done = 0;
    while done < accounts {
        let (first, count) = (done, PIECE.min(accounts - done));
        let hash = hash.to_owned();
        database.write(move |conn| add(conn, &hash, now, first, count, accounts)).await.unwrap();
        done += count;
        if std::io::stderr().is_terminal() || done == accounts || done.is_multiple_of(1_000_000) {
            eprint!("\r{done} of {accounts} accounts, sessions and events");
            std::io::stderr().flush().unwrap();
        }
    }
    eprintln!();
}

fn add(conn: &mut AnyConnection, hash: &str, now: Timestamp, first: u64, count: u64, of: u64) -> QueryResult<()> {
    let now = now.as_millis();
    let step = u64::from(u32::MAX) / of;
    let (number, name, series) = match conn {
        AnyConnection::Sqlite(_) => (
            format!("({first} + x)"),
            "printf('keeper-%08d', #)",
            format!(
                "(WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {count}) SELECT x FROM n)"
            ),
        ),
        AnyConnection::Mysql(_) => {
            (format!("({first} + seq)"), "CONCAT('keeper-', LPAD(#, 8, '0'))", format!("seq_1_to_{count}"))
        }
    };
    let hex = |digits: u8, number: &str| match conn {
        AnyConnection::Sqlite(_) => format!("printf('%0{digits}x', {number})"),
        AnyConnection::Mysql(_) => format!("LPAD(HEX({number}), {digits}, '0')"),
    };
    let id = format!("UNHEX(CONCAT({}, {}))", hex(16, "#"), hex(16, "# * 40503 % 65536"));
    let session =
        format!("UNHEX(CONCAT({}, {}, {}))", hex(8, &format!("# * {step}")), hex(8, "#"), hex(16, "# * 40503 % 65536"));
    let email = format!("CONCAT({name}, '@keepers.example')");
    let inserts = [
        format!(
            "INSERT INTO accounts (id, username, email, email_key, password_hash, created_at, last_sign_in_at, \
             last_sign_in_address, last_sign_in_user_agent) \
             SELECT {id}, {name}, {email}, {email}, '{hash}', {now}, {now}, '192.0.2.1', '{BROWSER}' FROM {series}"
        ),
        format!(
            "INSERT INTO sessions (id, account_id, created_at, authenticated_at, last_seen_at, expires_at, remembered, \
             previous_address, previous_user_agent, address, user_agent) \
             SELECT {session}, {id}, {now}, {now}, {now}, {now} + 43200000, 1, '192.0.2.1', '{BROWSER}', '192.0.2.1', \
             '{BROWSER}' FROM {series}"
        ),
        format!(
            "INSERT INTO events (id, at, kind, account_id, address, user_agent, request_id, occurrences) \
             SELECT {id}, {now}, 'signed_in', {id}, '192.0.2.1', '{BROWSER}', '0123456789abcdef', 1 FROM {series}"
        ),
    ];
    inserts.iter().try_for_each(|insert| conn.batch_execute(&insert.replace('#', &number)))
}
