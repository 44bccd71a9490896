use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use diesel::connection::SimpleConnection;
use serde_json::Value;

use super::{
    Instance, Outcome,
    proxy::{Change, TlsProxy, caching_proxy, proxy},
};
use crate::{
    command_line::Running,
    support::{TestApp, client::Client, mariadb::Mariadb, on_mariadb},
};

const CHECKS: [&str; 9] =
    ["settings", "secret", "database", "migrations", "round_trip", "clock", "disk", "public_url", "host_header"];

/// Runs `doctor --json` with these arguments. Returns its exit status and its findings.
pub fn diagnose(command: &mut Command, arguments: &[&str]) -> (i32, Vec<Value>) {
    let outcome = Outcome::from(command.args(["doctor", "--json"]).args(arguments).output().unwrap());
    assert!(!format!("{outcome:?}").contains("hunter2"), "{outcome:?}");
    let findings: Vec<Value> = outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for finding in &findings {
        let keys: Vec<_> = finding.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["check", "fix", "message", "ok"]);
        assert_eq!(finding["fix"].is_null(), finding["ok"] == true, "a fix for each failure: {finding}");
    }
    (outcome.status, findings)
}

/// Returns the only failed finding. Asserts that `doctor` exits with 1.
#[track_caller]
pub fn only_failure(command: &mut Command, arguments: &[&str]) -> (String, String) {
    let (status, findings) = diagnose(command, arguments);
    let failed: Vec<_> = findings.iter().filter(|finding| finding["ok"] == false).collect();
    assert_eq!((status, failed.len()), (1, 1), "{findings:?}");
    let text = |key: &str| failed[0][key].as_str().unwrap();
    (text("check").to_owned(), format!("{}\n{}", text("message"), text("fix")))
}

fn at(instance: &Instance, public_url: &str) -> Command {
    let mut command = instance.command(&[]);
    command.env("GATEHOUSE_PUBLIC_URL", public_url);
    command
}

fn without(lines: &mut Vec<String>, header: &str) {
    lines.retain(|line| !line.to_lowercase().starts_with(header));
}

#[expect(clippy::ptr_arg, reason = "it is a `Change`")]
fn append_client(lines: &mut Vec<String>) {
    for line in lines.iter_mut().filter(|line| line.to_lowercase().starts_with("x-forwarded-for:")) {
        line.push_str(", 198.51.100.7");
    }
}

#[test]
fn doctor_finds_nothing_wrong_with_a_fresh_server() {
    let instance = Instance::new();
    let running = instance.serve();
    let (status, findings) = diagnose(&mut at(&instance, &running.address), &[]);
    assert_eq!(status, 0, "{findings:?}");
    let checks: Vec<_> = findings.iter().map(|finding| finding["check"].as_str().unwrap()).collect();
    assert_eq!(checks, [&CHECKS[..], &["trusted_proxies"]].concat());
    let text = Outcome::from(at(&instance, &running.address).arg("doctor").output().unwrap());
    assert_eq!((text.status, text.stdout.lines().count()), (0, checks.len()), "{text:?}");
    assert!(text.stdout.lines().all(|line| line.starts_with("ok ")), "{text:?}");
}

#[test]
fn doctor_creates_neither_database_nor_secret_and_says_what_is_missing() {
    let instance = Instance::new();
    fs::create_dir(instance.path("data")).unwrap();
    let (status, findings) = diagnose(&mut instance.command(&[]), &[]);
    assert_eq!(status, 1);
    let failed: Vec<_> = findings.iter().filter(|finding| finding["ok"] == false).collect();
    let checks: Vec<_> = failed.iter().map(|finding| finding["check"].as_str().unwrap()).collect();
    // The server of MariaDB has an empty database.
    assert_eq!(checks, ["secret", if on_mariadb() { "migrations" } else { "database" }], "{findings:?}");
    assert_eq!(instance.files("data"), [""; 0]);
    assert_eq!(instance.run(&["migrate"]).status, 0);
    let (_, findings) = diagnose(&mut instance.command(&[]), &[]);
    let failed: Vec<_> = findings.iter().filter(|finding| finding["ok"] == false).collect();
    assert_eq!(failed.len(), 1, "{findings:?}");
}

