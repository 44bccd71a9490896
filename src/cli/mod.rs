//! The command line: one command a file. `serve` is what no command means.

mod serve;
mod unlock;

use std::process::ExitCode;

use clap::{
    CommandFactory, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};

use rustix::{fs::Mode, process::umask};

use crate::config::Settings;

/// A login, registration and account server
#[derive(Debug, Parser)]
#[command(name = "gatehouse", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the pages (the default). Each flag is also an environment variable
    Serve(Box<Settings>),
    /// Open an account whose password path closed after too many wrong passwords
    Unlock(Box<unlock::Unlock>),
}

/// Runs what the command line asks for.
pub async fn run() -> ExitCode {
    // Whatever file is made from now on holds addresses and hashes: nobody else's business on this machine.
    umask(Mode::RWXG | Mode::RWXO);
    let outcome = match parse() {
        Ok(Command::Serve(settings)) => serve::run(&settings).await,
        Ok(Command::Unlock(unlock)) => unlock::run(&unlock).await,
        Err(code) => return code,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error.to_string()),
    }
}

fn parse() -> Result<Command, ExitCode> {
    let explicit = Cli::try_parse().map_err(|error| explain(&error))?;
    match explicit.command {
        Some(command) => Ok(command),
        None => Cli::try_parse_from(["gatehouse", "serve"])
            .map_err(|error| explain(&error))?
            .command
            .ok_or(ExitCode::FAILURE),
    }
}

/// clap names the flag; whoever set an environment variable looks for that.
fn explain(error: &clap::Error) -> ExitCode {
    let bad_value = matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue);
    let of = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let variable = of(ContextKind::InvalidArg).filter(|_| bad_value).and_then(variable);
    let Some(variable) = variable else {
        // Help and version too come as an error, for standard output.
        let _ = error.print();
        return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
    };
    let value = of(ContextKind::InvalidValue).unwrap_or_default().escape_debug();
    let problem =
        std::error::Error::source(error).map_or_else(|| "is not possible here".to_owned(), ToString::to_string);
    complain(&format!("{variable}: “{value}” {problem}"))
}

/// The environment variable of an argument as clap shows it, such as `--listen <LISTEN>`.
fn variable(argument: &str) -> Option<String> {
    let flag = argument.split(' ').next()?.strip_prefix("--")?;
    let command = Cli::command();
    let serve = command.find_subcommand("serve")?;
    let argument = serve.get_arguments().find(|known| known.get_long() == Some(flag))?;
    argument.get_env()?.to_str().map(str::to_owned)
}

#[expect(clippy::print_stderr, reason = "the operator's terminal, before or instead of a log")]
fn complain(message: &str) -> ExitCode {
    eprintln!("gatehouse: {message}");
    ExitCode::FAILURE
}
