//! An instance of Gatehouse for commands that need no server, or start their own.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::{
    command_line::{Running, temp_dir},
    support::{TestApp, mariadb::Mariadb, on_mariadb},
};

/// A folder and a database for one instance of Gatehouse, on which several commands can run.
pub struct Instance {
    dir: PathBuf,
    database_url: Option<String>,
    _cleanup: Option<TempDir>,
}

/// The outcome of a command.
#[derive(Debug)]
pub struct Outcome {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().expect("no signal ends the command"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Instance {
    /// Returns an instance that has never run: without data folder, tables and secret.
    pub fn new() -> Self {
        let dir = temp_dir();
        let database_url = on_mariadb().then(|| Mariadb::shared().database());
        Self { dir: dir.path().to_owned(), database_url, _cleanup: Some(dir) }
    }

    /// Returns the folder and the database of a running application.
    pub fn of(app: &TestApp) -> Self {
        let dir = app.data_dir().parent().unwrap().to_owned();
        let database_url = Some(app.database_url().to_owned()).filter(|url| !url.is_empty());
        Self { dir, database_url, _cleanup: None }
    }

    /// Returns the binary with these arguments, to run in the folder of the instance.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
        command.current_dir(&self.dir).env("GATEHOUSE_LISTEN", "127.0.0.1:0").args(arguments).stdin(Stdio::null());
        if let Some(url) = &self.database_url {
            command.env("GATEHOUSE_DATABASE_URL", url);
        }
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs a command that reads `input` to its end.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that reads nothing may have ended.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap().into()
    }

    /// Starts the server.
    pub fn serve(&self) -> Running {
        Running::start(&mut self.command(&["serve"]))
    }

    /// Returns the path of a file in the folder of the instance.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Returns the names of all files in the folder of the instance, sorted.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn help_of_every_command_has_an_example() {
    let instance = Instance::new();
    for command in [
        &["backup"][..],
        &["doctor"],
        &["import"],
        &["export"],
        &["migrate"],
        &["secret", "rotate"],
        &["invitation", "create"],
        &["invitation", "list"],
        &["invitation", "revoke"],
        &["app", "add"],
        &["app", "list"],
        &["app", "show"],
        &["app", "set"],
        &["app", "remove"],
        &["proxy-config"],
    ] {
        let help = instance.run(&[command, &["--help"]].concat());
        let example = format!("gatehouse {}", command.join(" "));
        let (_, examples) = help.stdout.split_once("Example").unwrap_or_else(|| panic!("{command:?}: {help:?}"));
        assert!(examples.contains(&example), "{command:?}: {examples}");
    }
}
