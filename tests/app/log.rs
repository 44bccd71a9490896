//! The log that the binary writes: required events, and no secrets or personal data.

use std::{
    fs::{self, File},
    process::{Command, Stdio},
};

use diesel::{Connection, SqliteConnection, connection::SimpleConnection};

use crate::{
    command_line::Running,
    support::{PASSWORD, WRONG_PASSWORD, client::Client, mariadb::Mariadb, on_mariadb},
};

/// The data of the running binary.
struct Fixture {
    dir: tempfile::TempDir,
    url: String,
}

impl Fixture {
    /// Renames the table, so that every query of a session fails.
    fn break_sessions_table(&self) {
        if on_mariadb() {
            let name = self.url.rsplit('/').next().unwrap();
            Mariadb::shared().sql(&format!("ALTER TABLE {name}.sessions RENAME TO {name}.hidden_sessions"));
        } else {
            let file = self.dir.path().join("data/gatehouse.db");
            let mut conn = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
            conn.batch_execute("PRAGMA busy_timeout = 5000; ALTER TABLE sessions RENAME TO hidden_sessions").unwrap();
        }
    }
}

/// Starts the binary with this log filter, runs `use_it`, stops the binary and returns its log.
async fn capture_log(filter: &str, use_it: impl AsyncFnOnce(Client, &Fixture)) -> String {
    let dir = tempfile::Builder::new().prefix("gatehouse-test-").tempdir().unwrap();
    let url = if on_mariadb() { Mariadb::shared().database() } else { "sqlite:data/gatehouse.db".to_owned() };
    let fixture = Fixture { dir, url };
    let file = fixture.dir.path().join("log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
    command
        .current_dir(fixture.dir.path())
        .env("GATEHOUSE_LISTEN", "127.0.0.1:0")
        .env("GATEHOUSE_DATABASE_URL", &fixture.url)
        .env("GATEHOUSE_LOG", filter)
        .stdin(Stdio::null())
        .stderr(File::create(&file).unwrap());
    let mut running = Running::start(&mut command);
    use_it(Client::new(&running.address), &fixture).await;
    running.stop();
    fs::read_to_string(file).unwrap()
}

// ASVS 16.2.5, 14.2.1
#[tokio::test]
async fn log_at_trace_level_contains_no_secrets_or_personal_data() {
    let mut secrets = vec![PASSWORD.to_owned(), PASSWORD.replace(' ', "+"), "hunter2hunter2".to_owned()];
    let log = capture_log("trace", async |client: Client, _| {
        client.register("zoe.secretive").await;
        secrets.extend(["session", "device"].map(|name| client.cookie(name).unwrap()));
        secrets.push(client.csrf_token().await);
        client.sign_out().await;
        client.sign_in("zoe.secretive", "hunter2hunter2").await;
        client.sign_in("hunter2hunter2", PASSWORD).await;
        client.sign_in("zoe.secretive@keepers.example", PASSWORD).await;
        secrets.push(client.cookie("session").unwrap());
        client.get("/nowhere?password=hunter2hunter2").await;
        client.get("/login?next=/hunter2hunter2").await;
        client.post("/login", &[("password", "hunter2hunter2"), ("password", "hunter2hunter2")]).await;
        let planted = client.request("GET", "/").header("cookie", "session=hunter2hunter2; other=hunter2hunter2");
        client.send(planted).await;
        client.register("zoe.secretive").await;
    })
    .await;
    assert!(log.lines().count() > 20, "{log}");
    secrets.extend(["zoe.secretive", "keepers.example"].map(str::to_owned));
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret}");
    }
}

// ASVS 16.3.1, 16.3.3
#[tokio::test]
async fn every_outcome_is_logged_with_its_request_id() {
    let log = capture_log("info", async |client: Client, _| {
        client.register("zoe").await;
        client.sign_out().await;
        client.sign_in("zoe", WRONG_PASSWORD).await;
        client.sign_in("zoe", PASSWORD).await;
        client.send(client.request("POST", "/login")).await;
        client.post("/login", &[("role", "admin")]).await;
        let forger = Client::new(&client.base);
        forger.set_cookie("session", "forged");
        forger.get("/").await;
        // Each delay is longer than the one before, so that on a machine of any speed an attempt comes too early.
        let mut attempts = 0;
        while forger.sign_in("eva", WRONG_PASSWORD).await.status != 429 {
            attempts += 1;
            assert!(attempts < 15, "no attempt was throttled");
        }
    })
    .await;
    for event in [
        "registered",
        "signed_out",
        "sign_in_failed",
        "signed_in",
        "cross_origin_refused",
        "request_refused",
        "token_refused",
        "sign_in_throttled",
    ] {
        let line = log
            .lines()
            .find(|line| line.contains(&format!("\"event\":\"{event}\"")))
            .unwrap_or_else(|| panic!("{event}: {log}"));
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["request_id"].as_str().map(str::len), Some(16), "{line}");
    }
}

