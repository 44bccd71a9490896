//! Runs the migrations at start, and checks that the database returns what was written.

use diesel::{
    ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl,
    connection::SimpleConnection,
    sql_types::{Integer, Nullable},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{connection::AnyConnection, error::Cause, schema::round_trips};
use crate::{clock::Timestamp, random};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const MYSQL: EmbeddedMigrations = embed_migrations!("migrations/mysql");

/// How long one process waits for another that migrates the same database, in seconds.
const LOCK_SECONDS: u32 = 60;

/// Runs pending migrations and returns their number. Several processes may do so at once: one migrates, the others wait
/// for it.
pub(super) fn migrate(conn: &mut AnyConnection) -> Result<usize, Cause> {
    match conn {
        AnyConnection::Sqlite(sqlite) => {
            sqlite.immediate_transaction(|sqlite| sqlite.run_pending_migrations(SQLITE).map(|run| run.len()))
        }
        AnyConnection::Mysql(mysql) => {
            // DDL is not transactional on MySQL. Named locks belong to the whole server, so the name contains the
            // database's.
            #[derive(diesel::QueryableByName)]
            struct Lock {
                #[diesel(sql_type = Nullable<Integer>)]
                taken: Option<i32>,
            }
            let lock: Lock = diesel::sql_query(format!(
                "SELECT GET_LOCK(CONCAT('gatehouse-', MD5(DATABASE())), {LOCK_SECONDS}) AS taken"
            ))
            .get_result(mysql)?;
            if lock.taken != Some(1) {
                return Err(
                    format!("another process has been migrating this database for {LOCK_SECONDS} seconds").into()
                );
            }
            let outcome = mysql.run_pending_migrations(MYSQL).map(|run| run.len());
            mysql.batch_execute("DO RELEASE_LOCK(CONCAT('gatehouse-', MD5(DATABASE())))")?;
            outcome
        }
    }
}

/// Writes a string and a time, reads them back and compares.
///
/// Some MySQL client libraries return empty strings to Diesel (CONC-821), and a server with another character set than
/// the migrations ask for loses letters. Then it is better not to start.
pub(super) fn round_trip(conn: &mut AnyConnection) -> QueryResult<bool> {
    let id = random::bytes::<16>();
    let words = "Zoë Ünal, 王, Ωμέγα 🏰";
    let at = Timestamp::from_millis(4_102_444_799_999);
    diesel::insert_into(round_trips::table)
        .values((round_trips::id.eq(&id[..]), round_trips::words.eq(words), round_trips::at.eq(at)))
        .execute(conn)?;
    let back: (Vec<u8>, String, Timestamp) = round_trips::table.find(&id[..]).get_result(conn)?;
    diesel::delete(round_trips::table.find(&id[..])).execute(conn)?;
    Ok(back == (id.to_vec(), words.to_owned(), at))
}
