//! `gatehouse secret rotate`

use std::{
    io::{self, Write},
    sync::Arc,
};

use clap::{Args, Subcommand};

use super::{Failure, existing_database};
use crate::{
    clock::Clock,
    config::Settings,
    core::OpenError,
    db::Database,
    events::Events,
    keys::{self, RotationError},
    sessions, telemetry,
    transaction::Transactions,
};

#[derive(Debug, Args)]
pub(super) struct Secret {
    #[command(subcommand)]
    command: SecretCommand,
}

#[derive(Debug, Subcommand)]
enum SecretCommand {
    /// Replace the signing secret in the data folder. It takes effect at the next start of the server
    ///
    /// The old secret moves to secret.key.previous beside it. The server reads that file and still accepts what the old
    /// secret has signed, until all of it has expired. If the old secret is known to others, delete that file before
    /// the restart.
    Rotate(Box<Rotate>),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gatehouse secret rotate --sign-out-everybody && systemctl restart gatehouse")]
struct Rotate {
    /// End all sessions at once, and at the next start those that have begun since
    #[arg(long)]
    sign_out_everybody: bool,
    #[command(flatten)]
    settings: Settings,
}

pub(super) async fn run(secret: &Secret) -> Result<(), Failure> {
    let SecretCommand::Rotate(rotate) = &secret.command;
    telemetry::init(rotate.settings.log.clone());
    let clock = Clock::system();
    // The secret stays as it is if the sessions cannot be ended.
    let transactions = if rotate.sign_out_everybody {
        let database = Database::open(&existing_database(&rotate.settings)?).map_err(OpenError::Database)?;
        let events = Arc::new(Events::new(database.clone(), clock.clone()));
        Some(Transactions::new(database, clock.clone(), events))
    } else {
        None
    };
    let file = keys::rotate(&rotate.settings, clock.now(), rotate.sign_out_everybody).map_err(|error| match error {
        RotationError::Config(error) => Failure::from(error),
        error => error.into(),
    })?;
    let mut stdout = io::stdout();
    let file = file.display();
    writeln!(stdout, "Replaced {file}. The old secret is in {file}.previous.")?;
    if let Some(transactions) = transactions {
        let ended = sessions::end_all(&transactions, clock.now()).await.map_err(|error| {
            format!("{error}. The other sessions end when the servers are restarted, or run the command again")
        })?;
        writeln!(stdout, "Ended {ended} sessions. Those that begin before the restart end with it.")?;
    }
    writeln!(stdout, "Restart every server to use the new secret.")?;
    Ok(())
}
