//! A private MariaDB: in a temporary folder, on a free port of 127.0.0.1, gone with the process that started it.

use std::{
    fs::File,
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use super::{child_guard::ChildGuard, program, wait_until};

/// A running server.
pub struct Mariadb {
    folder: PathBuf,
    port: u16,
    options: Vec<&'static str>,
    server: Option<ChildGuard>,
    // After the server, because fields are dropped in this order.
    _cleanup: ChildGuard,
}

impl Mariadb {
    /// The one that all tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Mariadb> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// One of one's own, to be stopped and started. What a test writes need not survive a power failure.
    pub fn start() -> Self {
        Self::with(&["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M"])
    }

    /// With options of one's own.
    pub fn with(options: &[&'static str]) -> Self {
        // A static is never dropped, so its folder is left to a companion, which also outlives a test that is killed.
        let folder = tempfile::Builder::new().prefix("gatehouse-mariadb-").tempdir().unwrap().keep();
        let installed = Command::new(program(&["mariadb-install-db"], "mariadb-server"))
            .args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            ])
            .arg(format!("--datadir={}", folder.join("data").display()))
            .arg(format!("--user={}", user()))
            .output()
            .unwrap();
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stdout));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cleanup = ChildGuard::cleanup(&folder);
        let mut mariadb = Self { folder, port, options: options.to_vec(), server: None, _cleanup: cleanup };
        mariadb.run();
        mariadb.sql(
            "CREATE USER 'gatehouse'@'%' IDENTIFIED BY 'p@ss word/?#1'; GRANT ALL ON `test\\_%`.* TO 'gatehouse'@'%';",
        );
        mariadb
    }

    /// Starts it again after [`Mariadb::stop`], on the same port.
    pub fn run(&mut self) {
        let path = |name: &str| self.folder.join(name).display().to_string();
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
        arguments.extend(self.options.iter().map(|option| (*option).to_owned()));
        let log = File::create(self.folder.join("log")).unwrap();
        let server = program(&["mariadbd"], "mariadb-server");
        self.server = Some(ChildGuard::start(&server, &arguments, log));
        wait_until("MariaDB answers", Duration::from_mins(1), || self.try_sql("SELECT 1").then_some(()));
    }

    /// Stops it; whoever is connected is not.
    pub fn stop(&mut self) {
        self.server.take().expect("it runs").stop();
    }

    /// Runs SQL as its administrator.
    pub fn sql(&self, sql: &str) {
        assert!(self.try_sql(sql), "{sql}");
    }

    fn try_sql(&self, sql: &str) -> bool {
        Command::new(program(&["mariadb"], "mariadb-client"))
            .args(["--no-defaults", "--user=root", "--execute", sql])
            .arg(format!("--socket={}", self.folder.join("socket").display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    }

    /// A new, empty database and its URL. Its character set is not ours, and the password has letters that a URL treats
    /// specially, as in life.
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
