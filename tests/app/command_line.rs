//! The binary, started as an operator starts it.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Mutex,
    time::Duration,
};

use crate::support::{PASSWORD, client::Client, mariadb::Mariadb, on_mariadb, wait_until};

/// Returns a command that runs the binary in `dir`. On MariaDB every call creates a new database.
pub fn gatehouse(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
    command.current_dir(dir).env("GATEHOUSE_LISTEN", "127.0.0.1:0").stdin(Stdio::null());
    if on_mariadb() {
        command.env("GATEHOUSE_DATABASE_URL", Mariadb::shared().database());
    }
    command
}

/// A running server process. Dropping it kills the process.
pub struct Running {
    child: Child,
    /// Standard output, if it was not read to its end.
    stdout: Option<Mutex<BufReader<ChildStdout>>>,
    pub address: String,
}

impl Running {
    /// Starts the server and waits for the line that names its address.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line.strip_prefix("Listening on ").unwrap_or_else(|| panic!("{line:?}")).trim().to_owned();
        Self { child, stdout: Some(Mutex::new(stdout)), address }
    }

    /// Waits for the next line on standard output.
    pub fn next_line(&self) -> String {
        let mut line = String::new();
        self.stdout.as_ref().unwrap().lock().unwrap().read_line(&mut line).unwrap();
        line
    }

    /// Returns the id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Sends `SIGTERM` and waits for a successful exit.
    pub fn stop(&mut self) {
        self.signal("TERM");
        assert_eq!(self.exit_code(), Some(0));
    }

    fn exit_code(&mut self) -> Option<i32> {
        wait_until("the process exits", Duration::from_secs(20), || self.child.try_wait().unwrap()).code()
    }

    fn resident_mebibytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn temp_dir() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("gatehouse-test-").tempdir().unwrap()
}

#[tokio::test]
async fn default_settings_serve_login_page_with_private_data_files() {
    let dir = temp_dir();
    let running = Running::start(&mut gatehouse(dir.path()));
    assert_eq!(Client::new(&running.address).get("/login").await.status, 200);
    let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("data"), 0o700);
    assert_eq!(mode("data/secret.key"), 0o600);
    if on_mariadb() {
        assert!(!dir.path().join("data/gatehouse.db").exists());
    } else {
        assert_eq!(mode("data/gatehouse.db"), 0o600);
    }
}

// The binary needs no other file: it runs from a folder that holds nothing else.
#[tokio::test]
async fn binary_alone_serves_the_whole_sign_in_page() {
    let dir = temp_dir();
    let binary = dir.path().join("gatehouse");
    fs::copy(env!("CARGO_BIN_EXE_gatehouse"), &binary).unwrap();
    let mut command = Command::new(&binary);
    command.current_dir(dir.path()).env("GATEHOUSE_LISTEN", "127.0.0.1:0").stdin(Stdio::null());
    let running = Running::start(&mut command);
    let client = Client::new(&running.address);
    let page = client.get("/login").await.body;
    let urls: Vec<_> = page.split('"').filter(|part| part.starts_with("/static/")).collect();
    assert_eq!(urls.len(), 3, "a style sheet, an icon and the mark");
    for url in urls {
        let answer = client.get(url).await;
        assert_eq!((answer.status, answer.body.len() > 100), (200, true), "{url}");
    }
}

#[tokio::test]
async fn hashing_threads_run_at_two_priorities_and_requests_between_them() {
    let dir = temp_dir();
    let running = Running::start(gatehouse(dir.path()).env("GATEHOUSE_HASH_THREADS", "3"));
    // proc(5): nice is field 19, which is the 17th field after the name.
    let nice = |stat: &str| stat.split_once(") ").unwrap().1.split(' ').nth(16).unwrap().parse::<i32>().unwrap();
    let inherited = nice(&fs::read_to_string(format!("/proc/{}/stat", running.child.id())).unwrap());
    let tasks = format!("/proc/{}/task", running.child.id());
    // A thread sets its name and then its priority when it first runs.
    wait_until("each kind of thread has its own priority", Duration::from_secs(10), || {
        let stats: Vec<_> = fs::read_dir(&tasks)
            .unwrap()
            .map(|task| fs::read_to_string(task.unwrap().path().join("stat")).unwrap())
            .collect();
        let of = |name: &str| -> Vec<_> { stats.iter().filter(|stat| stat.contains(name)).map(|s| nice(s)).collect() };
        let requests = of("(actix-rt|");
        let lowered = (inherited + 3).min(19);
        (of("(hash)") == [inherited; 3]
            && of("(hash-low)") == [19; 3]
            && !requests.is_empty()
            && requests.iter().all(|nice| *nice == lowered))
        .then_some(())
    });
}