#[test]
fn secret_that_others_can_read_fails() {
    let instance = Instance::new();
    let running = instance.serve();
    for name in ["data/secret.key", "data/secret.key.previous"] {
        let file = instance.path(name);
        if !file.exists() {
            fs::write(&file, "").unwrap();
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let (check, text) = only_failure(&mut at(&instance, &running.address), &[]);
        assert_eq!(check, "secret");
        assert!(text.contains("can forge cookies") && text.ends_with(&format!("chmod 600 {name}")), "{text}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn risky_or_unusable_settings_fail() {
    let instance = Instance::new();
    let running = instance.serve();
    for (name, value, expected) in [
        ("GATEHOUSE_REMEMBER_LIFETIME", "60d", "30 days"),
        ("GATEHOUSE_TRUSTED_PROXIES", "0.0.0.0/0", "can claim any address"),
        ("GATEHOUSE_STATIC_DIR", "/proc/nowhere", "GATEHOUSE_STATIC_DIR"),
    ] {
        let (check, text) = only_failure(at(&instance, &running.address).env(name, value), &[]);
        assert_eq!(check, "settings");
        assert!(text.contains(expected), "{text}");
    }
    let (status, findings) =
        diagnose(instance.command(&[]).env("GATEHOUSE_DATABASE_URL", "postgres://zoe:hunter2@db/x"), &[]);
    assert_eq!((status, &findings[0]["check"]), (1, &Value::from("settings")));
    // A value that clap refuses is wrong usage.
    assert_eq!(instance.run(&["doctor", "--session-idle", "soon"]).status, 2);
}

#[test]
fn unreachable_database_fails() {
    let instance = Instance::new();
    let running = instance.serve();
    let mut command = at(&instance, &running.address);
    let (check, text) = only_failure(command.env("GATEHOUSE_DATABASE_URL", "mysql://zoe:hunter2@127.0.0.1:1/x"), &[]);
    assert_eq!(check, "database");
    assert!(text.contains("cannot connect to mysql://127.0.0.1:1/x"), "{text}");
}

#[tokio::test]
async fn migrations_of_a_later_release_fail() {
    let app = TestApp::spawn();
    let instance = Instance::of(&app);
    app.query(|conn| conn.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')"))
        .await;
    let (_, findings) = diagnose(&mut instance.command(&[]), &[]);
    let migrations = findings.iter().find(|finding| finding["check"] == "migrations").unwrap();
    assert!(migrations["message"].as_str().unwrap().contains("1 migrations that this release does not have"));
    app.query(|conn| conn.batch_execute("DELETE FROM __diesel_schema_migrations")).await;
    let (_, findings) = diagnose(&mut instance.command(&[]), &[]);
    let migrations = findings.iter().find(|finding| finding["check"] == "migrations").unwrap();
    assert!(migrations["message"].as_str().unwrap().contains("migrations are pending"), "{migrations}");
}

// Always on MariaDB, because the clock of a file is that of this machine.
#[test]
fn database_with_another_time_fails() {
    let mariadb = Mariadb::with(&["--init-connect=SET timestamp=1795305600"]);
    let instance = Instance::new();
    let url = mariadb.database();
    let running = Running::start(instance.command(&["serve"]).env("GATEHOUSE_DATABASE_URL", &url));
    let (check, text) = only_failure(at(&instance, &running.address).env("GATEHOUSE_DATABASE_URL", &url), &[]);
    assert_eq!(check, "clock");
    assert!(text.contains("ahead of the database") || text.contains("behind the database"), "{text}");
}

#[test]
fn full_disk_fails() {
    let instance = Instance::new();
    let secret = "c8f1d2a37b6e4095af31c6d80e92b754";
    let running = Running::start(instance.command(&["serve"]).env("GATEHOUSE_SECRET", secret));
    // A file system without free space. With SQLite, the folder of the database file counts.
    let mut command = at(&instance, &running.address);
    command.env("GATEHOUSE_DATA_DIR", "/proc").env("GATEHOUSE_SECRET", secret);
    let (_, findings) = diagnose(&mut command, &[]);
    let disk = findings.iter().find(|finding| finding["check"] == "disk").unwrap();
    assert_eq!((&disk["ok"], disk["message"].as_str().unwrap().contains("0 B are free")), (&Value::from(false), true));
}

#[test]
fn public_url_that_does_not_lead_to_this_instance_fails() {
    let instance = Instance::new();
    let running = instance.serve();
    let (check, text) = only_failure(&mut at(&instance, "http://127.0.0.1:1"), &[]);
    assert!(check == "public_url" && text.contains("does not answer this machine"), "{text}");
    let other = Instance::new();
    let other = other.serve();
    let (check, text) = only_failure(&mut at(&instance, &other.address), &[]);
    assert!(check == "public_url" && text.contains("does not have this secret"), "{text}");
    let site = proxy(&running.address, |lines| lines[0] = "GET / HTTP/1.1".to_owned());
    let (check, text) = only_failure(&mut at(&instance, &site), &[]);
    assert!(check == "public_url" && text.contains("/healthz answers 303"), "{text}");
    // The running server has the old secret until it is restarted.
    assert_eq!(instance.run(&["secret", "rotate"]).status, 0);
    let (check, text) = only_failure(&mut at(&instance, &running.address), &[]);
    assert!(check == "public_url" && text.contains("restart the server if the secret was rotated"), "{text}");
}

#[test]
fn proxy_that_changes_the_host_fails() {
    let instance = Instance::new();
    let running = instance.serve();
    let url = proxy(&running.address, |lines| {
        without(lines, "host:");
        without(lines, "x-forwarded-for:");
        lines.extend(["host: upstream.example".to_owned(), "x-forwarded-for: 192.0.2.1".to_owned()]);
    });
    let (check, text) = only_failure(&mut at(&instance, &url), &[]);
    assert!(check == "host_header" && text.contains("upstream.example") && text.contains("421"), "{text}");
}

#[test]
fn forwarded_addresses_must_come_from_a_trusted_proxy_that_adds_them() {
    let instance = Instance::new();
    let untrusting = instance.serve();
    let trusting = Running::start(instance.command(&["serve"]).env("GATEHOUSE_TRUSTED_PROXIES", "127.0.0.1"));
    let cases: [(&str, Change, Option<&str>); 5] = [
        (&trusting.address, append_client, None),
        (&trusting.address, |_| {}, Some("can claim any address")),
        (&trusting.address, |lines| without(lines, "x-forwarded-for:"), Some("sends no X-Forwarded-For")),
        (&untrusting.address, append_client, Some("which is not trusted")),
        (&untrusting.address, |_| {}, None),
    ];
    for (server, change, expected) in cases {
        let mut command = at(&instance, &proxy(server, change));
        let Some(expected) = expected else {
            let (status, findings) = diagnose(&mut command, &[]);
            assert_eq!(status, 0, "{findings:?}");
            continue;
        };
        let (check, text) = only_failure(&mut command, &[]);
        assert!(check == "trusted_proxies" && text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn https_proxy_needs_a_certificate_that_this_machine_trusts() {
    let instance = Instance::new();
    let proxy = TlsProxy::bind(&instance.path("ca.pem"));
    let mut serve = at(&instance, &proxy.url);
    let running = Running::start(serve.arg("serve").env("GATEHOUSE_TRUSTED_PROXIES", "127.0.0.1"));
    let public_url = proxy.url.clone();
    proxy.serve(&running.address, append_client);
    let command = || {
        let mut command = at(&instance, &public_url);
        command.env("GATEHOUSE_TRUSTED_PROXIES", "127.0.0.1");
        command
    };
    let (check, text) = only_failure(&mut command(), &[]);
    assert!(check == "public_url" && text.contains("certificate"), "{text}");
    let (status, findings) = diagnose(command().env("SSL_CERT_FILE", instance.path("ca.pem")), &[]);
    assert_eq!(status, 0, "{findings:?}");
    let proxies = findings.iter().find(|finding| finding["check"] == "trusted_proxies").unwrap();
    assert!(proxies["message"].as_str().unwrap().ends_with("for this machine 198.51.100.7"), "{proxies}");
}

#[test]
fn answer_from_a_cache_is_not_taken_for_one_of_the_server() {
    let instance = Instance::new();
    let running = instance.serve();
    let url = caching_proxy(&running.address);
    assert_eq!(diagnose(&mut at(&instance, &url), &[]).0, 0);
    let (check, text) = only_failure(&mut at(&instance, &url), &[]);
    assert!(check == "public_url" && text.contains("not as Gatehouse does"), "{text}");
}

// The clock of the application stands still at an earlier time.
#[test]
fn question_from_another_time_is_not_answered() {
    let app = TestApp::spawn();
    let (check, text) = only_failure(&mut at(&Instance::of(&app), &app.address), &[]);
    assert!(check == "public_url" && text.contains("compare their clocks"), "{text}");
}

// ASVS 13.4.5
#[tokio::test]
async fn health_page_answers_only_questions_that_are_sealed_with_the_secret() {
    let instance = Instance::new();
    let running = instance.serve();
    for question in ["", "hunter2", "e30.AAAA", "eyJub25jZSI6IiIsImFza2VkX2F0IjowfQ.AAAA"] {
        let mut client = Client::new(&running.address);
        client.headers.push(("gatehouse-doctor", question.to_owned()));
        let answer = client.get("/healthz").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "alive\n"), "{question}");
    }
}
