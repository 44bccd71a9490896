use std::{fs, os::unix::fs::PermissionsExt, process::Stdio, time::Duration};

use diesel::connection::SimpleConnection;
use gatehouse::db::AnyConnection;

use super::{Instance, Outcome};
use crate::{
    command_line::Running,
    support::{PASSWORD, TestApp, client::Client, wait_until},
};

const SECRET: &str = "c8f1d2a37b6e4095af31c6d80e92b754";

fn read(instance: &Instance, name: &str) -> String {
    fs::read_to_string(instance.path(name)).unwrap()
}

/// Returns the id of the key that has signed the session token of `client`.
fn key_id(client: &Client) -> String {
    client.cookie("session").unwrap().split('.').next().unwrap().to_owned()
}

// ASVS 13.3.1
#[tokio::test]
async fn rotated_secret_takes_effect_at_the_next_start_and_keeps_people_signed_in() {
    let instance = Instance::new();
    let mut running = instance.serve();
    let (zoe, eva) = (Client::new(&running.address), Client::new(&running.address));
    assert_eq!(zoe.register("zoe").await.status, 303);
    let old = read(&instance, "data/secret.key");

    let outcome = instance.run(&["secret", "rotate"]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(!format!("{outcome:?}").contains(old.trim()), "{outcome:?}");
    let new = read(&instance, "data/secret.key");
    assert!(new != old && new.len() == old.len());
    let former = read(&instance, "data/secret.key.previous");
    assert_eq!((former.lines().count(), former.split(' ').next()), (1, Some(old.trim())));
    for name in ["data/secret.key", "data/secret.key.previous"] {
        assert_eq!(fs::metadata(instance.path(name)).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert!(instance.files("data").iter().all(|name| !name.contains(".new")), "{:?}", instance.files("data"));
    assert!(zoe.is_signed_in().await);
    assert_eq!(eva.register("eva").await.status, 303);
    assert_eq!(key_id(&eva), key_id(&zoe), "the running server signs with the old secret");

    running.stop();
    let running = instance.serve();
    for client in [&zoe, &eva] {
        assert!(client.against(&running.address).is_signed_in().await);
    }
    let ida = Client::new(&running.address);
    assert_eq!(ida.register("ida").await.status, 303);
    assert_ne!(key_id(&ida), key_id(&zoe));
}

#[tokio::test]
async fn rotation_with_sign_out_ends_all_sessions_at_once() {
    let instance = Instance::new();
    let mut running = Running::start(instance.command(&["serve"]).env("GATEHOUSE_SESSION_CACHE", "0s"));
    let zoe = Client::new(&running.address);
    assert_eq!(zoe.register("zoe").await.status, 303);
    let other = Client::new(&running.address);
    assert_eq!(other.sign_in("zoe", PASSWORD).await.status, 303);
    let eva = Client::new(&running.address);
    assert_eq!(eva.register("eva").await.status, 303);

    let outcome = instance.run(&["secret", "rotate", "--sign-out-everybody"]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(outcome.stdout.contains("Ended 3 sessions"), "{outcome:?}");
    assert_eq!(outcome.stderr.matches("account_signed_out").count(), 2, "one event for each account: {outcome:?}");
    for client in [&zoe, &other, &eva] {
        assert!(!client.fork().is_signed_in().await);
    }

    // Sessions that begin before the restart have tokens that are signed with the old secret.
    assert_eq!(zoe.sign_in("zoe", PASSWORD).await.status, 303);
    assert!(zoe.is_signed_in().await);
    running.stop();
    let running = instance.serve();
    assert!(!zoe.against(&running.address).is_signed_in().await);
    assert_eq!(zoe.against(&running.address).sign_in("zoe", PASSWORD).await.status, 303);
}

// As after a kill between two batches: the rotation is done, and most rows are left.
#[tokio::test]
async fn interrupted_sign_out_of_all_accounts_is_completed_by_the_restart() {
    let app = TestApp::spawn();
    let instance = Instance::of(&app);
    let zoe = app.signed_in_client("zoe").await;
    app.query(|conn| match conn {
        AnyConnection::Sqlite(conn) => conn.batch_execute(
            "CREATE TRIGGER refuse BEFORE DELETE ON sessions BEGIN SELECT RAISE(ABORT, 'interrupted'); END",
        ),
        AnyConnection::Mysql(conn) => conn.batch_execute(
            "CREATE TRIGGER refuse BEFORE DELETE ON sessions
                FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'interrupted'",
        ),
    })
    .await;
    let outcome = instance.run(&["secret", "rotate", "--sign-out-everybody"]);
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert!(outcome.stderr.contains("interrupted"), "{outcome:?}");
    assert!(zoe.is_signed_in().await);
    let app = app.restart(&[]);
    assert!(!zoe.against(&app.address).is_signed_in().await);
}

#[tokio::test]
async fn rotation_with_sign_out_ends_more_sessions_than_one_batch() {
    let app = TestApp::spawn();
    let instance = Instance::of(&app);
    let zoe = app.signed_in_client("zoe").await;
    app.insert_sessions(zoe.account_id().await, 1200).await;
    let outcome = instance.run(&["secret", "rotate", "--sign-out-everybody"]);
    assert_eq!(outcome.status, 0, "{outcome:?}");
    assert!(outcome.stdout.contains("Ended 1201 sessions"), "{outcome:?}");
}

#[test]
fn failed_start_of_sign_out_leaves_the_secret_as_it_is() {
    let instance = Instance::new();
    drop(instance.serve());
    let old = read(&instance, "data/secret.key");
    let outcome = instance.run(&[
        "secret",
        "rotate",
        "--sign-out-everybody",
        "--database-url",
        "mysql://zoe:hunter2@127.0.0.1:1/x",
    ]);
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert_eq!(read(&instance, "data/secret.key"), old);
    assert!(!instance.path("data/secret.key.previous").exists());
}

#[test]
fn secret_of_a_setting_is_refused_with_what_to_do_instead() {
    let instance = Instance::new();
    drop(instance.serve());
    let old = read(&instance, "data/secret.key");
    fs::copy(instance.path("data/secret.key"), instance.path("other.key")).unwrap();
    for (name, value) in [("GATEHOUSE_SECRET", SECRET), ("GATEHOUSE_SECRET_FILE", "other.key")] {
        let outcome = Outcome::from(instance.command(&["secret", "rotate"]).env(name, value).output().unwrap());
        assert_eq!(outcome.status, 2, "{outcome:?}");
        assert!(outcome.stderr.contains(&format!("gatehouse: {name}: ")), "{outcome:?}");
        assert!(outcome.stderr.contains("GATEHOUSE_PREVIOUS_SECRETS"), "{outcome:?}");
    }
    assert_eq!((read(&instance, "data/secret.key"), read(&instance, "other.key")), (old.clone(), old));
}

#[test]
fn rotation_needs_a_secret_and_creates_none() {
    let instance = Instance::new();
    let outcome = instance.run(&["secret", "rotate"]);
    assert_eq!(outcome.status, 1, "{outcome:?}");
    assert!(outcome.stderr.contains("there is no data/secret.key"), "{outcome:?}");
    assert!(!instance.path("data").exists());
}

#[test]
fn concurrent_rotations_lose_no_secret() {
    let instance = Instance::new();
    drop(instance.serve());
    let first = read(&instance, "data/secret.key");
    let rotations: Vec<_> =
        (0..6).map(|_| instance.command(&["secret", "rotate"]).stdout(Stdio::null()).spawn().unwrap()).collect();
    for mut rotation in rotations {
        let status = wait_until("the rotation ends", Duration::from_secs(20), || rotation.try_wait().unwrap());
        assert!(status.success());
    }
    let former = read(&instance, "data/secret.key.previous");
    assert_eq!(former.lines().count(), 6);
    assert!(former.contains(first.trim()));
}

#[test]
fn unusable_file_of_previous_secrets_is_rejected() {
    let instance = Instance::new();
    drop(instance.serve());
    let file = instance.path("data/secret.key.previous");
    for (line, mode, reason) in [
        (format!("{SECRET} 2026-11-22T00:00:00Z"), 0o644, "run: chmod 600"),
        (SECRET.to_owned(), 0o600, "line 1 of data/secret.key.previous"),
        ("hunter2 2026-11-22T00:00:00Z".to_owned(), 0o600, "the secret has 7 bytes"),
    ] {
        fs::write(&file, format!("{line}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let outcome = instance.run(&["account", "list"]);
        assert_eq!(outcome.status, 2, "{outcome:?}");
        assert!(outcome.stderr.contains(reason) && !outcome.stderr.contains(SECRET), "{outcome:?}");
    }
}
