use std::{
    fs, io,
    os::unix::fs::{PermissionsExt, symlink},
    process::{Command, Stdio},
    time::Duration,
};

use diesel::{Connection, QueryDsl, RunQueryDsl, SqliteConnection, connection::SimpleConnection};
use gatehouse::db::schema::accounts;

use super::Instance;
use crate::{
    command_line::temp_dir,
    support::{PASSWORD, client::Client, on_mariadb, wait_until},
};

fn open(instance: &Instance, name: &str) -> SqliteConnection {
    let mut conn = SqliteConnection::establish(instance.path(name).to_str().unwrap()).unwrap();
    conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
    conn
}

/// Returns an instance whose database takes a while to copy.
fn large_instance() -> Instance {
    let instance = Instance::new();
    drop(instance.serve());
    open(&instance, "data/gatehouse.db")
        .batch_execute(
            "CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000)
                SELECT i, randomblob(100) AS bytes FROM n;
             CREATE INDEX filler_bytes ON filler (bytes)",
        )
        .unwrap();
    instance
}

#[tokio::test]
async fn backup_while_serving_is_consistent_private_and_restorable() {
    let instance = Instance::new();
    let running = instance.serve();
    let client = Client::new(&running.address);
    assert_eq!(client.register("zoe").await.status, 303);
    let backup = instance.command(&["backup", "copy.db"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut backup = backup.unwrap();
    // The server writes while the copy is made.
    let mut registered = 1;
    while backup.try_wait().unwrap().is_none() {
        assert_eq!(Client::new(&running.address).register(&format!("eva{registered}")).await.status, 303);
        registered += 1;
    }
    let outcome = super::Outcome::from(backup.wait_with_output().unwrap());
    if on_mariadb() {
        assert_eq!(outcome.status, 2, "{outcome:?}");
        assert!(outcome.stderr.contains("gatehouse: GATEHOUSE_DATABASE_URL: "), "{outcome:?}");
        assert!(outcome.stderr.contains("mariadb-dump --single-transaction"), "{outcome:?}");
        assert!(!instance.path("copy.db").exists());
        return;
    }
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(outcome.stdout.starts_with("Wrote and verified copy.db"), "{outcome:?}");
    assert_eq!(outcome.stderr, "", "no progress bar without a terminal");
    assert_eq!(fs::metadata(instance.path("copy.db")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(instance.files("."), ["copy.db", "data"]);
    let count: i64 = accounts::table.count().get_result(&mut open(&instance, "copy.db")).unwrap();
    assert!((1..=registered).contains(&count), "{count} of {registered}");

    let restored = Instance::new();
    fs::create_dir(restored.path("data")).unwrap();
    fs::copy(instance.path("copy.db"), restored.path("data/gatehouse.db")).unwrap();
    fs::copy(instance.path("data/secret.key"), restored.path("data/secret.key")).unwrap();
    drop(running);
    let running = restored.serve();
    assert!(client.against(&running.address).is_signed_in().await);
    assert_eq!(Client::new(&running.address).sign_in("zoe", PASSWORD).await.status, 303);
}

#[test]
fn existing_backup_is_never_replaced() {
    if on_mariadb() {
        return;
    }
    let instance = Instance::new();
    drop(instance.serve());
    fs::write(instance.path("copy.db"), "an earlier backup").unwrap();
    symlink("nowhere", instance.path("link.db")).unwrap();
    for name in ["copy.db", "link.db", "data", "data/gatehouse.db"] {
        let outcome = instance.run(&["backup", name]);
        assert_eq!(outcome.status, 1, "{name}: {outcome:?}");
        assert!(outcome.stderr.contains(&format!("{name} exists")), "{outcome:?}");
    }
    assert_eq!(fs::read_to_string(instance.path("copy.db")).unwrap(), "an earlier backup");
    assert_eq!(instance.files("."), ["copy.db", "data", "link.db"]);
}

#[test]
fn killed_backup_leaves_no_file_with_the_name_of_the_backup() {
    if on_mariadb() {
        return;
    }
    let instance = large_instance();
    for signal in ["KILL", "TERM", "INT"] {
        let mut backup = instance.command(&["backup", "copy.db"]).stderr(Stdio::null()).spawn().unwrap();
        wait_until("the copy has begun", Duration::from_secs(20), || {
            let has_bytes =
                |entry: io::Result<fs::DirEntry>| entry.unwrap().metadata().is_ok_and(|file| file.len() > 0);
            let temporary = instance.files(".").into_iter().find(|name| name.starts_with(".gatehouse-backup."))?;
            fs::read_dir(instance.path(&temporary)).ok()?.any(has_bytes).then_some(())
        });
        assert!(Command::new("kill").args(["-s", signal, &backup.id().to_string()]).status().unwrap().success());
        let status = wait_until("the backup ends", Duration::from_secs(20), || backup.try_wait().unwrap());
        assert!(!status.success(), "{signal}");
        assert!(!instance.path("copy.db").exists(), "{signal}");
        if signal == "KILL" {
            for name in instance.files(".").iter().filter(|name| name.starts_with('.')) {
                fs::remove_dir_all(instance.path(name)).unwrap();
            }
        } else {
            assert_eq!(instance.files("."), ["data"], "{signal}");
        }
    }
}

#[test]
fn damaged_copy_is_reported_and_not_kept() {
    if on_mariadb() {
        return;
    }
    let instance = Instance::new();
    drop(instance.serve());
    // A copy has the same rows, so it violates the constraint too.
    open(&instance, "data/gatehouse.db")
        .batch_execute(
            "CREATE TABLE damaged (x); INSERT INTO damaged VALUES (NULL); PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = 'CREATE TABLE damaged (x NOT NULL)' WHERE name = 'damaged'",
        )
        .unwrap();
    let outcome = instance.run(&["backup", "copy.db"]);
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert!(outcome.stderr.contains("the copy is damaged"), "{outcome:?}");
    assert_eq!(instance.files("."), ["data"]);
}

// A backup is made before an update, also with the new binary.
#[test]
fn backup_runs_no_migrations_and_creates_no_database() {
    if on_mariadb() {
        return;
    }
    let instance = Instance::new();
    let outcome = instance.run(&["backup", "copy.db"]);
    assert_eq!(outcome.status, 2, "{outcome:?}");
    assert!(outcome.stderr.contains("there is no data/gatehouse.db"), "{outcome:?}");
    assert_eq!(instance.files("."), [""; 0]);
    fs::create_dir(instance.path("data")).unwrap();
    open(&instance, "data/gatehouse.db").batch_execute("CREATE TABLE old (x)").unwrap();
    assert_eq!(instance.run(&["backup", "copy.db"]).status, 0);
    let mut copy = open(&instance, "copy.db");
    copy.batch_execute("SELECT x FROM old").unwrap();
    assert!(copy.batch_execute("SELECT id FROM accounts").is_err());
}

#[test]
fn backup_into_missing_folder_exits_with_one() {
    if on_mariadb() {
        return;
    }
    let instance = Instance::new();
    drop(instance.serve());
    let outcome = instance.run(&["backup", temp_dir().path().join("none/copy.db").to_str().unwrap()]);
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert!(outcome.stderr.contains("cannot write"), "{outcome:?}");
}
