use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::Value;

use super::{Instance, Site};
use crate::support::{PASSWORD, WRONG_PASSWORD, python};

#[tokio::test]
async fn export_is_private_complete_and_importable_elsewhere() {
    let site = Site::serve(&[]);
    site.client().register("zoe").await;
    site.account(&["add-role", "zoe", "staff"]);
    site.account(&["create", "eva", "eva@keepers.example"]);
    site.account(&["disable", "eva"]);
    for file in ["all.jsonl", "all.csv"] {
        let exported = site.instance.run(&["export", file]);
        assert!(exported.status == 0 && exported.stdout.contains("Wrote 2 accounts"), "{exported:?}");
        let mode = fs::metadata(site.instance.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
        assert_eq!(site.instance.run(&["export", file]).status, 1, "an existing file is not replaced");
    }
    let text = fs::read_to_string(site.instance.path("all.jsonl")).unwrap();
    let zoe: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let keys: Vec<_> = zoe.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["created_at", "email", "is_active", "last_login", "legacy_id", "password", "roles", "username"];
    assert_eq!(keys, expected, "as an import reads them");
    assert!(zoe["password"].as_str().unwrap().starts_with("$argon2id$"));
    for (file, from) in [("all.jsonl", "jsonl"), ("all.csv", "csv")] {
        let other = Site::serve(&[]);
        let file = site.instance.path(file);
        let imported =
            other.instance.run(&["import", file.to_str().unwrap(), "--from", from, "--role-map", "staff=staff"]);
        assert!(imported.status == 0 && imported.stdout.contains("Created 2 accounts"), "{imported:?}");
        assert_eq!(other.client().sign_in("zoe", PASSWORD).await.status, 303);
        assert_eq!(other.show("zoe")["roles"][0], "staff");
        let eva = other.show("eva");
        assert_eq!((&eva["state"], &eva["hash_scheme"]), (&"disabled".into(), &Value::Null));
    }
    assert_eq!(site.instance.run(&["export", "all.txt"]).status, 2, "the format is not certain");
}

#[tokio::test]
async fn django_accepts_the_passwords_of_an_export() {
    let site = Site::serve(&[]);
    site.client().register("zoe").await;
    let rows: Vec<String> = include_str!("../../fixtures/hashes.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["password"] == "sunlit harbor 7" && line.as_object().unwrap().len() == 3)
        .enumerate()
        .map(|(number, line)| {
            serde_json::json!({"username": format!("user{number}"), "password": line["hash"], "id": number + 1})
                .to_string()
        })
        .collect();
    fs::write(site.instance.path("rows.jsonl"), rows.join("\n")).unwrap();
    let imported = site.instance.run(&["import", "rows.jsonl", "--from", "jsonl"]);
    assert_eq!(imported.status, 0, "{imported:?}");
    let exported = site.instance.run(&["export", "accounts.json", "--format", "django"]);
    assert!(exported.stdout.contains("have a password hash that Django cannot read"), "{exported:?}");
    let path = |name: &str| site.instance.path(name).to_str().unwrap().to_owned();
    python::run_fixture("django_project.py", &[&path("db.sqlite3"), "load", &path("accounts.json")], "");

    let fixture: Vec<Value> = serde_json::from_str(&fs::read_to_string(path("accounts.json")).unwrap()).unwrap();
    let readable: Vec<_> = fixture
        .iter()
        .map(|account| &account["fields"])
        .filter(|fields| fields["password"] != "!" && fields["username"] != "zoe")
        .map(|fields| fields["username"].as_str().unwrap())
        .collect();
    assert!(readable.len() >= 12, "{readable:?}");
    let mut attempts = vec![("zoe", PASSWORD, true), ("zoe", WRONG_PASSWORD, false)];
    for name in &readable {
        attempts.extend([(*name, "sunlit harbor 7", true), (*name, WRONG_PASSWORD, false)]);
    }
    let lines: Vec<_> = attempts.iter().map(|(name, password, _)| format!("[\"{name}\", \"{password}\"]")).collect();
    let input = lines.join("\n") + "\n";
    let answers = python::run_fixture("django_project.py", &[&path("db.sqlite3"), "authenticate"], &input);
    for ((name, password, expected), answer) in attempts.iter().zip(answers.lines()) {
        assert_eq!(answer, expected.to_string(), "{name}: {password}");
    }
    assert_eq!(answers.lines().count(), attempts.len());
}

#[test]
fn export_of_a_missing_database_creates_nothing() {
    let instance = Instance::new();
    assert_eq!(instance.run(&["export", "all.csv"]).status, 2);
    assert!(instance.files("").is_empty());
}
