//! Reads a table of another application: an SQLite file, which is opened read-only, or a MySQL server. Row by row, so
//! the memory does not grow with the table.

use diesel::{
    Connection, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::{DefaultLoadingMode, SimpleConnection},
    sql_types::{BigInt, Nullable, Text},
};
use mysql_async::{Conn, Opts, prelude::Queryable};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tokio::runtime::{Builder, Runtime};

use super::error::Cause;
use crate::config::DatabaseUrl;

/// What separates the path from the parameters in the URL of a file.
const URL_SYNTAX: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'?');
/// The most expressions that a query selects.
pub const MAX_COLUMNS: usize = 12;

/// A connection to the database of another application.
pub enum ForeignDatabase {
    /// A file.
    Sqlite(Box<SqliteConnection>),
    /// A server.
    Mysql(Box<Conn>, Runtime),
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// A row of texts. The names are those that [`ForeignDatabase::read`] gives to the expressions.
#[derive(QueryableByName)]
struct Texts {
    #[diesel(sql_type = Nullable<Text>)]
    c0: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    c1: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    c2: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    c3: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    c4: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    c5: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    c6: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    c7: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    c8: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    c9: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    c10: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    c11: Option<String>,
}

impl From<Texts> for [Option<String>; MAX_COLUMNS] {
    fn from(row: Texts) -> Self {
        let Texts { c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11 } = row;
        [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11]
    }
}

impl ForeignDatabase {
    /// Opens a file, which is not changed.
    pub fn open_file(path: &str) -> Result<Self, Cause> {
        let url = format!("file:{}?mode=ro", utf8_percent_encode(path, URL_SYNTAX));
        let mut connection = SqliteConnection::establish(&url)?;
        connection.batch_execute("PRAGMA query_only = ON")?;
        Ok(Self::Sqlite(Box::new(connection)))
    }

    /// Connects to a server. Blocks, and must not be called inside of a runtime.
    pub fn connect(url: &DatabaseUrl) -> Result<Self, Cause> {
        let options = Opts::from_url(url.secret().unwrap_or_default())?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let connection = runtime.block_on(Conn::new(options))?;
        Ok(Self::Mysql(Box::new(connection), runtime))
    }

    /// Returns the names of all tables.
    pub fn tables(&mut self) -> Result<Vec<String>, Cause> {
        Ok(match self {
            Self::Sqlite(connection) => {
                let tables = diesel::sql_query("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')");
                names(tables.load(&mut **connection)?)
            }
            Self::Mysql(connection, runtime) => runtime.block_on(
                connection.query("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"),
            )?,
        })
    }

    /// Returns the names of the columns of a table.
    pub fn columns(&mut self, table: &str) -> Result<Vec<String>, Cause> {
        Ok(match self {
            Self::Sqlite(connection) => {
                let columns = diesel::sql_query("SELECT name FROM pragma_table_info(?)").bind::<Text, _>(table);
                names(columns.load(&mut **connection)?)
            }
            Self::Mysql(connection, runtime) => runtime.block_on(connection.exec(
                "SELECT column_name FROM information_schema.columns \
                 WHERE table_schema = DATABASE() AND table_name = ?",
                (table,),
            ))?,
        })
    }

    /// Returns the number of rows of a table.
    pub fn count(&mut self, table: &str) -> Result<u64, Cause> {
        let query = format!("SELECT COUNT(*) AS `rows` FROM {}", self.quote(table));
        let rows = match self {
            Self::Sqlite(connection) => diesel::sql_query(query).get_result::<Count>(&mut **connection)?.rows,
            Self::Mysql(connection, runtime) => runtime.block_on(connection.query_first(query))?.unwrap_or(0),
        };
        Ok(u64::try_from(rows).unwrap_or(0))
    }

    /// Returns the name of a table or column as part of a query.
    #[must_use]
    pub fn quote(&self, name: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("\"{}\"", name.replace('"', "\"\"")),
            Self::Mysql(..) => format!("`{}`", name.replace('`', "``")),
        }
    }

    /// Calls `each` with the values of `expressions` for each row of a table, as text, until it returns `false`. A row
    /// with a text that is not UTF-8 is `None`.
    pub fn read(
        &mut self,
        table: &str,
        expressions: &[String],
        mut each: impl FnMut(Option<[Option<String>; MAX_COLUMNS]>) -> bool,
    ) -> Result<(), Cause> {
        let as_text = |(place, expression): (usize, &String)| match self {
            Self::Sqlite(_) => format!("CAST({expression} AS TEXT) AS c{place}"),
            // `CONVERT` of bytes would replace what is not UTF-8 by question marks, which an address may have.
            Self::Mysql(..) => {
                let text = format!("CONVERT({expression} USING utf8mb4)");
                format!("CAST(IF(CHARSET({expression}) = 'binary', {expression}, {text}) AS BINARY) AS c{place}")
            }
        };
        let null = "NULL".to_owned();
        let padded = expressions.iter().chain(std::iter::repeat(&null)).take(MAX_COLUMNS);
        let columns: Vec<String> = padded.enumerate().map(as_text).collect();
        let query = format!("SELECT {} FROM {}", columns.join(", "), self.quote(table));
        match self {
            Self::Sqlite(connection) => {
                let query = diesel::sql_query(query);
                for row in query.load_iter::<Texts, DefaultLoadingMode>(&mut **connection)? {
                    let row = match row {
                        Err(diesel::result::Error::DeserializationError(_)) => None,
                        row => Some(row?.into()),
                    };
                    if !each(row) {
                        return Ok(());
                    }
                }
                Ok(())
            }
            Self::Mysql(connection, runtime) => runtime.block_on(async {
                let mut rows = connection.query_iter(query).await?;
                while let Some(mut row) = rows.next().await? {
                    let texts = (0..MAX_COLUMNS).map(|place| {
                        let value: Option<Option<Vec<u8>>> = row.take(place);
                        value.flatten().map(String::from_utf8).transpose()
                    });
                    let texts = texts.collect::<Result<Vec<_>, _>>().ok().and_then(|texts| texts.try_into().ok());
                    if !each(texts) {
                        return Ok(());
                    }
                }
                Ok(())
            }),
        }
    }
}

fn names(rows: Vec<Name>) -> Vec<String> {
    rows.into_iter().map(|row| row.name).collect()
}

/// Whether a file is an SQLite database, by its first bytes.
#[must_use]
pub fn is_sqlite(start: &[u8]) -> bool {
    start.starts_with(b"SQLite format 3\0")
}
