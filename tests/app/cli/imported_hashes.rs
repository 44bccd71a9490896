//! The password hashes of real libraries, through the import and the sign-in page.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use super::{Instance, Site};

/// What `tests/fixtures/make_hashes.py` has made.
fn fixtures() -> Vec<Value> {
    let text = include_str!("../../fixtures/hashes.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns the options of the import that a hash needs.
fn options(fixture: &Value) -> Vec<String> {
    let mut options = vec!["--from".to_owned(), "jsonl".to_owned()];
    let mut add = |option: &str, value: &str| options.extend([option.to_owned(), value.to_owned()]);
    if let Some(dialect) = fixture["dialect"].as_str() {
        add("--dialect", dialect);
    }
    if fixture["weak"] == true {
        add("--weak", "wrap");
    }
    if fixture["prehash"] == true {
        add("--bcrypt-prehash", "sha256-hex");
    }
    if let Some(rounds) = fixture["rounds"].as_u64() {
        add("--werkzeug-iterations", &rounds.to_string());
    }
    if fixture["flask_security"].is_string() {
        add("--flask-security-salt-file", "salt");
    }
    options
}

/// Imports all fixtures as accounts `user0` and so on.
fn import_all(instance: &Instance) {
    let mut groups: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for (number, fixture) in fixtures().iter().enumerate() {
        if let Some(salt) = fixture["flask_security"].as_str() {
            fs::write(instance.path("salt"), salt).unwrap();
        }
        let row = json!({"username": format!("user{number}"), "password": fixture["hash"]});
        groups.entry(options(fixture)).or_default().push(row.to_string());
    }
    assert!(groups.len() >= 5);
    for (options, rows) in groups {
        fs::write(instance.path("rows.jsonl"), rows.join("\n")).unwrap();
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let imported = instance.run(&[&["import", "rows.jsonl"], &options[..]].concat());
        let created = format!("Created {} accounts, ", rows.len());
        assert!(imported.status == 0 && imported.stdout.contains(&created), "{options:?}: {imported:?}");
    }
}

#[tokio::test]
async fn every_scheme_signs_in_with_its_password_only_and_is_replaced_by_ours() {
    let site = Site::serve(&["--failure-rate", "0"]);
    import_all(&site.instance);
    let schemes = || -> BTreeMap<String, String> {
        let listed = site.account(&["list", "--json"]).stdout;
        let account = |line: &str| {
            let account: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| account[key].as_str().unwrap().to_owned();
            (text("username"), text("hash_scheme"))
        };
        listed.lines().map(account).collect()
    };
    let before = schemes();
    for scheme in [
        "scrypt",
        "pbkdf2-sha256",
        "bcrypt",
        "bcrypt-sha256",
        "argon2i",
        "sha512-crypt",
        "argon2id-sha1",
        "flask-security-argon2id",
    ] {
        assert!(before.values().any(|known| known == scheme), "{scheme}: {before:?}");
    }
    for (number, fixture) in fixtures().iter().enumerate() {
        let (name, password) = (format!("user{number}"), fixture["password"].as_str().unwrap());
        let client = site.client();
        assert_eq!(client.sign_in(&name, &format!("x{password}")).await.status, 422, "{fixture}");
        assert_eq!(client.sign_in(&name, password).await.status, 303, "{fixture}");
    }
    assert!(schemes().values().all(|scheme| scheme == "argon2id"));
    // The new hash is of the normalized password, which every keyboard can type.
    for (number, fixture) in fixtures().iter().enumerate().filter(|(_, line)| line["password"] == "e\u{301}\u{2603}") {
        assert_eq!(site.client().sign_in(&format!("user{number}"), "\u{e9}\u{2603}").await.status, 303, "{fixture}");
    }
}
