//! What the commands on accounts and applications have in common.

use std::{fs, net::SocketAddr, sync::Arc};

use crate::{
    accounts::Accounts,
    apps::Apps,
    clock::Clock,
    config::{ConfigError, PublicUrl, Settings},
    core::Core,
    keys::Keys,
    passwords::Hasher,
    sessions::Sessions,
    telemetry,
};

use super::{Failure, existing_database};

/// The use cases that a command calls.
pub(super) struct Opened {
    pub(super) accounts: Accounts,
    pub(super) sessions: Arc<Sessions>,
    pub(super) apps: Apps,
}

impl Opened {
    /// Opens the existing database that `settings` name.
    pub(super) fn existing(settings: &Settings) -> Result<Self, Failure> {
        telemetry::init(settings.log.clone());
        existing_database(settings)?;
        if let Some(path) = Keys::missing_file(settings) {
            return Err(ConfigError::new("GATEHOUSE_DATA_DIR", format!("there is no {}", path.display())).into());
        }
        Self::open(settings)
    }

    /// Opens the database that `settings` name. Creates it and the secret if they do not exist.
    pub(super) fn create(settings: &Settings) -> Result<Self, Failure> {
        telemetry::init(settings.log.clone());
        fs::create_dir_all(&settings.data_dir).map_err(|error| {
            let folder = settings.data_dir.display();
            ConfigError::new("GATEHOUSE_DATA_DIR", format!("cannot create the folder {folder}: {error}"))
        })?;
        Self::open(settings)
    }

    fn open(settings: &Settings) -> Result<Self, Failure> {
        let core = Core::open(settings, Clock::system())?;
        let sessions = Arc::new(Sessions::new(settings, &core));
        let apps = Apps::new(settings, core.clone());
        let accounts = Accounts::new(settings, core, Arc::clone(&sessions), Hasher::start(settings)?);
        Ok(Self { accounts, sessions, apps })
    }
}

/// Returns the origin for links. A command does not know which free port a server has picked.
pub(super) fn link_origin(settings: &Settings) -> Result<PublicUrl, ConfigError> {
    let listen: SocketAddr = settings.listen;
    if settings.public_url.is_none() && listen.port() == 0 {
        return Err(ConfigError::new(
            "GATEHOUSE_PUBLIC_URL",
            "is needed to print a link when the port is picked freely",
        ));
    }
    settings.public_url(listen)
}
