//! `/metrics`: what it counts, what it must not contain, and where it is served.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Write,
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use diesel::connection::SimpleConnection;
use gatehouse::maintenance;

use crate::{
    command_line::{Running, gatehouse, temp_dir},
    support::{PASSWORD, TestApp, WRONG_PASSWORD, client::Client, on_mariadb, program},
    throttle::lock_out,
};

/// Every label. A new one must be checked for personal data first.
const LABELS: [&str; 9] = ["kind", "le", "method", "outcome", "pool", "route", "state", "status", "version"];

fn with_metrics(arguments: &[&str]) -> TestApp {
    TestApp::with(&[&["--metrics-listen", "127.0.0.1:0"], arguments].concat())
}

/// Returns a client of the address that serves `/metrics`.
fn prometheus(app: &TestApp) -> Client {
    Client::new(&format!("http://{}", app.metrics_address.unwrap()))
}

/// Returns the samples.
async fn scrape(app: &TestApp) -> String {
    let answer = prometheus(app).get("/metrics").await;
    assert_eq!(answer.status, 200);
    answer.body
}

/// Returns the value of a sample. Panics if there is none, or more than one.
#[track_caller]
fn value(samples: &str, name: &str) -> f64 {
    let found: Vec<_> = samples.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).collect();
    assert_eq!(found.len(), 1, "{name}:\n{samples}");
    found[0].parse().unwrap()
}

fn assert_value(samples: &str, name: &str, expected: f64) {
    assert!((value(samples, name) - expected).abs() < f64::EPSILON, "{name} is not {expected}:\n{samples}");
}

/// Asks until `condition` holds for the samples.
async fn scrape_until(app: &TestApp, condition: impl Fn(&str) -> bool) {
    let started = Instant::now();
    loop {
        let samples = scrape(app).await;
        if condition(&samples) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{samples}");
    }
}

