//! `gatehouse unlock LOGIN`

use std::{
    io::{self, Write},
    sync::Arc,
};

use clap::Args;

use super::Failure;
use crate::{
    accounts,
    client::Client,
    clock::Clock,
    config::{ConfigError, Settings},
    core::OpenError,
    db::Database,
    events::Events,
    telemetry,
    transaction::Transactions,
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
    let url = unlock.settings.database()?;
    // A mistyped path must not create an empty database, which has no accounts.
    if let Some(path) = url.missing_file() {
        return Err(ConfigError::new("GATEHOUSE_DATABASE_URL", format!("there is no {}", path.display())).into());
    }
    let database = Database::open(&url).map_err(OpenError::Database)?;
    let (clock, events) = (Clock::system(), Arc::new(Events::new(database.clone(), Clock::system())));
    let transactions = Transactions::new(database, clock, events);
    if !accounts::unlock(&transactions, &unlock.login, &Client::local()).await? {
        return Err("there is no account with this user name or e-mail address".into());
    }
    writeln!(io::stdout(), "Unlocked. A device that is being delayed still has to wait.")?;
    Ok(())
}
