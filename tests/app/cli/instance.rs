//! An instance of Gatehouse for commands that need no server, or start their own.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::{
    command_line::temp_dir,
    support::{mariadb::Mariadb, on_mariadb},
};

/// A folder and a database for one instance of Gatehouse, on which several commands can run.
pub struct Instance {
    dir: TempDir,
    database_url: Option<String>,
}

/// The outcome of a command.
#[derive(Debug)]
pub struct Outcome {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Instance {
    /// Returns an instance that has never run: without data folder, tables and secret.
    pub fn new() -> Self {
        Self { dir: temp_dir(), database_url: on_mariadb().then(|| Mariadb::shared().database()) }
    }

    /// Returns the binary with these arguments, to run in the folder of the instance.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatehouse"));
        command.current_dir(self.dir.path()).env("GATEHOUSE_LISTEN", "127.0.0.1:0").args(arguments);
        if let Some(url) = &self.database_url {
            command.env("GATEHOUSE_DATABASE_URL", url);
        }
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.command(arguments).output().unwrap().into()
    }

    /// Returns the path of a file in the folder of the instance.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

#[test]
fn help_of_every_command_has_an_example() {
    let instance = Instance::new();
    for command in [&["migrate"][..]] {
        let help = instance.run(&[command, &["--help"]].concat());
        let example = format!("gatehouse {}", command.join(" "));
        let (_, examples) = help.stdout.split_once("Example").unwrap_or_else(|| panic!("{command:?}: {help:?}"));
        assert!(examples.contains(&example), "{command:?}: {examples}");
    }
}
