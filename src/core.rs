//! What every domain needs: the database, the keys, the clock and the activity log.

use std::sync::Arc;

use crate::{
    clock::Clock,
    config::{ConfigError, Settings},
    db::{self, Database},
    events::Events,
    keys::Keys,
    transaction::Transactions,
};

/// Shared by all domains. Clones are the same.
#[derive(Clone)]
pub struct Core {
    /// The time.
    pub clock: Clock,
    /// Keys for every purpose.
    pub keys: Arc<Keys>,
    /// The database, for reads and for changes without events that no cached session shows.
    pub database: Database,
    /// Changes of accounts and sessions.
    pub transactions: Transactions,
    /// The activity log.
    pub events: Arc<Events>,
}

/// Why the core cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be used.
    #[error("GATEHOUSE_DATABASE_URL: {0}")]
    Database(#[from] db::StartError),
}

impl Core {
    /// Loads the keys and opens the database that `settings` name. Blocks while it migrates the database.
    pub fn open(settings: &Settings, clock: Clock) -> Result<Self, OpenError> {
        let keys = Arc::new(Keys::load(settings, clock.now())?);
        let database = Database::open(&settings.database()?)?;
        let events = Arc::new(Events::new(database.clone(), clock.clone()));
        Ok(Self {
            transactions: Transactions::new(database.clone(), clock.clone(), Arc::clone(&events)),
            events,
            database,
            keys,
            clock,
        })
    }
}