// ASVS 13.4.5
#[tokio::test]
async fn metrics_are_served_at_one_path_of_their_own_address_and_not_on_the_public_one() {
    let app = with_metrics(&[]);
    assert_eq!(app.client().get("/metrics").await.status, 404);
    let prometheus = prometheus(&app);
    let page = prometheus.get("/metrics").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/plain; version=0.0.4; charset=utf-8"));
    let head = prometheus.send(prometheus.request("HEAD", "/metrics")).await;
    assert_eq!((head.status, head.header("content-type")), (200, page.header("content-type")));
    assert!(head.body.is_empty() && head.header("content-length").parse::<usize>().unwrap() > 1000, "{head:?}");
    for path in ["/", "/login", "/healthz", "/metrics/", "/static/style.css"] {
        assert_eq!(prometheus.get(path).await.status, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        assert_eq!(prometheus.send(prometheus.request(method, "/metrics")).await.status, 404, "{method}");
    }
    assert_eq!(TestApp::spawn().metrics_address, None, "they are off by default");
}

#[tokio::test]
async fn requests_are_counted_by_route_method_and_status_and_never_by_path() {
    let app = with_metrics(&[]);
    let zoe = app.signed_in_client("zoe").await;
    let (guest, origin) = (app.client(), &app.address);
    for path in ["/login", "/login?next=%2Faccount", "/nowhere/zoe", "/account/zoe", "/test/panic", "/static/style.css"]
    {
        guest.get(path).await;
    }
    guest.sign_in("zoe", WRONG_PASSWORD).await;
    guest.send(guest.request("POST", "/login").header("origin", "https://elsewhere.example")).await;
    guest.send(guest.request("HEAD", "/healthz")).await;
    for method in ["PUT", "BREW"] {
        guest.send(guest.request(method, "/login").header("origin", origin)).await;
    }
    guest.send(guest.request("GET", "/login").header("host", "elsewhere.example")).await;
    for id in ["AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAQ"] {
        zoe.submit(&format!("/account/sessions/{id}/end"), &[]).await;
    }
    let samples = scrape(&app).await;
    let expected = [
        ("/login", "GET", 200, 2.0),
        ("/login", "POST", 422, 1.0),
        ("/login", "other", 405, 2.0),
        ("/healthz", "HEAD", 200, 1.0),
        ("/test/panic", "GET", 500, 1.0),
        ("/static/{name}", "GET", 200, 1.0),
        ("/register", "POST", 303, 1.0),
        ("/account/sessions/{id}/end", "POST", 404, 2.0),
        ("none", "GET", 404, 2.0),
        ("none", "POST", 403, 1.0),
        ("none", "GET", 421, 1.0),
    ];
    for (route, method, status, count) in expected {
        let labels = format!("route=\"{route}\",method=\"{method}\",status=\"{status}\"");
        assert_value(&samples, &format!("gatehouse_http_requests_total{{{labels}}}"), count);
    }
    for (route, count) in [("/login", 5.0), ("none", 4.0), ("/test/panic", 1.0)] {
        let sample = |suffix: &str| format!("gatehouse_http_request_duration_seconds_{suffix}{{route=\"{route}\"}}");
        assert_value(&samples, &sample("count"), count);
        assert!(value(&samples, &sample("sum")) > 0.0, "{route}");
    }
}

#[tokio::test]
async fn sign_ins_are_counted_by_outcome() {
    let app = with_metrics(&["--trusted-proxies", "127.0.0.0/8", "--hash-threads", "1", "--hash-queue", "1"]);
    let outcome = |name: &str| format!("gatehouse_sign_ins_total{{outcome=\"{name}\"}}");
    let all = ["succeeded", "failed", "throttled", "locked_out", "overloaded", "invalid", "error"];
    let samples = scrape(&app).await;
    for name in all {
        assert_value(&samples, &outcome(name), 0.0);
    }

    app.signed_in_client("zoe").await;
    let client = |number: u8| app.client().from_ip(&format!("203.0.113.{number}"));
    for _ in 0..2 {
        assert_eq!(client(1).sign_in("zoe", PASSWORD).await.status, 303);
    }
    for status in [422, 422, 422, 422, 422, 429, 429, 429] {
        assert_eq!(client(2).sign_in("eva", WRONG_PASSWORD).await.status, status);
    }
    for _ in 0..4 {
        assert_eq!(client(3).sign_in("zoe", "").await.status, 422);
    }
    app.query(|conn| conn.batch_execute("ALTER TABLE throttles RENAME TO hidden")).await;
    assert_eq!(client(4).sign_in("zoe", PASSWORD).await.status, 500);
    app.query(|conn| conn.batch_execute("ALTER TABLE hidden RENAME TO throttles")).await;
    let samples = scrape(&app).await;
    for (name, count) in
        [("succeeded", 2.0), ("failed", 5.0), ("throttled", 3.0), ("invalid", 4.0), ("error", 1.0), ("locked_out", 0.0)]
    {
        assert_value(&samples, &outcome(name), count);
    }

    lock_out(&app, "zoe").await;
    let before = value(&scrape(&app).await, &outcome("locked_out"));
    assert_eq!(client(5).sign_in("zoe", PASSWORD).await.status, 429);
    assert_value(&scrape(&app).await, &outcome("locked_out"), before + 1.0);

    let flood = (0..40).map(|number| {
        let client = client(6);
        async move { client.sign_in(&format!("name{number}"), PASSWORD).await.status }
    });
    let overloaded = futures_util::future::join_all(flood).await.iter().filter(|status| **status == 503).count();
    let overloaded = f64::from(u32::try_from(overloaded).unwrap());
    assert!(overloaded > 0.0);
    assert_value(&scrape(&app).await, &outcome("overloaded"), overloaded);
}

#[tokio::test]
async fn events_are_counted_by_kind_at_once_and_start_at_zero() {
    let app = with_metrics(&["--sessions-per-account", "2"]);
    let kind = |name: &str| format!("gatehouse_events_total{{kind=\"{name}\"}}");
    assert_value(&scrape(&app).await, &kind("account_deleted"), 0.0);
    app.signed_in_client("zoe").await;
    for _ in 0..2 {
        app.client().sign_in("zoe", PASSWORD).await;
        app.client().sign_in("zoe", WRONG_PASSWORD).await;
    }
    let samples = scrape(&app).await;
    for (name, count) in [
        ("registered", 1.0),
        ("signed_in", 2.0),
        ("sign_in_failed", 2.0),
        ("session_replaced", 1.0),
        ("account_deleted", 0.0),
    ] {
        assert_value(&samples, &kind(name), count);
    }
    app.flush().await;
    assert_value(&scrape(&app).await, &kind("sign_in_failed"), 2.0);
}

#[tokio::test]
async fn hashing_metrics_show_queue_hashes_and_working_time() {
    let app = with_metrics(&["--hash-threads", "1", "--failure-rate", "0"]);
    let jobs = |state: &str| format!("gatehouse_hashing_jobs{{state=\"{state}\"}}");
    let samples = scrape(&app).await;
    for (name, expected) in [
        (jobs("waiting"), 0.0),
        (jobs("running"), 0.0),
        ("gatehouse_hashing_threads".to_owned(), 1.0),
        ("gatehouse_password_hashes_total".to_owned(), 0.0),
        ("gatehouse_hashing_busy_seconds_total".to_owned(), 0.0),
    ] {
        assert_value(&samples, &name, expected);
    }
    let ended = AtomicBool::new(false);
    let flood = (0..8).map(|number| {
        let (client, ended) = (app.client(), &ended);
        async move {
            for attempt in 0.. {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                client.sign_in(&format!("name{number}-{attempt}"), PASSWORD).await;
            }
        }
    });
    let watch = async {
        scrape_until(&app, |samples| value(samples, &jobs("waiting")) > 1.0 && value(samples, &jobs("running")) > 0.0)
            .await;
        ended.store(true, Ordering::Relaxed);
    };
    tokio::join!(futures_util::future::join_all(flood), watch);
    scrape_until(&app, |samples| value(samples, &jobs("waiting")) + value(samples, &jobs("running")) < 1.0).await;
    let samples = scrape(&app).await;
    let hashes = f64::from(u32::try_from(app.hashes_computed()).unwrap());
    assert!(hashes > 0.0);
    assert_value(&samples, "gatehouse_password_hashes_total", hashes);
    assert_value(&samples, "gatehouse_hashing_busy_seconds_total", app.state.accounts.hashing_time().as_secs_f64());
}

#[tokio::test]
async fn database_metrics_show_jobs_that_wait_and_run() {
    let app = with_metrics(&[]);
    let pool = if on_mariadb() { "all" } else { "write" };
    let jobs = |state: &str| format!("gatehouse_database_jobs{{pool=\"{pool}\",state=\"{state}\"}}");
    let samples = scrape(&app).await;
    let threads = value(&samples, &format!("gatehouse_database_threads{{pool=\"{pool}\"}}"));
    assert_value(
        &samples,
        &format!("gatehouse_database_threads{{pool=\"{pool}\"}}"),
        if on_mariadb() { 8.0 } else { 1.0 },
    );

    // One job for each thread, and two more. Each ends when its sender is dropped.
    let mut senders = Vec::new();
    let mut held = 0.0;
    let mut tasks = Vec::new();
    while held < threads + 2.0 {
        let (sender, receiver) = mpsc::channel::<()>();
        senders.push(sender);
        let database = app.database().clone();
        tasks.push(tokio::spawn(async move {
            let receiver = std::sync::Mutex::new(receiver);
            database.write(move |_| Ok(receiver.lock().unwrap().recv().is_err())).await
        }));
        held += 1.0;
    }
    // The background jobs of the application may wait as well.
    scrape_until(&app, |samples| {
        (value(samples, &jobs("running")) - threads).abs() < 0.5 && value(samples, &jobs("waiting")) > 1.5
    })
    .await;
    drop(senders);
    for task in tasks {
        assert!(task.await.unwrap().unwrap());
    }
    scrape_until(&app, |samples| value(samples, &jobs("running")) + value(samples, &jobs("waiting")) < 0.5).await;
}

#[tokio::test]
async fn active_sessions_are_those_of_all_processes_that_are_not_idle() {
    let app = with_metrics(&["--session-idle", "1h", "--remember-idle", "14d", "--remember-lifetime", "30d"]);
    let other = app.second_process(&[]);
    app.signed_in_client("zoe").await;
    other.client().sign_in("zoe", PASSWORD).await;
    other.client().sign_in_remembered("zoe", PASSWORD).await;
    let active = |samples: &str| value(samples, "gatehouse_active_sessions");
    for (advance, expected) in [(0, 3.0), (3599, 3.0), (1, 1.0), (14 * 24 * 3600, 0.0)] {
        app.clock.advance(Duration::from_secs(advance));
        maintenance::count_sessions(&app.state).await;
        let samples = scrape(&app).await;
        assert!((active(&samples) - expected).abs() < 0.5, "after {advance} s: {}", active(&samples));
    }
}

// The background job counts when the server starts, and then once a minute.
#[tokio::test]
async fn active_sessions_are_counted_in_the_background() {
    let app = TestApp::spawn();
    app.signed_in_client("zoe").await;
    let restarted = app.restart(&["--metrics-listen", "127.0.0.1:0"]);
    scrape_until(&restarted, |samples| value(samples, "gatehouse_active_sessions") > 0.5).await;
}

#[tokio::test]
async fn metrics_contain_no_personal_data_and_only_known_labels() {
    let app = with_metrics(&["--trusted-proxies", "127.0.0.0/8"]);
    let mut zoe = app.client().from_ip("203.0.113.77");
    zoe.headers.push(("user-agent", "Quiet Browser".to_owned()));
    assert_eq!(zoe.register("zoe").await.status, 303);
    zoe.sign_in("zoe@keepers.example", PASSWORD).await;
    zoe.sign_in("zoe", WRONG_PASSWORD).await;
    zoe.get("/zoe/zoe@keepers.example?name=zoe").await;
    zoe.send(zoe.request("ZOE", "/login").header("origin", &app.address)).await;
    let id = zoe.account_id().await.to_string();
    let samples = scrape(&app).await;
    let secrets = [zoe.cookie("session").unwrap(), zoe.cookie("device").unwrap(), id];
    for personal in ["zoe", "keepers", "203.0.113", "Quiet"].into_iter().chain(secrets.iter().map(String::as_str)) {
        assert!(!samples.to_lowercase().contains(&personal.to_lowercase()), "{personal}:\n{samples}");
    }
    let mut labels = BTreeSet::new();
    for series in samples.lines().filter(|line| !line.starts_with('#')) {
        let Some((_, rest)) = series.split_once('{') else { continue };
        labels.extend(
            rest.split("=\"")
                .map(|part| part.rsplit(['{', ',', '"']).next().unwrap())
                .filter(|label| label.chars().all(|letter| letter.is_ascii_lowercase()) && !label.is_empty()),
        );
    }
    assert_eq!(labels, LABELS.into_iter().collect());
}

#[tokio::test]
async fn build_and_start_of_the_process_are_shown() {
    let app = with_metrics(&[]);
    let started_at = app.clock.now().as_millis() / 1000;
    app.clock.advance(Duration::from_hours(1));
    let samples = scrape(&app).await;
    assert_value(&samples, &format!("gatehouse_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1.0);
    assert!(samples.contains(&format!("\nprocess_start_time_seconds {started_at}\n")), "{samples}");
}

#[tokio::test]
async fn promtool_accepts_the_metrics() {
    let app = with_metrics(&[]);
    app.signed_in_client("zoe").await.get("/nowhere").await;
    let mut promtool = Command::new(program(&["promtool"], "prometheus"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(scrape(&app).await.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let findings = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && findings.is_empty(), "{findings}");
}

#[tokio::test]
async fn readme_lists_every_metric() {
    let app = with_metrics(&[]);
    app.client().get("/login").await;
    let samples = scrape(&app).await;
    let served: BTreeSet<_> =
        samples.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let section = readme.split("## Metrics\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: BTreeSet<_> = rows.map(|row| row.split(['`', '{']).next().unwrap()).collect();
    assert_eq!(listed, served);
}

#[tokio::test]
async fn binary_serves_metrics_until_it_stops_and_an_open_connection_does_not_delay_that() {
    let dir = temp_dir();
    let log = dir.path().join("log");
    let mut command = gatehouse(dir.path());
    command.env("GATEHOUSE_METRICS_LISTEN", "127.0.0.1:0").stderr(File::create(&log).unwrap());
    let mut running = Running::start(&mut command);
    let lines = fs::read_to_string(&log).unwrap();
    let ready: serde_json::Value = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .find(|line: &serde_json::Value| line["message"] == "ready")
        .unwrap();
    let address = ready["metrics"].as_str().unwrap().to_owned();
    let prometheus = Client::new(&format!("http://{address}"));
    assert!(prometheus.get("/metrics").await.body.contains("\ngatehouse_build_info{"));
    let _open = TcpStream::connect(&address).unwrap();
    let started = Instant::now();
    running.stop();
    // Without the signal the connection is closed after 5 s.
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(TcpStream::connect(&address).is_err());
}
