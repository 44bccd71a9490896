//! `gatehouse unlock LOGIN`

use std::io::{self, Write};

use clap::Args;

use crate::{
    accounts,
    clock::Clock,
    config::{ConfigError, Settings},
    db::Database,
    server::StartError,
};

#[derive(Debug, Args)]
pub(super) struct Unlock {
    /// User name or e-mail address
    login: String,
    #[command(flatten)]
    settings: Settings,
}

pub(super) async fn run(unlock: &Unlock) -> Result<(), StartError> {
    let database = Database::open(&unlock.settings.database()?)?;
    let found = accounts::unlock(&database, &unlock.settings, &unlock.login, Clock::system().now())
        .await
        .map_err(|error| ConfigError::new("GATEHOUSE_DATABASE_URL", error.to_string()))?;
    if !found {
        return Err(ConfigError::new("LOGIN", "there is no such account").into());
    }
    writeln!(io::stdout(), "Open again: its password is accepted from everywhere.")?;
    Ok(())
}
