//! The command line: one file for each command. Without a command, `serve` runs.

mod account;
mod app;
mod backup;
mod doctor;
mod export;
mod import;
mod invitation;
mod migrate;
mod open;
mod proxy_config;
mod secret;
mod serve;

use std::process::ExitCode;

use clap::{
    CommandFactory, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};

use rustix::{fs::Mode, process::umask};

use crate::{
    config::{ConfigError, DatabaseUrl, Settings},
    core::OpenError,
    server::StartError,
};

/// The exit status for a wrong flag or setting, as clap has it for wrong usage.
const WRONG_USAGE: u8 = 2;

/// Why a command failed. For the operator, on standard error.
type Failure = Box<dyn std::error::Error>;

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
    /// List, create and change accounts
    #[command(subcommand)]
    Account(account::Account),
    /// List, create and revoke invitations to register
    #[command(subcommand)]
    Invitation(invitation::Invitation),
    /// List, add and change the applications that use this server
    #[command(subcommand)]
    App(app::App),
    /// Bring in the accounts of another application with their password hashes
    Import(Box<import::Import>),
    /// Write all accounts with their password hashes, for another application
    Export(Box<export::Export>),
    /// Print the configuration of a reverse proxy in front of an application
    ProxyConfig(Box<proxy_config::ProxyConfig>),
    /// Copy the database file while the server runs
    Backup(Box<backup::Backup>),
    /// Check settings, secret, database, clock, disk and reverse proxy, and say how to mend what is wrong
    Doctor(Box<doctor::Doctor>),
    /// Run pending migrations of the database
    Migrate(Box<migrate::Migrate>),
    /// Replace the signing secret
    Secret(secret::Secret),
}

/// Runs the command of the command line.
pub async fn run() -> ExitCode {
    // Files hold addresses and hashes, which other users of the machine must not read.
    umask(Mode::RWXG | Mode::RWXO);
    let outcome = match parse() {
        Ok(Command::Serve(settings)) => serve::run(*settings).await.map_err(Failure::from),
        Ok(Command::Account(account)) => account::run(account).await,
        Ok(Command::Invitation(invitation)) => invitation::run(invitation).await,
        Ok(Command::App(app)) => app::run(app).await,
        Ok(Command::Import(import)) => import::run(*import).await,
        Ok(Command::Export(export)) => export::run(&export).await,
        Ok(Command::ProxyConfig(config)) => proxy_config::run(*config).await,
        Ok(Command::Backup(backup)) => backup::run(&backup).await,
        Ok(Command::Doctor(doctor)) => doctor::run(&doctor).await,
        Ok(Command::Migrate(migrate)) => migrate::run(&migrate),
        Ok(Command::Secret(secret)) => secret::run(&secret).await,
        Err(code) => return code,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string(), if is_wrong_setting(&error) { WRONG_USAGE } else { 1 }),
    }
}

fn parse() -> Result<Command, ExitCode> {
    let explicit = Cli::try_parse().map_err(|error| report_clap_error(&error))?;
    match explicit.command {
        Some(command) => Ok(command),
        None => Cli::try_parse_from(["gatehouse", "serve"])
            .map_err(|error| report_clap_error(&error))?
            .command
            .ok_or(ExitCode::FAILURE),
    }
}

/// Reports a bad value under the name of its environment variable; clap names only the flag.
fn report_clap_error(error: &clap::Error) -> ExitCode {
    let bad_value = matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue);
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let variable = text(ContextKind::InvalidArg).filter(|_| bad_value).and_then(variable);
    let Some(variable) = variable else {
        // Help and version are errors too; clap prints them on standard output.
        let _ = error.print();
        return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
    };
    let value = text(ContextKind::InvalidValue).unwrap_or_default().escape_debug();
    let message =
        std::error::Error::source(error).map_or_else(|| "is not possible here".to_owned(), ToString::to_string);
    fail(&format!("{variable}: “{value}” {message}"), WRONG_USAGE)
}

/// Returns the environment variable of an argument as clap shows it, such as `--listen <LISTEN>`.
fn variable(argument: &str) -> Option<String> {
    let flag = argument.split(' ').next()?.strip_prefix("--")?;
    let command = Cli::command();
    let serve = command.find_subcommand("serve")?;
    let argument = serve.get_arguments().find(|known| known.get_long() == Some(flag))?;
    argument.get_env()?.to_str().map(str::to_owned)
}

#[expect(clippy::print_stderr, reason = "for the operator's terminal, before there is a log")]
fn fail(message: &str, status: u8) -> ExitCode {
    eprintln!("gatehouse: {message}");
    ExitCode::from(status)
}

/// Returns the database of `settings`. Fails if it is a file that does not exist: a mistyped path must not create an
/// empty database, which has no accounts.
fn existing_database(settings: &Settings) -> Result<DatabaseUrl, ConfigError> {
    let url = settings.database()?;
    match url.missing_file() {
        Some(path) => Err(ConfigError::new("GATEHOUSE_DATABASE_URL", format!("there is no {}", path.display()))),
        None => Ok(url),
    }
}

fn is_wrong_setting(error: &Failure) -> bool {
    let at_start = error.downcast_ref::<StartError>();
    matches!(error.downcast_ref::<OpenError>(), Some(OpenError::Config(_)))
        || error.is::<ConfigError>()
        || matches!(at_start, Some(StartError::Open(OpenError::Config(_))))
}
