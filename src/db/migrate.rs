//! Brings a database to the present schema at start, and sees that it returns what it was given.

use diesel::{
    ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl,
    connection::SimpleConnection,
    sql_types::{Integer, Nullable},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{connection::AnyConnection, schema::round_trips};
use crate::{clock::Timestamp, random};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const MYSQL: EmbeddedMigrations = embed_migrations!("migrations/mysql");

/// How long one process waits for another that is migrating the same server, in seconds.
const LOCK_SECONDS: u32 = 60;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs what has not run yet. Any number of processes may do so at once: one does the work, the others wait for it.
pub(super) fn migrate(conn: &mut AnyConnection) -> Result<(), Failure> {
    match conn {
        AnyConnection::Sqlite(sqlite) => {
            sqlite.immediate_transaction(|sqlite| sqlite.run_pending_migrations(SQLITE).map(|_| ()))
        }
        AnyConnection::Mysql(mysql) => {
            // DDL is not transactional on MySQL. The lock's name holds the database's: locks are the server's.
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
            let outcome = mysql.run_pending_migrations(MYSQL).map(|_| ());
            mysql.batch_execute("DO RELEASE_LOCK(CONCAT('gatehouse-', MD5(DATABASE())))")?;
            outcome
        }
    }
}

/// Writes a string and a time, reads them back and compares.
///
/// Some MySQL client libraries return empty strings to Diesel (CONC-821), and a server whose character set is not
/// what the migrations asked for loses letters. Better not to start than to find out from a person's name.
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
