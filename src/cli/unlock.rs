//! `gatehouse unlock LOGIN`

use std::{
    io::{self, Write},
    sync::Arc,
};

use clap::Args;

use super::Failure;
use crate::{
    accounts::Accounts,
    client::Client,
    clock::Clock,
    config::{ConfigError, DatabaseUrl, Settings},
    core::Core,
    passwords::Hasher,
    sessions::Sessions,
    telemetry,
};

#[derive(Debug, Args)]
pub(super) struct Unlock {
    /// User name or e-mail address
    login: String,
    #[command(flatten)]
    settings: Settings,
}

pub(super) async fn run(unlock: &Unlock) -> Result<(), Failure> {
    telemetry::init(unlock.settings.log.clone());
    let accounts = open_accounts(&unlock.settings)?;
    if !accounts.unlock(&unlock.login, &Client::local()).await? {
        return Err("there is no account with this user name or e-mail address".into());
    }
    writeln!(io::stdout(), "Unlocked. A device that is being delayed still has to wait.")?;
    Ok(())
}

/// Opens the accounts of an existing database.
fn open_accounts(settings: &Settings) -> Result<Accounts, Failure> {
    // A mistyped path must not create an empty database, which has no accounts.
    if let DatabaseUrl::Sqlite(path) = settings.database()?
        && !path.exists()
    {
        return Err(ConfigError::new("GATEHOUSE_DATABASE_URL", format!("there is no {}", path.display())).into());
    }
    let core = Core::open(settings, Clock::system())?;
    let sessions = Arc::new(Sessions::new(settings, &core));
    Ok(Accounts::new(settings, core, sessions, Hasher::start(settings)?))
}
