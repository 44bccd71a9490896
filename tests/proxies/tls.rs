//! Configurations for origins with https.

use std::process::Command;

use gatehouse::{
    apps::{AppChange, Change},
    client::Client as Operator,
};

use crate::{
    proxy::{Proxy, envoy, in_folder, write_certificate},
    support::{TestApp, program},
};

async fn app_at(origin: &str) -> TestApp {
    let app = TestApp::spawn();
    let change = AppChange { url: Change::Set(origin.parse().unwrap()), ..AppChange::default() };
    app.state.apps.add("my-wiki".parse().unwrap(), change, &Operator::anonymous()).await.unwrap();
    app
}

fn accepts(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
async fn configurations_with_https_are_accepted_by_the_proxies() {
    for origin in
        ["https://wiki.example.org", "https://wiki.example.org:8443", "https://[2001:db8::7]", "https://127.0.0.2"]
    {
        let dir = tempfile::tempdir().unwrap();
        let app = app_at(origin).await;
        let (certificate, key) = write_certificate(dir.path(), "wiki.example.org");
        let write = |proxy: Proxy, arguments: &[&str]| {
            let config = proxy.config(&app, "my-wiki", 8000, arguments);
            let config = if proxy == Proxy::Nginx { in_folder(&config, dir.path()) } else { config };
            proxy.write_config(dir.path(), &app, "my-wiki", &config)
        };
        let files = ["--certificate", &certificate, "--key", &key];
        let pid = format!("pid {}/pid;", dir.path().display());
        let nginx = program(&["nginx"], "nginx");
        accepts(Command::new(nginx).args(["-t", "-g", &pid, "-c"]).arg(write(Proxy::Nginx, &files)));
        let haproxy = program(&["haproxy"], "haproxy");
        accepts(Command::new(haproxy).args(["-c", "-f"]).arg(write(Proxy::Haproxy, &files)));
        accepts(Command::new(envoy()).args(["--mode", "validate", "-c"]).arg(write(Proxy::Envoy, &files)));
        for arguments in [&files[..], &[]] {
            let mut caddy = Command::new(program(&["caddy"], "caddy"));
            caddy.env("XDG_DATA_HOME", dir.path()).env("XDG_CONFIG_HOME", dir.path());
            accepts(caddy.args(["validate", "--adapter", "caddyfile", "--config"]).arg(write(Proxy::Caddy, arguments)));
        }
    }
}
