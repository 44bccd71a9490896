//! From settings to a running server: database, keys, hasher, routes; bind; run until stopped; drain. The tests build the
//! application through the same door as `main`.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use actix_web::{
    App as ActixApp, HttpServer,
    body::BoxBody,
    dev::{Server, ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    web::{Data, ServiceConfig},
};
use tokio::{
    sync::oneshot,
    time::{MissedTickBehavior, timeout},
};
use tracing::{info, warn};

use crate::{
    accounts::Accounts,
    clock::Clock,
    config::{ConfigError, Settings},
    db::{self, Database},
    events::{self, Notes},
    keys::Keys,
    passwords::Hasher,
    routes,
    sessions::Sessions,
    web::state::App,
    web::{assets::Assets, cookies::Jar, middleware},
};

/// A client that does not finish its headers in this time is given up.
const HEADERS_WITHIN: Duration = Duration::from_secs(5);
/// What is running when the server is told to stop has this long to finish, in seconds.
const DRAIN_SECONDS: u64 = 10;
/// What is only in memory when it stops has this long to be written.
const LAST_WRITE_WITHIN: Duration = Duration::from_secs(2);
/// How often what was noted in memory is written down.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// How often what is over is removed, in rounds of writing.
const CLEAN_EVERY: u32 = 60;

/// Why the server cannot start; for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database.
    #[error("GATEHOUSE_DATABASE_URL: {0}")]
    Database(#[from] db::StartError),
    /// The address.
    #[error("GATEHOUSE_LISTEN: cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The operating system.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// What tests bring along and `main` does not.
#[derive(Debug, Clone)]
pub struct Fittings {
    /// The time.
    pub clock: Clock,
    /// More routes.
    pub routes: fn(&mut ServiceConfig),
}

impl Default for Fittings {
    fn default() -> Self {
        Self { clock: Clock::system(), routes: |_| {} }
    }
}

/// A server that is ready to run.
pub struct Application {
    app: Data<App>,
    server: Server,
    address: SocketAddr,
}

impl Application {
    /// Checks the settings, prepares everything, and listens. Blocks while the database is brought up to date.
    pub fn build(settings: &Settings, fittings: Fittings) -> Result<Self, StartError> {
        settings.check()?;
        let database_url = settings.database()?;
        let static_dir = settings.static_dir.as_deref().unwrap_or(Path::new("static"));
        let assets = Assets::load(static_dir).map_err(|error| {
            ConfigError::new("GATEHOUSE_STATIC_DIR", format!("{} cannot be used: {error}", static_dir.display()))
        })?;
        let listener =
            TcpListener::bind(settings.listen).map_err(|error| StartError::Listen(settings.listen, error))?;
        let address = listener.local_addr()?;
        let public = settings.public_url(address)?;

        prepare_folder(settings)?;
        let keys = Arc::new(Keys::load(settings)?);
        let database = Database::open(&database_url)?;
        let notes = Arc::new(Notes::new(fittings.clock.clone()));
        let sessions = Arc::new(Sessions::new(
            settings,
            database.clone(),
            Arc::clone(&keys),
            fittings.clock.clone(),
            Arc::clone(&notes),
        ));
        let accounts = Accounts::new(
            settings,
            database.clone(),
            Arc::clone(&keys),
            fittings.clock.clone(),
            Arc::clone(&notes),
            Arc::clone(&sessions),
            Hasher::start(settings)?,
        );
        let app = Data::new(App {
            site_name: settings.site_name.as_str().into(),
            origin: public.origin(),
            https: public.is_https(),
            jar: Jar::new(public.is_https()),
            events_kept: settings.events_kept,
            trusted_proxies: settings.trusted_proxies.clone(),
            assets,
            clock: fittings.clock,
            keys,
            database,
            notes,
            sessions,
            accounts,
        });
        if !public.is_https() && !public.is_loopback() {
            warn!("passwords cross the network unprotected: GATEHOUSE_PUBLIC_URL is plain http");
        }

        let shared = app.clone();
        let server = HttpServer::new(move || service(&shared, fittings.routes))
            .client_request_timeout(HEADERS_WITHIN)
            .shutdown_timeout(DRAIN_SECONDS)
            .disable_signals()
            .listen(listener)?
            .run();
        info!(database = %database_url, public = %public, "ready");
        Ok(Self { app, server, address })
    }

    /// Where it listens; with port 0 in the settings, the port that was found.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it is made of, for tests and benchmarks.
    #[must_use]
    pub fn app(&self) -> Data<App> {
        self.app.clone()
    }

    /// Stops it from elsewhere.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Serves until it is stopped; then finishes what is running, and writes down what was not.
    pub async fn run(self) -> io::Result<()> {
        let (stop, stopped) = oneshot::channel();
        let upkeep = tokio::task::spawn_local(upkeep(self.app.clone(), stopped));
        let outcome = self.server.await;
        let _ = stop.send(());
        // A database that does not answer must not keep the process from ending.
        let last = timeout(LAST_WRITE_WITHIN, async {
            let _ = upkeep.await;
            write_down(&self.app).await;
        });
        if last.await.is_err() {
            warn!("the database does not answer; the last events and uses of sessions are lost");
        }
        outcome
    }
}

/// All pages as one service, without a socket: what runs on each worker.
pub fn service(
    app: &Data<App>,
    more: fn(&mut ServiceConfig),
) -> ActixApp<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    ActixApp::new()
        .app_data(app.clone())
        .configure(|config| routes::configure(config, app))
        .configure(more)
        .wrap(from_fn(middleware::wrap))
}

/// Makes the data folder, if anything will be kept in it: with a server and a secret from elsewhere nothing is.
fn prepare_folder(settings: &Settings) -> Result<(), ConfigError> {
    use std::os::unix::fs::DirBuilderExt;
    if settings.database_url.is_some() && (settings.secret.is_some() || settings.secret_file.is_some()) {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        // The database holds addresses and hashes: nobody else's business on this machine.
        .mode(0o700)
        .create(&settings.data_dir)
        .map_err(|error| {
            let folder = settings.data_dir.display();
            ConfigError::new("GATEHOUSE_DATA_DIR", format!("cannot make the folder {folder}: {error}"))
        })
}

/// Goes on for as long as the server does. What fails is tried again in the next round.
async fn upkeep(app: Data<App>, mut stopped: oneshot::Receiver<()>) {
    let mut rounds = tokio::time::interval(WRITE_EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut round = 0_u32;
    loop {
        tokio::select! {
            _ = rounds.tick() => {}
            _ = &mut stopped => return,
        }
        write_down(&app).await;
        if round.is_multiple_of(CLEAN_EVERY) {
            clean(&app).await;
        }
        round = round.wrapping_add(1);
    }
}

/// Writes what is known in memory only.
pub async fn write_down(app: &App) {
    if let Err(error) = app.notes.write(&app.database).await {
        warn!(%error, "events wait to be written");
    }
    if let Err(error) = app.sessions.write_seen().await {
        warn!(%error, "last uses of sessions wait to be written");
    }
}

/// Removes what is over, in batches.
pub async fn clean(app: &App) {
    let removed = async {
        while app.sessions.remove_expired().await? > 0 {}
        while app.accounts.forget_failures().await? > 0 {}
        app.accounts.release_names().await?;
        let since = app.clock.now().minus(app.events_kept);
        while app.database.write(move |conn| events::remove_before(conn, since)).await? > 0 {}
        Ok::<_, db::Error>(())
    };
    if let Err(error) = removed.await {
        warn!(%error, "what is over waits to be removed");
    }
}
