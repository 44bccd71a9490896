//! What the commands on accounts have in common.

use std::{net::SocketAddr, sync::Arc};

use crate::{
    accounts::Accounts,
    clock::Clock,
    config::{ConfigError, PublicUrl, Settings},
    core::Core,
    keys::Keys,
    passwords::Hasher,
    sessions::Sessions,
    telemetry,
};

use super::Failure;

/// The use cases that a command calls.
pub(super) struct Opened {
    pub(super) accounts: Accounts,
    pub(super) sessions: Arc<Sessions>,
}

impl Opened {
    /// Opens the existing database that `settings` name. A mistyped path must not create an empty one.
    pub(super) fn existing(settings: &Settings) -> Result<Self, Failure> {
        telemetry::init(settings.log.clone());
        if let Some(path) = settings.database()?.missing_file() {
            return Err(ConfigError::new("GATEHOUSE_DATABASE_URL", format!("there is no {}", path.display())).into());
        }
        if let Some(path) = Keys::missing_file(settings) {
            return Err(ConfigError::new("GATEHOUSE_DATA_DIR", format!("there is no {}", path.display())).into());
        }
        let core = Core::open(settings, Clock::system())?;
        let sessions = Arc::new(Sessions::new(settings, &core));
        let accounts = Accounts::new(settings, core, Arc::clone(&sessions), Hasher::start(settings)?);
        Ok(Self { accounts, sessions })
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
