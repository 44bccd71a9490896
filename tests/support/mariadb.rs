//! A private MariaDB server in a temporary directory on a free port of 127.0.0.1. It stops with the test process.

use std::{
    fs::File,
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use super::{child_guard::ChildGuard, free_port, program, wait_until};

/// A MariaDB server that can be stopped and started again.
pub struct Mariadb {
    dir: PathBuf,
    port: u16,
    options: Vec<String>,
    server: Option<ChildGuard>,
    // Declared after `server`: fields are dropped in order, and the server must stop before its files are removed.
    _cleanup: ChildGuard,
}

impl Mariadb {
    /// Returns the server that all tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Mariadb> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a separate server. Its writes are not synced, because test data need not survive a power failure.
    pub fn start() -> Self {
        Self::with(&["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M"])
    }

    /// Starts a separate server with these options.
    pub fn with(options: &[impl ToString]) -> Self {
        // A static is never dropped, so a child process removes the directory. It also outlives a killed test process.
        let dir = tempfile::Builder::new().prefix("gatehouse-mariadb-").tempdir().unwrap().keep();
        let installed = Command::new(program(&["mariadb-install-db"], "mariadb-server"))
            .args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            ])
            .arg(format!("--datadir={}", dir.join("data").display()))
            .arg(format!("--user={}", user()))
            .output()
            .unwrap();
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stdout));
        let port = free_port();
        let cleanup = ChildGuard::cleanup(&dir);
        let mut mariadb = Self {
            dir,
            port,
            options: options.iter().map(ToString::to_string).collect(),
            server: None,
            _cleanup: cleanup,
        };
        mariadb.run();
        mariadb.sql(
            "CREATE USER 'gatehouse'@'%' IDENTIFIED BY 'p@ss word/?#1'; GRANT ALL ON `test\\_%`.* TO 'gatehouse'@'%';",
        );
        mariadb
    }

    /// Starts the server after [`Mariadb::stop`], on the same port.
    pub fn run(&mut self) {
        let path = |name: &str| self.dir.join(name).display().to_string();
        let mut arguments = vec![
            "--no-defaults".to_owned(),
            format!("--datadir={}", path("data")),
            format!("--socket={}", path("socket")),
            format!("--pid-file={}", path("pid")),
            format!("--port={}", self.port),
            format!("--user={}", user()),
            "--bind-address=127.0.0.1".to_owned(),
            "--max-connections=1000".to_owned(),
        ];
        arguments.extend(self.options.iter().cloned());
        let log = File::create(self.dir.join("log")).unwrap();
        let server = program(&["mariadbd"], "mariadb-server");
        self.server = Some(ChildGuard::start(&server, &arguments, log));
        wait_until("MariaDB accepts queries", Duration::from_mins(1), || self.try_sql("SELECT 1").then_some(()));
    }

    /// Stops the server, which closes all connections.
    pub fn stop(&mut self) {
        self.server.take().expect("the server is running").stop();
    }

    /// Runs SQL as the administrator of the server.
    pub fn sql(&self, sql: &str) {
        assert!(self.try_sql(sql), "{sql}");
    }

    fn try_sql(&self, sql: &str) -> bool {
        Command::new(program(&["mariadb"], "mariadb-client"))
            .args(["--no-defaults", "--user=root", "--execute", sql])
            .arg(format!("--socket={}", self.dir.join("socket").display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    }

    /// Creates an empty database and returns its URL. Its default character set is not UTF-8, and the password contains
    /// characters that a URL must escape, because both occur in real installations.
    pub fn database(&self) -> String {
        let name = format!("test_{}", uuid::Uuid::now_v7().simple());
        self.sql(&format!("CREATE DATABASE {name} CHARACTER SET latin1"));
        format!("mysql://gatehouse:p%40ss%20word%2F%3F%231@127.0.0.1:{}/{name}", self.port)
    }
}

fn user() -> String {
    let id = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().to_owned()
}
