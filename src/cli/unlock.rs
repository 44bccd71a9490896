//! `gatehouse unlock LOGIN`

use std::io::{self, Write};

use clap::Args;

use crate::{
    accounts,
    clock::Clock,
    config::{ConfigError, DatabaseUrl, Settings},
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
    let url = unlock.settings.database()?;
    // A mistyped path must not make an empty database in which, of course, there is no such account.
    if let DatabaseUrl::Sqlite(path) = &url
        && !path.exists()
    {
        return Err(ConfigError::new("GATEHOUSE_DATABASE_URL", format!("there is no {}", path.display())).into());
    }
    let database = Database::open(&url)?;
    let found = accounts::unlock(&database, &unlock.settings, &unlock.login, Clock::system().now())
        .await
        .map_err(|error| ConfigError::new("GATEHOUSE_DATABASE_URL", error.to_string()))?;
    if !found {
        return Err(ConfigError::new("LOGIN", "there is no such account").into());
    }
    writeln!(
        io::stdout(),
        "Open again: strangers may try its password, and a browser that is waiting may when it has waited."
    )?;
    Ok(())
}
