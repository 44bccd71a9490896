//! The commands, one file each, run as an operator runs them.

mod account;
mod app;
mod backup;
mod doctor;
mod doctor_app;
mod export;
mod import;
mod imported_hashes;
mod imported_people;
pub mod instance;
mod invitation;
mod migrate;
mod proxy;
mod proxy_config;
mod secret;
mod serve;

use serde_json::Value;

use self::instance::{Instance, Outcome};
use crate::{command_line::Running, support::client::Client};

/// An instance of Gatehouse with its server, which notices changes of other processes at once.
struct Site {
    instance: Instance,
    running: Running,
}

impl Site {
    fn serve(arguments: &[&str]) -> Self {
        let instance = Instance::new();
        let serve = [&["serve", "--session-cache", "0s"], arguments].concat();
        let running = Running::start(&mut instance.command(&serve));
        Self { instance, running }
    }

    fn client(&self) -> Client {
        Client::new(&self.running.address)
    }

    /// Runs a command that knows the public URL of the server.
    fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with_input(arguments, "")
    }

    fn run_with_input(&self, arguments: &[&str], input: &str) -> Outcome {
        self.instance.run_with_input(&[arguments, &["--public-url", &self.running.address]].concat(), input)
    }

    /// Runs `gatehouse account` with these arguments.
    fn account(&self, arguments: &[&str]) -> Outcome {
        self.run(&[&["account"], arguments].concat())
    }

    fn show(&self, login: &str) -> Value {
        let shown = self.account(&["show", login, "--json"]);
        serde_json::from_str(&shown.stdout).unwrap_or_else(|_| panic!("{}", shown.stderr))
    }
}
