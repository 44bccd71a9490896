//! The commands, one file each, run as an operator runs them.

mod account;
mod backup;
mod doctor;
mod instance;
mod invitation;
mod migrate;
mod proxy;
mod secret;
mod serve;

use std::{
    ffi::OsString,
    io::Write,
    process::{Command, Stdio},
};

use serde_json::Value;

use self::instance::{Instance, Outcome};
use crate::{
    command_line::{Running, gatehouse, temp_dir},
    support::client::Client,
};

/// A served database, and commands on it.
struct Site {
    dir: tempfile::TempDir,
    url: Option<OsString>,
    running: Running,
}

/// What a command printed, and its exit status.
struct Output {
    status: i32,
    out: String,
    err: String,
}

impl Site {
    fn serve() -> Self {
        Self::serve_with(&[])
    }

    fn serve_with(arguments: &[&str]) -> Self {
        let dir = temp_dir();
        let mut serve = gatehouse(dir.path());
        serve.args(["serve", "--session-cache", "0s"]).args(arguments);
        let variable = serve.get_envs().find(|(name, _)| *name == "GATEHOUSE_DATABASE_URL");
        let url = variable.and_then(|(_, url)| url.map(ToOwned::to_owned));
        let running = Running::start(&mut serve);
        Self { dir, url, running }
    }

    fn client(&self) -> Client {
        Client::new(&self.running.address)
    }

    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = gatehouse(self.dir.path());
        command.arg(name).args(arguments);
        command.env("GATEHOUSE_PUBLIC_URL", &self.running.address);
        if let Some(url) = &self.url {
            command.env("GATEHOUSE_DATABASE_URL", url);
        }
        command
    }

    /// Runs `gatehouse account` with these arguments.
    fn run(&self, arguments: &[&str]) -> Output {
        run(&mut self.command("account", arguments), "")
    }

    fn show(&self, login: &str) -> Value {
        let shown = self.run(&["show", login, "--json"]);
        serde_json::from_str(&shown.out).unwrap_or_else(|_| panic!("{}", shown.err))
    }
}

fn run(command: &mut Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that needs no input may have ended.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Output { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}
