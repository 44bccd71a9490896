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

use crate::support::{PASSWORD, TestApp, WRONG_PASSWORD, client::Client, mariadb::Mariadb, on_mariadb};

fn migration_names(backend: &str) -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(backend);
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn both_backends_have_the_same_reversible_migrations() {
    let names = migration_names("sqlite");
    assert_eq!(names, migration_names("mysql"));
    for backend in ["sqlite", "mysql"] {
        for name in &names {
            for file in ["up.sql", "down.sql"] {
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(backend).join(name).join(file);
                assert!(!fs::read_to_string(&path).unwrap().trim().is_empty(), "{}", path.display());
            }
        }
    }
}

#[tokio::test]
async fn migrations_revert_and_reapply() {
    use diesel_migrations::{FileBasedMigrations, MigrationHarness};
    let app = TestApp::spawn();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let file = app.data_dir().join("gatehouse.db").display().to_string();
    // `read` runs without a transaction, which MySQL would commit at every change of a table.
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
    let count = app.database().read(revert_and_reapply).await.unwrap();
    assert_eq!(count, migration_names("sqlite").len());
    app.signed_in_client("zoe").await;
}

#[tokio::test]
async fn concurrent_processes_migrate_one_database_safely() {
    let app = TestApp::spawn();
    app.query(|conn| {
        for table in [
            "account_roles",
            "reset_links",
            "invitations",
            "apps",
            "app_sessions",
            "handover_codes",
            "locks",
            "account_cleanups",
            "round_trips",
            "reserved_names",
            "throttles",
            "events",
            "sessions",
            "signing_keys",
            "flask_security_keys",
            "foreign_hashes",
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
            "CREATE TRIGGER lossy AFTER INSERT ON round_trips
                BEGIN UPDATE round_trips SET words = replace(words, 'ë', '?'); END",
        ),
        AnyConnection::Mysql(conn) => conn.batch_execute(
            "CREATE TRIGGER lossy BEFORE INSERT ON round_trips
                FOR EACH ROW SET NEW.words = REPLACE(NEW.words, 'ë', '?')",
        ),
    })
    .await;
    let start = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| app.second_process(&[])));
    assert!(start.is_err());
}

/// Asserts that pages that need the database return `503` and all others still work.
async fn assert_unavailable(app: &TestApp, client: &Client) {
    app.clock.advance(Duration::from_secs(2));
    let home = client.get("/").await;
    assert_eq!((home.status, home.header("retry-after")), (503, "5"));
    crate::middleware::assert_security_headers(&home, "no database");
    assert!(home.body.contains("The site is not available right now") && !home.body.contains("zoe"));
    assert_eq!(app.client().get("/readyz").await.status, 503);
    assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 503);
    assert_eq!(app.client().register("eva").await.status, 503);
    for page in ["/healthz", "/login", "/register"] {
        assert_eq!(app.client().get(page).await.status, 200, "{page}");
    }
}

/// Waits until sessions and sign-ins work again.
async fn assert_recovers(app: &TestApp, client: &Client) {
    for _ in 0..100 {
        app.clock.advance(Duration::from_secs(2));
        if client.get("/").await.status == 200 && app.client().sign_in("zoe", PASSWORD).await.status == 303 {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the application does not recover");
}

// ASVS 16.5.2, 16.5.3
#[tokio::test]
async fn unavailable_database_returns_503_and_recovers_without_restart() {
    if on_mariadb() {
        let mut mariadb = Mariadb::start();
        let app = TestApp::with_database(mariadb.database(), &[]);
        let client = app.signed_in_client("zoe").await;
        mariadb.stop();
        assert_unavailable(&app, &client).await;
        mariadb.run();
        assert_recovers(&app, &client).await;
    } else {
        // An open file cannot become unavailable, but another process can hold the write lock longer than the timeout.
        let app = TestApp::spawn();
        let client = app.signed_in_client("zoe").await;
        let file = app.data_dir().join("gatehouse.db");
        let mut other = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
        other.batch_execute("BEGIN IMMEDIATE").unwrap();
        let answer = app.client().sign_in("zoe", PASSWORD).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "5"));
        assert_eq!(app.client().register("eva").await.status, 503);
        assert!(client.is_signed_in().await, "reads still work");
        other.batch_execute("COMMIT").unwrap();
        drop(other);
        assert_recovers(&app, &client).await;
    }
}

/// Starts a proxy to MariaDB. While the returned flag is set, the proxy discards all bytes, like a host that has lost
/// its power: at once, or after it has passed a packet with `after` on to the server.
fn discarding_proxy(port: u16, after: Option<&'static [u8]>) -> (u16, Arc<AtomicBool>) {
    let (listener, discard) = (TcpListener::bind("127.0.0.1:0").unwrap(), Arc::new(AtomicBool::new(false)));
    let (proxy_port, is_discarding) = (listener.local_addr().unwrap().port(), Arc::clone(&discard));
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let broken = Arc::new(AtomicBool::new(false));
            let directions = [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)];
            for (mut from, mut to) in directions {
                let (is_discarding, broken) = (Arc::clone(&is_discarding), Arc::clone(&broken));
                thread::spawn(move || {
                    let mut bytes = [0; 4096];
                    while let Ok(1..) = from.read(&mut bytes).inspect(|count| {
                        let bytes = &bytes[..*count];
                        let is_last = after.is_some_and(|after| bytes.windows(after.len()).any(|part| part == after));
                        let was_broken = broken.load(Ordering::SeqCst);
                        // A connection that has lost bytes never works again.
                        if is_discarding.load(Ordering::SeqCst) && (after.is_none() || is_last) {
                            broken.store(true, Ordering::SeqCst);
                        }
                        if !broken.load(Ordering::SeqCst) || (is_last && !was_broken) {
                            let _ = to.write_all(bytes);
                        }
                    }) {}
                });
            }
        }
    });
    (proxy_port, discard)
}

