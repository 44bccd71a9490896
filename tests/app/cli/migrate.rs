use std::fs;

use super::Instance;

fn migrations() -> usize {
    fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite")).unwrap().count()
}

#[test]
fn migrate_runs_pending_migrations_once_and_says_how_many() {
    let instance = Instance::new();
    let first = instance.run(&["migrate"]);
    assert_eq!(first.status, 0, "{first:?}");
    assert!(first.stdout.contains(&format!("ran {} migrations", migrations())), "{first:?}");
    let second = instance.run(&["migrate"]);
    assert_eq!(second.status, 0, "{second:?}");
    assert!(second.stdout.contains("is up to date"), "{second:?}");
}

#[test]
fn migrate_creates_no_secret_and_shows_no_password() {
    let instance = Instance::new();
    let outcome = instance.run(&["migrate"]);
    assert!(!instance.path("data/secret.key").exists());
    assert!(!format!("{outcome:?}").contains("p%40ss"), "{outcome:?}");
}

#[test]
fn migrate_without_reachable_database_exits_with_one() {
    for url in ["mysql://zoe:hunter2@127.0.0.1:1/x", "sqlite:/proc/nowhere/x.db"] {
        let outcome = Instance::new().run(&["migrate", "--database-url", url]);
        assert_eq!(outcome.status, 1, "{outcome:?}");
        assert!(outcome.stderr.contains("GATEHOUSE_DATABASE_URL"), "{outcome:?}");
        assert!(!outcome.stderr.contains("hunter2"), "{outcome:?}");
    }
}
