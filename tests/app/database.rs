use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use diesel::{Connection, QueryDsl, RunQueryDsl, SqliteConnection, connection::SimpleConnection};
use gatehouse::db::{
    AnyConnection,
    schema::{accounts, sessions},
};
use tokio::time::sleep;

use crate::support::{PASSWORD, TestApp, mariadb::Mariadb, on_mariadb};

fn migrations(backend: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(backend);
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn both_backends_have_the_same_reversible_migrations() {
    let names = migrations("sqlite");
    assert_eq!(names, migrations("mysql"));
    for backend in ["sqlite", "mysql"] {
        for name in &names {
            for file in ["up.sql", "down.sql"] {
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(backend).join(name).join(file);
                assert!(!fs::read_to_string(&path).unwrap().trim().is_empty(), "{}", path.display());
            }
        }
    }
}

// ASVS 1.2.4
#[test]
fn no_query_is_built_from_text() {
    fn visit(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, found);
            } else if fs::read_to_string(&path).unwrap().contains("sql_query(") {
                found.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let mut found = Vec::new();
    visit(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert_eq!(found, ["migrate.rs"], "which asks for a lock by a constant name");
}

#[tokio::test]
async fn migrations_revert_and_reapply() {
    use diesel_migrations::{FileBasedMigrations, MigrationHarness};
    let app = TestApp::spawn();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let file = app.data_dir().join("gatehouse.db").display().to_string();
    // Not in a transaction: MySQL ends one at every change of a table.
    let revert_and_reapply = move |conn: &mut AnyConnection| match conn {
        AnyConnection::Sqlite(_) => {
            let source = FileBasedMigrations::from_path(root.join("sqlite")).unwrap();
            let mut conn = SqliteConnection::establish(&file).unwrap();
            conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
            let reverted = conn.revert_all_migrations(source.clone()).unwrap().len();
            conn.run_pending_migrations(source).unwrap();
            Ok(reverted)
        }
        AnyConnection::Mysql(conn) => {
            let source = FileBasedMigrations::from_path(root.join("mysql")).unwrap();
            let reverted = conn.revert_all_migrations(source.clone()).unwrap().len();
            conn.run_pending_migrations(source).unwrap();
            Ok(reverted)
        }
    };
    let count = app.state.database.read(revert_and_reapply).await.unwrap();
    assert_eq!(count, migrations("sqlite").len());
    app.signed_in_client("zoe").await;
}

#[tokio::test]
async fn concurrent_processes_migrate_one_database_safely() {
    let app = TestApp::spawn();
    app.query(|conn| {
        for table in [
            "round_trips",
            "reserved_names",
            "throttles",
            "events",
            "sessions",
            "accounts",
            "__diesel_schema_migrations",
        ] {
            conn.batch_execute(&format!("DROP TABLE {table}"))?;
        }
        Ok(())
    })
    .await;
    let processes: Vec<_> = thread::scope(|scope| {
        let starts: Vec<_> = (0..6).map(|_| scope.spawn(|| app.second_process(&[]))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let client = processes[0].client();
    assert_eq!(client.register("zoe").await.status, 303);
    for second in &processes {
        assert!(client.against(&second.address).is_signed_in().await);
    }
}

#[tokio::test]
async fn startup_rejects_database_that_alters_stored_text() {
    let app = TestApp::spawn();
    app.query(|conn| match conn {
        AnyConnection::Sqlite(conn) => conn.batch_execute(
            "CREATE TRIGGER lossy AFTER INSERT ON round_trips BEGIN UPDATE round_trips SET words = replace(words, 'ë', '?'); END",
        ),
        AnyConnection::Mysql(conn) => conn.batch_execute(
            "CREATE TRIGGER lossy BEFORE INSERT ON round_trips FOR EACH ROW SET NEW.words = REPLACE(NEW.words, 'ë', '?')",
        ),
    })
    .await;
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| app.second_process(&[])));
    assert!(refused.is_err());
}

/// Signed in, or not, or 503; and nothing else ever.
async fn assert_unavailable(app: &TestApp, member: &crate::support::client::Client) {
    app.clock.advance(Duration::from_secs(2));
    let home = member.get("/").await;
    assert_eq!((home.status, home.header("retry-after")), (503, "5"));
    crate::middleware::assert_security_headers(&home, "no database");
    assert!(home.body.contains("One moment, please") && !home.body.contains("zoe"));
    assert_eq!(app.client().get("/readyz").await.status, 503);
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 503);
    assert_eq!(app.client().register("eva").await.status, 503);
    for page in ["/healthz", "/login", "/register"] {
        assert_eq!(app.client().get(page).await.status, 200, "{page}");
    }
}

async fn assert_recovers(app: &TestApp, member: &crate::support::client::Client) {
    for _ in 0..100 {
        app.clock.advance(Duration::from_secs(2));
        if member.get("/").await.status == 200 && app.client().sign_in("zoe", PASSWORD).await.status == 303 {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not recover");
}

// ASVS 16.5.2, 16.5.3
#[tokio::test]
async fn unavailable_database_returns_503_and_recovers_without_restart() {
    if on_mariadb() {
        let mut mariadb = Mariadb::start();
        let app = TestApp::with_database(mariadb.database(), &[]);
        let member = app.signed_in_client("zoe").await;
        mariadb.stop();
        assert_unavailable(&app, &member).await;
        mariadb.run();
        assert_recovers(&app, &member).await;
    } else {
        // A file does not go away while it is open; but somebody else can hold its lock for longer than we wait.
        let app = TestApp::spawn();
        let member = app.signed_in_client("zoe").await;
        let file = app.data_dir().join("gatehouse.db");
        let mut other = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
        other.batch_execute("BEGIN IMMEDIATE").unwrap();
        let answer = app.client().sign_in("zoe", PASSWORD).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "5"));
        assert_eq!(app.client().register("eva").await.status, 503);
        assert!(member.is_signed_in().await, "reading goes on");
        other.batch_execute("COMMIT").unwrap();
        drop(other);
        assert_recovers(&app, &member).await;
    }
}

/// Passes bytes on between a client and MariaDB, or, when told so, swallows them: a host that has lost its power.
fn proxy(port: u16) -> (u16, Arc<AtomicBool>) {
    let (listener, silent) = (TcpListener::bind("127.0.0.1:0").unwrap(), Arc::new(AtomicBool::new(false)));
    let (here, is_silent) = (listener.local_addr().unwrap().port(), Arc::clone(&silent));
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let lost = Arc::new(AtomicBool::new(false));
            let ways = [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)];
            for (mut from, mut to) in ways {
                let (is_silent, lost) = (Arc::clone(&is_silent), Arc::clone(&lost));
                thread::spawn(move || {
                    let mut bytes = [0; 4096];
                    while let Ok(1..) = from.read(&mut bytes).inspect(|count| {
                        // What was swallowed once is lost for good on that connection.
                        if is_silent.load(Ordering::SeqCst) {
                            lost.store(true, Ordering::SeqCst);
                        }
                        if !lost.load(Ordering::SeqCst) {
                            let _ = to.write_all(&bytes[..*count]);
                        }
                    }) {}
                });
            }
        }
    });
    (here, silent)
}