// Waits in real time, because the test clock does not control socket timeouts.
#[tokio::test]
async fn unresponsive_database_returns_503_and_is_reconnected() {
    // Always runs on MariaDB, because access to a file does not stop responding.
    let url = Mariadb::shared().database();
    let port: u16 = url.split(['@', '/']).nth(3).unwrap().rsplit(':').next().unwrap().parse().unwrap();
    let (proxy_port, discard) = discarding_proxy(port, None);
    // Without this option the driver switches to the Unix socket of the server and bypasses the proxy.
    let url = url.replace(&format!(":{port}/"), &format!(":{proxy_port}/")) + "?prefer_socket=false";
    let app = TestApp::with_database(url, &[]);
    let client = app.signed_in_client("zoe").await;
    discard.store(true, Ordering::SeqCst);
    app.clock.advance(Duration::from_secs(2));
    assert_eq!(client.get("/").await.status, 503);
    discard.store(false, Ordering::SeqCst);
    assert_recovers(&app, &client).await;
}

// Also waits in real time. The server has committed, but its answer is lost: the session is gone, and this process has
// it in its cache.
#[tokio::test]
async fn lost_answer_to_commit_invalidates_cached_sessions() {
    let url = Mariadb::shared().database();
    let port: u16 = url.split(['@', '/']).nth(3).unwrap().rsplit(':').next().unwrap().parse().unwrap();
    // The whole command (COM_QUERY is 3), because a new connection says "READ COMMITTED".
    let (proxy_port, discard) = discarding_proxy(port, Some(b"\x03COMMIT"));
    let url = url.replace(&format!(":{port}/"), &format!(":{proxy_port}/")) + "?prefer_socket=false";
    let app = TestApp::with_database(url, &["--session-cache", "1m"]);
    let client = app.signed_in_client("zoe").await;
    let copy = client.fork();
    let token = client.csrf_token().await;
    discard.store(true, Ordering::SeqCst);
    assert_eq!(client.post("/logout", &[("csrf_token", &token)]).await.status, 503);
    discard.store(false, Ordering::SeqCst);
    // On a busy machine the request gives up before the worker does. The clock of the cache stands still.
    for _ in 0..200 {
        if !copy.fork().is_signed_in().await {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the session has ended in the database, but the process still accepts it");
}

#[tokio::test]
async fn full_disk_returns_503_and_loses_no_data() {
    if on_mariadb() {
        // MariaDB waits for space on a full disk. A read-only server returns the error that follows without the wait.
        let mariadb = Mariadb::start();
        let app = TestApp::with_database(mariadb.database(), &[]);
        let client = app.signed_in_client("zoe").await;
        mariadb.sql("SET GLOBAL read_only = 1");
        assert_eq!(app.client().sign_in("zoe", PASSWORD).await.status, 503);
        assert!(client.is_signed_in().await, "reads still work");
        mariadb.sql("SET GLOBAL read_only = 0");
        assert_recovers(&app, &client).await;
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
        let (accounts, sessions) = count().await;
        assert_eq!(accounts, sessions, "a failed registration leaves neither an account nor a session");
        let client = app.signed_in_client("ida").await;
        assert_eq!(count().await, (accounts + 1, sessions + 1));
        assert_recovers(&app, &client).await;
    }
}

#[tokio::test]
async fn eight_concurrent_writers_get_no_lock_errors() {
    let app = TestApp::with(&["--registration-rate", "0", "--failure-rate", "0"]);
    let second = app.second_process(&["--registration-rate", "0", "--failure-rate", "0"]);
    let clients = (0..8).map(|number| {
        let client = if number % 2 == 0 { app.client() } else { second.client() };
        async move {
            let name = format!("zoe{number}");
            let mut statuses = vec![client.register(&name).await.status];
            for _ in 0..5 {
                statuses.push(client.sign_out().await.status);
                statuses.push(client.sign_in(&name, WRONG_PASSWORD).await.status);
                statuses.push(client.sign_in(&name, PASSWORD).await.status);
            }
            statuses
        }
    });
    for statuses in futures_util::future::join_all(clients).await {
        assert!(statuses.iter().all(|status| matches!(status, 303 | 422)), "{statuses:?}");
    }
    assert_eq!(app.query(|conn| accounts::table.count().get_result::<i64>(conn)).await, 8);
}

// With a deferred `BEGIN`, SQLite fails at once when another process writes between the read and the write of a
// transaction, whatever the busy timeout is.
#[tokio::test]
async fn concurrent_read_modify_write_loses_no_updates() {
    use diesel::ExpressionMethods;
    use gatehouse::db::schema::events;
    let app = TestApp::spawn();
    let second = app.second_process(&[]);
    app.signed_in_client("zoe").await;
    let writes = (0..200).map(|number| {
        let database = if number % 2 == 0 { app.database() } else { second.database() };
        database.write(|conn| {
            let lock_rows = diesel::update(accounts::table).set(accounts::email.eq("lock@keepers.example"));
            let before: i32 = match conn {
                AnyConnection::Sqlite(_) => events::table.select(events::occurrences).first(conn)?,
                // MySQL locks a row only at the first write, so every transaction of the application starts with one.
                AnyConnection::Mysql(_) => {
                    lock_rows.execute(conn)?;
                    events::table.select(events::occurrences).first(conn)?
                }
            };
            diesel::update(events::table).set(events::occurrences.eq(before + 1)).execute(conn)
        })
    });
    for write in futures_util::future::join_all(writes).await {
        write.unwrap();
    }
    assert_eq!(app.event_count("registered").await, 201);
}
