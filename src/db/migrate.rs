//! Runs the migrations at start, and checks that the database returns what was written.

use std::collections::BTreeSet;

use diesel::{
    ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl,
    connection::SimpleConnection,
    migration::{Migration, MigrationSource},
    mysql::Mysql,
    sql_types::{BigInt, Integer, Nullable, Text},
    sqlite::Sqlite,
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

/// The migrations that a database and this release do not have in common.
#[derive(Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Migrations of this release that did not run yet.
    pub pending: usize,
    /// Migrations of the database that this release does not have: a later release has run them.
    pub unknown: usize,
    /// Whether no migration ran yet, so that there are no tables.
    pub is_empty: bool,
}

/// Compares the migrations of the database with those of this release. Changes nothing; Diesel's own functions create
/// the table of migrations.
pub(super) fn status(conn: &mut AnyConnection) -> Result<MigrationStatus, Cause> {
    #[derive(diesel::QueryableByName)]
    struct Tables {
        #[diesel(sql_type = BigInt)]
        tables: i64,
    }
    #[derive(diesel::QueryableByName)]
    struct Version {
        #[diesel(sql_type = Text)]
        version: String,
    }
    let known = match conn {
        AnyConnection::Sqlite(_) => versions(&MigrationSource::<Sqlite>::migrations(&SQLITE)?),
        AnyConnection::Mysql(_) => versions(&MigrationSource::<Mysql>::migrations(&MYSQL)?),
    };
    let tables: Tables = match conn {
        AnyConnection::Sqlite(sqlite) => {
            diesel::sql_query("SELECT COUNT(*) AS tables FROM sqlite_schema WHERE name = '__diesel_schema_migrations'")
                .get_result(sqlite)?
        }
        AnyConnection::Mysql(mysql) => diesel::sql_query(
            "SELECT COUNT(*) AS tables FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND table_name = '__diesel_schema_migrations'",
        )
        .get_result(mysql)?,
    };
    let mut applied: Vec<Version> = Vec::new();
    if tables.tables > 0 {
        let query = diesel::sql_query("SELECT version FROM __diesel_schema_migrations");
        applied = match conn {
            AnyConnection::Sqlite(sqlite) => query.load(sqlite)?,
            AnyConnection::Mysql(mysql) => query.load(mysql)?,
        };
    }
    let applied: BTreeSet<String> = applied.into_iter().map(|row| row.version).collect();
    Ok(MigrationStatus {
        pending: known.difference(&applied).count(),
        unknown: applied.difference(&known).count(),
        is_empty: applied.is_empty(),
    })
}

fn versions<DB: diesel::backend::Backend>(migrations: &[Box<dyn Migration<DB>>]) -> BTreeSet<String> {
    migrations.iter().map(|migration| migration.name().version().to_string()).collect()
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