// This one waits in real time, because what it waits for is a socket.
#[tokio::test]
async fn unresponsive_database_returns_503_and_is_reconnected() {
    // A file does not fall silent, so this is about MariaDB whatever the rest runs on.
    let url = Mariadb::shared().database();
    let port: u16 = url.split(['@', '/']).nth(3).unwrap().rsplit(':').next().unwrap().parse().unwrap();
    let (here, silent) = proxy(port);
    // Otherwise the connection finds its own way past the proxy, by the server's socket.
    let url = url.replace(&format!(":{port}/"), &format!(":{here}/")) + "?prefer_socket=false";
    let app = TestApp::with_database(url, &[]);
    let member = app.signed_in_client("zoe").await;
    silent.store(true, Ordering::SeqCst);
    app.clock.advance(Duration::from_secs(2));
    assert_eq!(member.get("/").await.status, 503);
    silent.store(false, Ordering::SeqCst);
    assert_recovers(&app, &member).await;
}

#[tokio::test]
async fn full_disk_returns_503_and_loses_no_data() {
    if on_mariadb() {
        // MariaDB answers a full disk by waiting for room; what it says when it does not wait is a read-only server.
        let mariadb = Mariadb::start();
        let app = TestApp::with_database(mariadb.database(), &[]);
        let member = app.signed_in_client("zoe").await;
        mariadb.sql("SET GLOBAL read_only = 1");
        assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 503);
        assert!(member.is_signed_in().await, "reading goes on");
        mariadb.sql("SET GLOBAL read_only = 0");
        assert_recovers(&app, &member).await;
    } else {
        let app = TestApp::spawn();
        app.signed_in_client("zoe").await;
        app.query(|conn| conn.batch_execute("VACUUM").or(conn.batch_execute("PRAGMA max_page_count = 1"))).await;
        let mut status = 0;
        for number in 0..200 {
            status = app.client().register(&format!("eva{number}")).await.status;
            if status == 503 {
                break;
            }
            app.clock.advance(Duration::from_hours(1));
        }
        assert_eq!(status, 503);
        let count = async || {
            app.query(|conn| {
                let accounts: i64 = accounts::table.count().get_result(conn)?;
                Ok((accounts, sessions::table.count().get_result::<i64>(conn)?))
            })
            .await
        };
        app.query(|conn| conn.batch_execute("PRAGMA max_page_count = 1000000")).await;
        let (people, signed_in) = count().await;
        assert_eq!(people, signed_in, "whoever was refused has neither account nor session");
        let newcomer = app.signed_in_client("ida").await;
        assert_eq!(count().await, (people + 1, signed_in + 1));
        assert_recovers(&app, &newcomer).await;
    }
}

