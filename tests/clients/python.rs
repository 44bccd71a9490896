//! The Python programs of `requirements.txt`, and applications with its libraries on free ports.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{child_guard::ChildGuard, client::Client, program, python::installed, wait_until};

/// A running application from `tests/clients/python`. Dropping it stops the process.
pub struct PythonApp {
    client: Client,
    log: PathBuf,
    _child: ChildGuard,
    _dir: TempDir,
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/python").join(name)
}

/// Returns an installed program, to run with an empty environment: no proxy, and nothing of a CI system, which would
/// change what it does.
pub fn tool(name: &str) -> Command {
    let mut command = Command::new(installed(name));
    command.env_clear().env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    command
}

/// Runs a script to its end and returns what it prints.
pub fn run(name: &str, argument: &str) -> String {
    let output = tool("python").arg(script(name)).arg(argument).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

impl PythonApp {
    /// Starts the application of a module, with an environment that contains nothing but `configuration`.
    pub fn start(module: &str, configuration: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let variables = configuration.iter().map(|(name, value)| format!("{name}={value}"));
        let arguments: Vec<_> = ["-i".to_owned(), "PYTHONDONTWRITEBYTECODE=1".to_owned()]
            .into_iter()
            .chain(variables)
            .chain([installed("python"), script("serve.py")].map(|path| path.display().to_string()))
            .chain([module.to_owned()])
            .collect();
        let child = ChildGuard::start(&program(&["env"], "coreutils"), &arguments, File::create(&log).unwrap());
        let address = wait_until(&format!("{module} prints its address"), Duration::from_mins(1), || {
            let printed = fs::read_to_string(&log).unwrap();
            assert!(!printed.contains("Error"), "{printed}");
            let (_, rest) = printed.split_once("Listening on ")?;
            Some(rest.split_once('\n')?.0.to_owned())
        });
        Self { client: Client::new(&address), log, _child: child, _dir: dir }
    }

    /// Sends a request with a token. Returns status and body; of an answer that is no JSON, only the status.
    pub async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        let answer = self.client.call("GET", path, token, Value::Null).await;
        (answer.status, serde_json::from_str(&answer.body).unwrap_or_default())
    }

    /// Returns the status alone.
    pub async fn status(&self, path: &str, token: &str) -> u16 {
        self.get(path, token).await.0
    }

    /// Returns what the application has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}