// ASVS 16.3.1
#[tokio::test]
async fn unlock_command_logs_its_event() {
    let mut log = String::new();
    capture_log("error", async |client: Client, fixture: &Fixture| {
        client.register("zoe").await;
        let output = Command::new(env!("CARGO_BIN_EXE_gatehouse"))
            .current_dir(fixture.dir.path())
            .env("GATEHOUSE_DATABASE_URL", &fixture.url)
            .args(["account", "unlock", "zoe"])
            .output()
            .unwrap();
        assert!(output.status.success());
        log = String::from_utf8(output.stderr).unwrap();
    })
    .await;
    let [line] = log.lines().collect::<Vec<_>>()[..] else { panic!("{log}") };
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["event"], line["account"].as_str().map(str::len)), (&"account_unlocked".into(), Some(36)));
    assert_eq!(line["actor"], "operator");
}

#[tokio::test]
async fn failure_is_logged_with_the_request_id_of_its_error_page() {
    let mut error_page = String::new();
    let log = capture_log("error", async |client: Client, fixture: &Fixture| {
        client.register("zoe").await;
        fixture.break_sessions_table();
        let other = Client::new(&client.base);
        error_page = other.sign_in("zoe", PASSWORD).await.body;
    })
    .await;
    let request_id = error_page.split("<code>").nth(1).unwrap().split('<').next().unwrap();
    let line = log.lines().find(|line| line.contains("request failed")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains(request_id), "{request_id}: {line}");
}

#[tokio::test]
async fn sessions_that_a_change_ends_are_logged_with_their_number() {
    let log = capture_log("info", async |client: Client, _| {
        client.register("zoe").await;
        for _ in 0..2 {
            Client::new(&client.base).sign_in("zoe", PASSWORD).await;
        }
        client.submit("/account/sessions/end-others", &[]).await;
        Client::new(&client.base).sign_in("zoe", PASSWORD).await;
        let password = "seventeen geese on a crooked chimney";
        let fields = [("current_password", PASSWORD), ("password", password), ("password_confirm", password)];
        assert_eq!(client.submit("/account/password", &fields).await.status, 303);
    })
    .await;
    let ended: Vec<serde_json::Value> = log
        .lines()
        .filter(|line| line.contains("\"event\":\"session_ended\""))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let occurrences: Vec<_> = ended.iter().map(|line| line["occurrences"].as_i64()).collect();
    assert_eq!(occurrences, [Some(2), Some(1)], "{log}");
}

// ASVS 16.4.1
#[tokio::test]
async fn client_input_cannot_break_or_forge_log_lines() {
    let log = capture_log("debug", async |client: Client, _| {
        client.sign_in("zoe\r\n{\"event\":\"signed_in\"}\u{1b}[31m", "x\r\ny").await;
        let request =
            client.request("GET", "/%0d%0a%1b[31mnowhere").header("user-agent", "a\tb{\"event\":\"signed_in\"}");
        client.send(request).await;
    })
    .await;
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?}"));
        assert_ne!(line["event"], "signed_in");
    }
    assert!(!log.contains('\u{1b}'));
}

#[tokio::test]
async fn wrong_proxy_settings_are_logged_once() {
    let log = capture_log("warn", async |client: Client, _| {
        for _ in 0..2 {
            let forwarded = client.request("GET", "/login").header("x-forwarded-for", "198.51.100.7");
            assert_eq!(client.send(forwarded).await.status, 200);
            assert_eq!(client.send(client.request("GET", "/login").header("host", "evil.example")).await.status, 421);
        }
    })
    .await;
    assert_eq!(log.matches("outside GATEHOUSE_TRUSTED_PROXIES was ignored").count(), 1, "{log}");
    assert_eq!(log.matches("a request for another host was refused").count(), 1, "{log}");
    assert!(!log.contains("198.51.100.7") && !log.contains("evil"), "clients choose these: {log}");
}