#[tokio::test]
async fn shutdown_signal_drains_running_requests_and_exits_with_zero() {
    for signal in ["TERM", "INT"] {
        let dir = temp_dir();
        let mut running = Running::start(&mut gatehouse(dir.path()));
        let fields = format!("login=unknown&password={}", PASSWORD.replace(' ', "+"));
        let mut socket = TcpStream::connect(running.address.trim_start_matches("http://")).unwrap();
        write!(
            socket,
            "POST /login HTTP/1.1\r\nHost: localhost\r\nOrigin: {}\r\nConnection: close\r\nExpect: 100-continue\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            running.address,
            fields.len(),
        )
        .unwrap();
        // The handler is running once the server asks for the body.
        let mut interim = [0; 25];
        socket.read_exact(&mut interim).unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        running.signal(signal);
        wait_until("the server accepts no new connections", Duration::from_secs(5), || {
            TcpStream::connect(running.address.trim_start_matches("http://")).is_err().then_some(())
        });
        socket.write_all(fields.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 422"), "{signal}: {answer}");
        assert_eq!(running.exit_code(), Some(0), "{signal}");
    }
}

#[tokio::test]
async fn session_survives_sigkill_and_restart() {
    let dir = temp_dir();
    let mut command = gatehouse(dir.path());
    let running = Running::start(&mut command);
    let client = Client::new(&running.address);
    assert_eq!(client.register("zoe").await.status, 303);
    drop(running);
    let running = Running::start(&mut command);
    assert!(client.against(&running.address).is_signed_in().await);
}

/// Starts the binary with unusable settings and returns what it prints to standard error.
fn startup_error(settings: &[(&str, &str)]) -> String {
    let dir = temp_dir();
    let mut command = gatehouse(dir.path());
    for (name, value) in settings {
        command.env(name, value);
    }
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Killed when dropped, in case the settings are accepted.
    let mut running = Running { child, stdout: None, address: String::new() };
    let status = running.exit_code();
    let (mut stdout, mut stderr) = (String::new(), String::new());
    running.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    running.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let is_out_of_reach =
        ["cannot listen", "cannot connect", "/proc/nowhere/x.db"].iter().any(|part| stderr.contains(part));
    assert_eq!(status, Some(if is_out_of_reach { 1 } else { 2 }), "{stderr}");
    assert!(stdout.is_empty(), "{settings:?}");
    stderr
}

#[test]
fn invalid_setting_stops_startup_with_setting_name_and_reason() {
    for (name, value, reason) in [
        ("GATEHOUSE_LISTEN", "here", "invalid socket address"),
        ("GATEHOUSE_LISTEN", "192.0.2.1:8080", "cannot listen on 192.0.2.1:8080"),
        ("GATEHOUSE_LISTEN", "0.0.0.0:0", "GATEHOUSE_PUBLIC_URL: is needed"),
        ("GATEHOUSE_PUBLIC_URL", "login.example.org", "is not a URL"),
        ("GATEHOUSE_PUBLIC_URL", "https://login.example.org/auth", "without path"),
        ("GATEHOUSE_PUBLIC_URL", "http://login.example.org", "GATEHOUSE_ALLOW_INSECURE_HTTP"),
        ("GATEHOUSE_DATA_DIR", "/proc/nowhere", "cannot create the folder"),
        ("GATEHOUSE_DATABASE_URL", "postgres://zoe:hunter2@db/x", "“postgres” is not known"),
        ("GATEHOUSE_DATABASE_URL", "mysq1://zoe:hunter2@db/x", "“mysq1” is not known"),
        ("GATEHOUSE_DATABASE_URL", "mysql://zoe:hunter2@127.0.0.1:1/x", "cannot connect to mysql://127.0.0.1:1/x"),
        ("GATEHOUSE_DATABASE_URL", "sqlite:/proc/nowhere/x.db", "sqlite:/proc/nowhere/x.db"),
        ("GATEHOUSE_DATABASE_CA_FILE", "/proc/nowhere", "GATEHOUSE_DATABASE_CA_FILE: "),
        ("GATEHOUSE_SECRET", "", "the secret has 0 bytes"),
        ("GATEHOUSE_SECRET", "hunter2", "the secret has 7 bytes"),
        ("GATEHOUSE_SECRET", "hunter2hunter2hunter2hunter2hun", "the secret has 31 bytes"),
        ("GATEHOUSE_SECRET", "changemechangemechangemechangeme", "looks like a sample"),
        ("GATEHOUSE_PREVIOUS_SECRETS", "hunter2", "the secret has 7 bytes"),
        ("GATEHOUSE_SECRET_FILE", "/proc/nowhere", "cannot read /proc/nowhere"),
        ("GATEHOUSE_TRUSTED_PROXIES", "10.0.0.0/8,proxy", "is not a network"),
        ("GATEHOUSE_REGISTRATION", "maybe", "is not possible here"),
        ("GATEHOUSE_SESSION_IDLE", "soon", "is not a duration; use for example 90s, 30m, 12h or 14d"),
        ("GATEHOUSE_SESSION_LIFETIME", "0s", "must be longer than zero"),
        ("GATEHOUSE_SESSION_LIFETIME", "2y", "is longer than 1year"),
        ("GATEHOUSE_REMEMBER_LIFETIME", "367d", "is longer than 1year"),
        ("GATEHOUSE_RECENT_SIGN_IN", "25h", "is longer than 1day"),
        ("GATEHOUSE_SESSION_CACHE", "61s", "is longer than 1m"),
        ("GATEHOUSE_FAILURE_RATE", "20/31d", "is longer than 30days"),
        ("GATEHOUSE_FAILURE_RATE", "1000001/1h", "is more than 1000000"),
        ("GATEHOUSE_HASH_QUEUE", "0", "0 is not in 1..=1024"),
        ("GATEHOUSE_HASH_QUEUE", "1025", "1025 is not in 1..=1024"),
        ("GATEHOUSE_PASSWORD_MIN_LENGTH", "7", "7 is not in 8..=128"),
        ("GATEHOUSE_REGISTRATION_RATE", "20", "is not a rate"),
        ("GATEHOUSE_SESSIONS_PER_ACCOUNT", "0", "0 is not in 1..=1000"),
        ("GATEHOUSE_SESSIONS_PER_ACCOUNT", "1001", "1001 is not in 1..=1000"),
        ("GATEHOUSE_SIGN_IN_RATE", "60", "is not a rate"),
        ("GATEHOUSE_RESERVED_NAMES", "postmaster,no name", "is not a user name"),
        ("GATEHOUSE_HASH_THREADS", "0", "number would be zero"),
        ("GATEHOUSE_SITE_NAME", "", "1 to 60 printable characters"),
        ("GATEHOUSE_STATIC_DIR", "/proc/nowhere", "/proc/nowhere cannot be used"),
        ("GATEHOUSE_STATIC_DIR", "/", "style.css is missing"),
        ("GATEHOUSE_METRICS_LISTEN", "here", "invalid socket address"),
        ("GATEHOUSE_METRICS_LISTEN", "192.0.2.1:9464", "cannot listen on 192.0.2.1:9464"),
        ("GATEHOUSE_LOG", "gatehouse=loud", "is not a filter"),
    ] {
        let error = startup_error(&[(name, value)]);
        // A public `GATEHOUSE_LISTEN` is reported as a missing public URL, for example.
        let setting = reason.split_once(": ").map_or(name, |(setting, _)| setting);
        assert!(error.contains(&format!("gatehouse: {setting}: ")), "{name}={value}: {error}");
        assert!(error.contains(reason), "{name}={value}: {error}");
        assert!(!error.contains("hunter2"), "{name}: {error}");
    }
}

#[test]
fn startup_rejects_world_readable_secret_file() {
    let dir = temp_dir();
    let file = dir.path().join("key");
    fs::write(&file, "c8f1d2a37b6e4095af31c6d80e92b754").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(startup_error(&[("GATEHOUSE_SECRET_FILE", file.to_str().unwrap())]).contains("run: chmod 600"));
}

#[tokio::test]
async fn public_plain_http_requires_explicit_setting() {
    let dir = temp_dir();
    let mut command = gatehouse(dir.path());
    command.env("GATEHOUSE_PUBLIC_URL", "http://login.example.org").env("GATEHOUSE_ALLOW_INSECURE_HTTP", "true");
    let running = Running::start(&mut command);
    assert_eq!(Client::new(&running.address).get("/healthz").await.status, 200);
}

#[test]
fn help_lists_every_setting_and_shows_no_secret() {
    let help = Command::new(env!("CARGO_BIN_EXE_gatehouse"))
        .args(["serve", "--help"])
        .env("GATEHOUSE_SECRET", "hunter2")
        .env("GATEHOUSE_DATABASE_URL", "mysql://zoe:hunter2@db/x")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for name in [
        "LISTEN",
        "PUBLIC_URL",
        "ALLOW_INSECURE_HTTP",
        "DATA_DIR",
        "DATABASE_URL",
        "DATABASE_CA_FILE",
        "SECRET",
        "SECRET_FILE",
        "PREVIOUS_SECRETS",
        "TRUSTED_PROXIES",
        "REGISTRATION",
        "SESSION_IDLE",
        "SESSION_LIFETIME",
        "REMEMBER_IDLE",
        "REMEMBER_LIFETIME",
        "RECENT_SIGN_IN",
        "EVENTS_KEPT",
        "NAME_RESERVED",
        "PASSWORD_MIN_LENGTH",
        "SESSION_CACHE",
        "REGISTRATION_RATE",
        "SESSIONS_PER_ACCOUNT",
        "FAILURE_RATE",
        "SIGN_IN_RATE",
        "RESERVED_NAMES",
        "HASH_THREADS",
        "HASH_QUEUE",
        "SITE_NAME",
        "STATIC_DIR",
        "METRICS_LISTEN",
        "LOG",
    ] {
        let flag = name.to_lowercase().replace('_', "-");
        assert!(help.contains(&format!("[env: GATEHOUSE_{name}")), "{name}");
        assert!(help.contains(&format!("--{flag}")), "{name}");
    }
    assert!(!help.contains("hunter2"));
}

// ASVS 15.2.2: the memory for hashing depends on the number of threads, not on the number of requests.
#[tokio::test]
async fn login_flood_memory_is_bounded_by_hash_threads() {
    let dir = temp_dir();
    let mut command = gatehouse(dir.path());
    command.env("GATEHOUSE_HASH_THREADS", "2").env("GATEHOUSE_FAILURE_RATE", "0");
    let running = Running::start(&mut command);
    let client = Client::new(&running.address);
    assert_eq!(client.get("/login").await.status, 200);
    let idle = running.resident_mebibytes();
    for round in 0..3 {
        let sign_ins = (0..200).map(|number| {
            let client = client.clone();
            async move { client.sign_in(&format!("name{round}x{number}"), PASSWORD).await.status }
        });
        let statuses = futures_util::future::join_all(sign_ins).await;
        assert!(statuses.iter().all(|status| matches!(status, 422 | 503)), "{statuses:?}");
    }
    let growth = running.resident_mebibytes() - idle;
    // 19 MiB for each hashing thread, and 32 MiB for everything else.
    assert!(growth < 2 * 19 + 32, "{growth} MiB");
}
