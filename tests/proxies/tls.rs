//! Configurations for origins with https.

use std::{fs, process::Command};

use gatehouse::{
    apps::{AppChange, Change},
    client::Client as Operator,
};
use tempfile::TempDir;

use crate::{
    proxy::{Proxy, envoy, in_folder},
    support::{TestApp, program},
};

/// An application with https, and the files for its certificate.
async fn app_with_certificate(dir: &TempDir, origin: &str) -> (TestApp, String) {
    let app = TestApp::spawn();
    let change = AppChange { url: Change::Set(origin.parse().unwrap()), ..AppChange::default() };
    app.state.apps.add("my-wiki".parse().unwrap(), change, &Operator::anonymous()).await.unwrap();
    let certified = rcgen::generate_simple_self_signed(["wiki.example.org".to_owned()]).unwrap();
    let certificate = dir.path().join("wiki.pem").display().to_string();
    fs::write(&certificate, certified.cert.pem()).unwrap();
    fs::write(format!("{certificate}.key"), certified.signing_key.serialize_pem()).unwrap();
    (app, certificate)
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
        let (app, certificate) = app_with_certificate(&dir, origin).await;
        let key = format!("{certificate}.key");
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
