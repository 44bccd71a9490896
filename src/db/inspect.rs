//! What `gatehouse doctor` asks of a database. Changes nothing.

use std::{
    thread,
    time::{Duration, Instant},
};

use diesel::{QueryableByName, RunQueryDsl, sql_types::BigInt};

use super::{
    QueryResult,
    connection::{AnyConnection, Mode},
    error::{Cause, StartError},
    migrate::{self, MigrationStatus},
    mysql,
};
use crate::{
    clock::{Clock, Timestamp},
    config::DatabaseUrl,
};

/// Round trips that are measured. The shortest counts, which the load of this machine disturbs least.
const SAMPLES: u32 = 5;

/// The state of a database.
#[derive(Debug)]
pub struct Inspection {
    /// How long one query takes, at least.
    pub round_trip: Duration,
    /// How many milliseconds the clock of the database is ahead of the clock of this process.
    pub ahead_by_millis: i64,
    /// Whether its tables are those of this release.
    pub migrations: MigrationStatus,
}

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = BigInt)]
    milliseconds: i64,
}

/// Inspects the database at `url`, which must exist if it is a file. Blocks.
pub fn inspect(url: &DatabaseUrl, clock: &Clock) -> Result<Inspection, StartError> {
    let (target, clock) = (url.clone(), clock.clone());
    // On a thread of its own: a connection to a server must not be opened inside the runtime of a command.
    let inspected = thread::spawn(move || {
        mysql::enable_timeout();
        let mut conn = AnyConnection::open(&target, Mode::Read)?;
        let (round_trip, ahead_by_millis) = measure(&mut conn, &clock)?;
        Ok(Inspection { round_trip, ahead_by_millis, migrations: migrate::status(&mut conn)? })
    });
    inspected
        .join()
        .unwrap_or_else(|_| Err("no answer in time, see the log".into()))
        .map_err(|error: Cause| StartError::Connect(url.clone(), error))
}

/// Returns the shortest round trip, and how far ahead the database's clock was then.
fn measure(conn: &mut AnyConnection, clock: &Clock) -> QueryResult<(Duration, i64)> {
    let mut best = (Duration::MAX, 0);
    for _ in 0..SAMPLES {
        let (started_at, sent_at) = (Instant::now(), clock.now());
        let now = now(conn)?;
        let round_trip = started_at.elapsed();
        if round_trip < best.0 {
            let own = sent_at.plus(round_trip / 2);
            best = (round_trip, now.as_millis() - own.as_millis());
        }
    }
    Ok(best)
}

fn now(conn: &mut AnyConnection) -> QueryResult<Timestamp> {
    let now: Now = match conn {
        // The clock of this machine, so that both databases are checked alike.
        AnyConnection::Sqlite(sqlite) => {
            diesel::sql_query("SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS milliseconds")
                .get_result(sqlite)?
        }
        AnyConnection::Mysql(mysql) => diesel::sql_query(
            "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000 AS milliseconds",
        )
        .get_result(mysql)?,
    };
    Ok(Timestamp::from_millis(now.milliseconds))
}
