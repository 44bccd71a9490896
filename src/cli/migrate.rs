//! `gatehouse migrate`

use std::io::{self, Write};

use clap::Args;

use super::Failure;
use crate::{config::Settings, core::OpenError, db::Database, telemetry};

#[derive(Debug, Args)]
#[command(after_help = "Example, to migrate before the new release serves:\n  \
                        GATEHOUSE_DATA_DIR=/var/lib/gatehouse gatehouse migrate")]
pub(super) struct Migrate {
    #[command(flatten)]
    settings: Settings,
}

pub(super) fn run(migrate: &Migrate) -> Result<(), Failure> {
    telemetry::init(migrate.settings.log.clone());
    let url = migrate.settings.database()?;
    let message = match Database::migrate(&url).map_err(OpenError::Database)? {
        0 => format!("{url} is up to date."),
        1 => format!("{url}: ran 1 migration."),
        count => format!("{url}: ran {count} migrations."),
    };
    writeln!(io::stdout(), "{message}")?;
    Ok(())
}
