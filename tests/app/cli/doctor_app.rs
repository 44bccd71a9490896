//! `gatehouse doctor --app`, with a right proxy and wrong ones.

use std::{process::Command, time::Duration};

use super::{
    Instance, Outcome,
    doctor::{diagnose, only_failure},
    proxy::{Change, proxy},
};
use crate::{command_line::Running, support::client::Client};

/// Asks Gatehouse in place of the application, and passes the pages of Gatehouse on.
fn ask_gatehouse(lines: &mut Vec<String>) {
    let target = lines[0].split(' ').nth(1).unwrap().to_owned();
    let path = match target.strip_prefix("/.gatehouse/") {
        Some(rest) => format!("/handover/wiki/{rest}"),
        None => "/verify/wiki/any".to_owned(),
    };
    lines[0] = format!("GET {path} HTTP/1.1");
    for line in lines.iter_mut().filter(|line| line.to_lowercase().starts_with("x-forwarded-for:")) {
        "x-forwarded-for: 198.51.100.7".clone_into(line);
    }
    lines.push(format!("x-forwarded-uri: {target}"));
}

fn drop_identity(lines: &mut Vec<String>) {
    ask_gatehouse(lines);
    let is_identity = |line: &String| {
        let name = line.split(':').next().unwrap().to_lowercase();
        name.starts_with("remote") || name.ends_with("jwt")
    };
    lines.retain(|line| !is_identity(line));
}

/// Returns the URL of a proxy under another name: an application has another host than Gatehouse.
fn at_another_host(url: &str) -> String {
    url.replace("127.0.0.1", "localhost")
}

/// An instance whose application `wiki` is behind a proxy.
struct Protected {
    instance: Instance,
    running: Running,
}

impl Protected {
    fn start(change: Change) -> Self {
        let instance = Instance::new();
        let running = Running::start(instance.command(&["serve"]).env("GATEHOUSE_TRUSTED_PROXIES", "127.0.0.1"));
        let url = at_another_host(&proxy(&running.address, change));
        assert_eq!(instance.run(&["app", "add", "wiki", "--url", &url]).status, 0);
        Self { instance, running }
    }

    /// Returns `doctor` for the application. It reaches the server as its users do, through a proxy.
    async fn doctor(&self) -> Command {
        let client = Client::new(&self.running.address);
        let started = std::time::Instant::now();
        // The server notices a new application within a second.
        while client.get("/handover/wiki/start").await.status != 303 {
            assert!(started.elapsed() < Duration::from_secs(20), "the server does not notice the application");
        }
        let public_url = proxy(&self.running.address, |lines| {
            lines
                .iter_mut()
                .filter(|line| line.starts_with("x-forwarded-for:"))
                .for_each(|line| line.push_str(", 198.51.100.7"));
        });
        let mut command = self.instance.command(&[]);
        command.env("GATEHOUSE_PUBLIC_URL", public_url).env("GATEHOUSE_TRUSTED_PROXIES", "127.0.0.1");
        command
    }
}

#[tokio::test]
async fn doctor_finds_nothing_wrong_with_a_proxy_that_asks_and_drops_identity_headers() {
    let protected = Protected::start(drop_identity);
    let (status, findings) = diagnose(&mut protected.doctor().await, &["--app", "wiki"]);
    assert_eq!(status, 0, "{findings:?}");
    let checks: Vec<_> = findings.iter().map(|finding| finding["check"].as_str().unwrap()).collect();
    assert!(checks.ends_with(&["app_ping", "app_headers", "app_client", "app_protected"]), "{checks:?}");
    let (_, without) = diagnose(&mut protected.doctor().await, &[]);
    assert_eq!(without.len() + 4, findings.len());
}

#[tokio::test]
async fn proxy_that_passes_on_identity_headers_fails() {
    let protected = Protected::start(ask_gatehouse);
    let (check, text) = only_failure(&mut protected.doctor().await, &["--app", "wiki"]);
    assert_eq!(check, "app_headers");
    for name in ["remote-user", "remote_user", "remote.user", "x_gatehouse_jwt", "remote.groups"] {
        assert!(text.contains(name), "{name}: {text}");
    }
    let protected = Protected::start(|lines| {
        ask_gatehouse(lines);
        lines.retain(|line| !(line.to_lowercase().starts_with("remote-") || line.starts_with("x-gatehouse-")));
    });
    let (check, text) = only_failure(&mut protected.doctor().await, &["--app", "wiki"]);
    assert!(check == "app_headers" && text.contains("remote_user") && !text.contains("remote-user"), "{text}");
}

#[tokio::test]
async fn proxy_that_does_not_protect_the_application_fails() {
    let protected = Protected::start(|lines| {
        let is_page = lines[0].starts_with("GET / ");
        drop_identity(lines);
        if is_page {
            lines[0] = "GET /healthz HTTP/1.1".to_owned();
        }
    });
    let (check, text) = only_failure(&mut protected.doctor().await, &["--app", "wiki"]);
    assert!(check == "app_protected" && text.contains("answers a guest with 200"), "{text}");
}

#[tokio::test]
async fn proxy_that_lets_clients_claim_an_address_fails() {
    let protected = Protected::start(|lines| {
        drop_identity(lines);
        lines.retain(|line| !line.starts_with("x-forwarded-for:"));
        lines.push("x-forwarded-for: 192.0.2.1".to_owned());
    });
    let (check, text) = only_failure(&mut protected.doctor().await, &["--app", "wiki"]);
    assert!(check == "app_client" && text.contains("can claim any address"), "{text}");
}

#[tokio::test]
async fn proxy_that_does_not_lead_to_this_instance_fails() {
    let protected = Protected::start(|lines| lines[0] = "GET /nowhere HTTP/1.1".to_owned());
    let (check, text) = only_failure(&mut protected.doctor().await, &["--app", "wiki"]);
    assert!(check == "app_ping" && text.contains("proxy-config PROXY wiki"), "{text}");

    assert_eq!(protected.instance.run(&["app", "set", "wiki", "--url", "http://127.0.0.2:1"]).status, 0);
    let (check, text) = only_failure(&mut protected.doctor().await, &["--app", "wiki"]);
    assert!(check == "app_ping" && text.contains("does not answer this machine"), "{text}");

    let url = at_another_host(&proxy(&protected.running.address, drop_identity));
    assert_eq!(protected.instance.run(&["app", "add", "photos", "--url", &url]).status, 0);
    let (check, text) = only_failure(&mut protected.doctor().await, &["--app", "photos"]);
    assert!(check == "app_ping" && text.contains("asks for the application wiki"), "{text}");

    assert_eq!(protected.instance.run(&["app", "set", "wiki", "--no-url"]).status, 0);
    let mut command = protected.instance.command(&[]);
    let (_, findings) = diagnose(&mut command, &["--app", "wiki"]);
    assert!(findings.last().unwrap()["message"].as_str().unwrap().contains("has no origin"), "{findings:?}");
    let unknown = Outcome::from(protected.instance.command(&["doctor", "--app", "nowhere"]).output().unwrap());
    assert_eq!(unknown.status, 1);
}
