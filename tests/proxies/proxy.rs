//! The reverse proxies, started with what `gatehouse proxy-config` prints.

use std::{
    fs::{self, File, Permissions},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::{
    support::{TestApp, child_guard::ChildGuard, program, wait_until},
    traefik,
};

/// A reverse proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    Nginx,
    Caddy,
    Haproxy,
    Envoy,
    /// A model in Rust.
    Traefik,
}

/// A running proxy. Dropping it stops the process.
pub struct RunningProxy {
    _process: Option<ChildGuard>,
    _dir: TempDir,
}

/// Returns `proxy-config` with these arguments, for the database and the address of `app`.
pub fn proxy_config(app: &TestApp, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
    command.arg("proxy-config").args(arguments).env("GATEHOUSE_DATA_DIR", app.data_dir());
    command.env("GATEHOUSE_LISTEN", app.address.trim_start_matches("http://")).env("GATEHOUSE_LOG", "error");
    if !app.database_url().is_empty() {
        command.env("GATEHOUSE_DATABASE_URL", app.database_url());
    }
    command
}

impl Proxy {
    /// Returns its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "caddy",
            Self::Haproxy => "haproxy",
            Self::Envoy => "envoy",
            Self::Traefik => "traefik",
        }
    }

    /// Returns the printed configuration of an application.
    pub fn config(self, app: &TestApp, id: &str, upstream: u16, arguments: &[&str]) -> String {
        let upstream = format!("127.0.0.1:{upstream}");
        print(proxy_config(app, &[self.name(), id, "--upstream", &upstream]).args(arguments))
    }

    /// Writes the printed configuration into `dir`. Returns its path.
    pub fn write_config(self, dir: &Path, app: &TestApp, id: &str, config: &str) -> PathBuf {
        let file = dir.join(match self {
            Self::Nginx => "nginx.conf",
            Self::Caddy => "Caddyfile",
            Self::Haproxy => "haproxy.cfg",
            Self::Envoy => "envoy.yaml",
            Self::Traefik => "traefik.yaml",
        });
        fs::write(&file, config).unwrap();
        if self == Self::Haproxy {
            let lua = print(&mut proxy_config(app, &["haproxy", id, "--lua"]));
            fs::write(dir.join(format!("gatehouse-{id}.lua")), lua).unwrap();
        }
        file
    }

    /// Starts the proxy in front of an application that listens on `upstream`, and waits until it accepts connections
    /// on `port`, with TLS if the origin of the application has https.
    pub fn start(self, app: &TestApp, id: &str, upstream: u16, port: u16, https: bool) -> RunningProxy {
        let dir = tempfile::Builder::new().prefix("gatehouse-proxy-").tempdir().unwrap();
        // The workers of nginx have a user of their own if the tests run as root.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o711)).unwrap();
        let files = https.then(|| write_certificate(dir.path(), &format!("{id}.localhost")));
        let arguments: Vec<_> =
            files.iter().flat_map(|(certificate, key)| ["--certificate", certificate, "--key", key]).collect();
        let config = self.config(app, id, upstream, &arguments);
        if self == Self::Traefik {
            traefik::start(&config, port);
            return RunningProxy { _process: None, _dir: dir };
        }
        let config = if self == Self::Nginx { in_folder(&config, dir.path()) } else { config };
        let file = self.write_config(dir.path(), app, id, &config);
        let (program, arguments) = self.command(dir.path(), &file);
        let log = dir.path().join("log");
        let process = ChildGuard::start(&program, &arguments, File::create(&log).unwrap());
        wait_until(&format!("{self:?} accepts connections"), Duration::from_mins(1), || {
            let log = fs::read_to_string(&log).unwrap();
            assert!(!["[emerg]", "[ALERT]", "[critical]", "Error: "].iter().any(|word| log.contains(word)), "{log}");
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        RunningProxy { _process: Some(process), _dir: dir }
    }

    fn command(self, dir: &Path, file: &Path) -> (PathBuf, Vec<String>) {
        let (dir, file) = (dir.display(), file.display().to_string());
        let (program, arguments) = match self {
            Self::Nginx => {
                let directives = format!("daemon off; pid {dir}/pid; error_log stderr;");
                (
                    program(&["nginx"], "nginx"),
                    vec!["-p".to_owned(), dir.to_string(), "-c".into(), file, "-g".into(), directives],
                )
            }
            // Caddy reads its folders from the environment, and has one socket for its administration.
            Self::Caddy => {
                let variables = [
                    format!("XDG_DATA_HOME={dir}"),
                    format!("XDG_CONFIG_HOME={dir}"),
                    format!("CADDY_ADMIN=unix/{dir}/admin.sock"),
                ];
                let caddy = program(&["caddy"], "caddy").display().to_string();
                let run = [caddy, "run".into(), "--config".into(), file, "--adapter".into(), "caddyfile".into()];
                (program(&["env"], "coreutils"), variables.into_iter().chain(run).collect())
            }
            Self::Haproxy => (program(&["haproxy"], "haproxy"), vec!["-db".to_owned(), "-f".into(), file]),
            Self::Envoy => {
                let arguments = ["--concurrency", "1", "--disable-hot-restart", "-l", "error", "-c", &file];
                (envoy(), arguments.map(str::to_owned).to_vec())
            }
            Self::Traefik => unreachable!("it is a model"),
        };
        (program, arguments)
    }
}

/// Runs a command to its end and returns what it prints.
fn print(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Writes a certificate for a host, and its key. Returns their paths. HAProxy finds the key by its name.
pub fn write_certificate(dir: &Path, host: &str) -> (String, String) {
    let certified = rcgen::generate_simple_self_signed([host.to_owned()]).unwrap();
    let certificate = dir.join("certificate.pem").display().to_string();
    let key = format!("{certificate}.key");
    fs::write(&certificate, certified.cert.pem()).unwrap();
    fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    (certificate, key)
}

/// Returns Envoy, which `tests/run` installs.
pub fn envoy() -> PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/envoy/bin/envoy");
    assert!(file.exists(), "Envoy is not installed: run tests/run");
    file
}

/// Lets nginx write its files into `dir`. Those of the package belong to the service.
pub fn in_folder(config: &str, dir: &Path) -> String {
    let dir = dir.display();
    let names = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths = names.map(|name| format!("{name}_temp_path {dir}/{name};")).join(" ");
    config.replacen("http {", &format!("http {{ access_log off; {paths}"), 1)
}