#[tokio::test]
async fn eight_concurrent_writers_get_no_lock_errors() {
    let app = TestApp::with(&["--registration-rate", "0", "--failure-rate", "0"]);
    let second = app.second_process(&["--registration-rate", "0", "--failure-rate", "0"]);
    let people = (0..8).map(|number| {
        let client = if number % 2 == 0 { app.client() } else { second.client() };
        async move {
            let name = format!("zoe{number}");
            let mut statuses = vec![client.register(&name).await.status];
            for _ in 0..5 {
                statuses.push(client.sign_out().await.status);
                statuses.push(client.sign_in(&name, "wrong, wrong and wrong again").await.status);
                statuses.push(client.sign_in(&name, PASSWORD).await.status);
            }
            statuses
        }
    });
    for statuses in futures_util::future::join_all(people).await {
        assert!(statuses.iter().all(|status| matches!(status, 303 | 422)), "{statuses:?}");
    }
    assert_eq!(app.query(|conn| accounts::table.count().get_result::<i64>(conn)).await, 8);
}

// A transaction that reads first and writes then fails at once under a deferred BEGIN, however long one would wait.
#[tokio::test]
async fn concurrent_read_modify_write_loses_no_updates() {
    use diesel::ExpressionMethods;
    use gatehouse::db::schema::events;
    let app = TestApp::spawn();
    let second = app.second_process(&[]);
    app.signed_in_client("zoe").await;
    let turns = (0..200).map(|number| {
        let database = if number % 2 == 0 { &app.state.database } else { &second.state.database };
        database.write(|conn| {
            let touched = diesel::update(accounts::table).set(accounts::email.eq("lock@keepers.example"));
            let before: i32 = match conn {
                AnyConnection::Sqlite(_) => events::table.select(events::occurrences).first(conn)?,
                // A server keeps others from a row by a write only, as every transaction of ours begins.
                AnyConnection::Mysql(_) => {
                    touched.execute(conn)?;
                    events::table.select(events::occurrences).first(conn)?
                }
            };
            diesel::update(events::table).set(events::occurrences.eq(before + 1)).execute(conn)
        })
    });
    for turn in futures_util::future::join_all(turns).await {
        turn.unwrap();
    }
    assert_eq!(app.event_count("registered").await, 201);
}
