//! From settings to a running server: build the state, bind, run until stopped, drain. Tests build the application
//! through the same function as `main`.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    num::NonZero,
    os::unix::fs::DirBuilderExt,
    sync::Arc,
    thread,
    time::Duration,
};

use actix_http::{HttpService, error::DispatchError};
use actix_service::{ServiceFactoryExt, map_config};
use actix_web::{
    App,
    body::BoxBody,
    dev::{AppConfig, Extensions, Server, ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse, fn_service},
    middleware::from_fn,
    rt::net::TcpStream,
    web::{Data, ServiceConfig},
};
use rustix::process::{Resource, Rlimit, getpriority_process, getrlimit, setpriority_process, setrlimit};
use tokio::{sync::oneshot, time::timeout};
use tracing::{debug, info, warn};

use crate::{
    accounts::{Accounts, LinkToken},
    apps::Apps,
    clock::Clock,
    config::{ConfigError, Settings},
    core::{Core, OpenError},
    maintenance,
    metrics::Metrics,
    passwords::Hasher,
    routes,
    sessions::Sessions,
    tokens::{AccessTokens, Assertions},
    web::{
        assets::Assets,
        connections::{Connections, Stream},
        cookies::Cookies,
        exclusive::Exclusive,
        host::ExpectedHost,
        identity_headers::IdentityHeaders,
        middleware,
        request_metrics::RequestMetrics,
        state::AppState,
        statistics::StatisticsCache,
    },
};

/// How long a client may take for the headers of its first request. For later ones see `web::connections`.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may be without a byte between two requests.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How long the server waits after its last response for the client to close the connection.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Connections that one worker may have at most. A connection that sends a long head takes up to 128 KiB.
const MAX_CONNECTIONS: usize = 4096;
/// Added to the `nice` value of the threads that serve requests: hashing threads at normal priority get twice the share
/// of one, so that a flood of page requests leaves half of the sign-ins (`passwords/cpu_share.rs`).
const REQUEST_NICENESS: i32 = 3;
/// How long running requests may take after the server was told to stop, in seconds.
const DRAIN_SECONDS: u64 = 10;
/// How long the last write of what is in memory may take.
const LAST_FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Why the server cannot start. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting or the database cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The address cannot be used.
    #[error("{0}: cannot listen on {1}: {2}")]
    Listen(&'static str, SocketAddr, #[source] io::Error),
    /// The operating system refused.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

impl From<ConfigError> for StartError {
    fn from(error: ConfigError) -> Self {
        Self::Open(error.into())
    }
}

/// What tests replace.
#[derive(Debug, Clone)]
pub struct TestHooks {
    /// The time.
    pub clock: Clock,
    /// More routes.
    pub routes: fn(&mut ServiceConfig),
}

impl Default for TestHooks {
    fn default() -> Self {
        Self { clock: Clock::system(), routes: |_| {} }
    }
}

/// A server that is ready to run.
pub struct Application {
    state: Data<AppState>,
    server: Server,
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
}

impl Application {
    /// Checks the settings, opens everything, and listens. Blocks while the database is migrated.
    pub fn build(settings: Settings, hooks: TestHooks) -> Result<Self, StartError> {
        let database_url = settings.database()?;
        let assets = Assets::load(settings.static_dir.as_deref()).map_err(|error| {
            let folder = settings.static_dir.as_deref().unwrap_or("static".as_ref()).display();
            ConfigError::new("GATEHOUSE_STATIC_DIR", format!("{folder} cannot be used: {error}"))
        })?;
        let (listener, address) = listen("GATEHOUSE_LISTEN", settings.listen)?;
        let metrics = settings.metrics_listen.map(|address| listen("GATEHOUSE_METRICS_LISTEN", address)).transpose()?;
        let (metrics_listener, metrics_address) = metrics.unzip();
        let public_url = settings.public_url(address)?;

        create_data_dir(&settings)?;
        let core = Core::open(&settings, hooks.clock)?;
        let sessions = Arc::new(Sessions::new(&settings, &core));
        let hasher = Hasher::start(&settings)?;
        let access_tokens = AccessTokens::new(&settings, &public_url, core.clone(), Arc::clone(&sessions));
        let state = Data::new(AppState {
            accounts: Accounts::new(&settings, core.clone(), Arc::clone(&sessions), hasher),
            apps: Apps::new(&settings, core.clone()),
            host: ExpectedHost::new(&public_url),
            cookies: Cookies::new(public_url.is_https()),
            assets,
            exports: Exclusive::default(),
            statistics: StatisticsCache::default(),
            setup_token: LinkToken::new(),
            requests: metrics_address.map(|_| RequestMetrics::default()),
            identity_headers: IdentityHeaders::new(Assertions::new(&access_tokens), core.clock.clone()),
            access_tokens,
            sessions,
            core,
            public_url: public_url.clone(),
            settings,
        });
        for risk in state.settings.risks(&public_url, &database_url) {
            warn!("{risk}");
        }

        let server = serve(&state, hooks.routes, (listener, address), metrics_listener)?;
        let metrics = metrics_address.map(tracing::field::display);
        info!(database = %database_url, public = %public_url, metrics, "ready");
        Ok(Self { state, server, address, metrics_address })
    }

    /// Returns the address on which the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address on which the server answers Prometheus, if it does.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Returns the state, for tests and benchmarks.
    #[must_use]
    pub fn state(&self) -> Data<AppState> {
        self.state.clone()
    }

    /// Returns a handle that stops the server.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// Serves until the server is stopped, then finishes running requests and writes what is in memory.
    pub async fn run(self) -> io::Result<()> {
        maintenance::open_apps(&self.state).await;
        let (stop, stopped) = oneshot::channel();
        let background = tokio::task::spawn_local(maintenance::run(self.state.clone(), stopped));
        let outcome = self.server.await;
        let _ = stop.send(());
        // A database that does not answer must not keep the process from ending.
        let last_flush = timeout(LAST_FLUSH_TIMEOUT, async {
            let _ = background.await;
            maintenance::flush(&self.state).await;
        });
        if last_flush.await.is_err() {
            warn!("the database does not answer, the last events and uses of sessions are lost");
        }
        outcome
    }
}

/// Returns a listener at `address`, and the port that it got.
fn listen(setting: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listener = TcpListener::bind(address).map_err(|error| StartError::Listen(setting, address, error))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Returns the running server. As `actix_web::HttpServer`, but with a [`Stream`] between each socket and actix.
fn serve(
    state: &Data<AppState>,
    more: fn(&mut ServiceConfig),
    (listener, address): (TcpListener, SocketAddr),
    metrics: Option<TcpListener>,
) -> io::Result<Server> {
    let workers = thread::available_parallelism().map_or(2, NonZero::get);
    let max_connections = max_connections(workers);
    let builder = Server::build();
    let drain = builder.graceful_shutdown_signal();
    let drain_metrics = drain.clone();
    let niceness = getpriority_process(None).unwrap_or(0) + REQUEST_NICENESS;
    let metrics = metrics.map(|listener| (listener, Arc::new(Metrics::new(state))));
    let state = state.clone();
    let mut builder = builder
        .workers(workers)
        .max_concurrent_connections(max_connections)
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals()
        .listen("gatehouse", listener, move || {
            // Runs on each thread that serves requests. On Linux the priority is that of the calling thread.
            if let Err(error) = setpriority_process(None, niceness) {
                debug!(%error, "requests run at normal priority");
            }
            // With an eighth below the limit, at which nothing is accepted, a connection that is being closed does not
            // keep a new one waiting.
            let connections = Connections::start(state.core.clock.clone(), max_connections - max_connections / 8);
            let drain = drain.clone();
            let app = map_config(build_app(&state, more), |()| AppConfig::default());
            let http = HttpService::build()
                .keep_alive(KEEP_ALIVE)
                .client_request_timeout(HEADERS_TIMEOUT)
                .client_disconnect_timeout(DISCONNECT_TIMEOUT)
                .local_addr(address)
                .graceful_shutdown_signal(move || {
                    let drain = drain.clone();
                    async move { drain.notified().await }
                })
                .on_connect_ext(|stream: &Stream, extensions: &mut Extensions| {
                    extensions.insert(stream.connection());
                })
                .h1(app);
            fn_service(move |socket: TcpStream| {
                let peer = socket.peer_addr().ok();
                let stream = connections.accept(socket);
                async move { Ok::<_, DispatchError>((stream, peer)) }
            })
            .and_then(http)
        })?;
    if let Some((listener, metrics)) = metrics {
        builder = builder.listen("metrics", listener, move || Arc::clone(&metrics).service(drain_metrics.clone()))?;
    }
    Ok(builder.run())
}

/// Raises the limit of open files as far as the system allows, and returns how many connections each worker may have:
/// all of them together half of that limit. The other half is for the database, the runtime and the files that are
/// being sent.
fn max_connections(workers: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    // Where the system refuses, the present limit stays.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    (files / 2 / workers).clamp(8, MAX_CONNECTIONS)
}

/// Returns all pages as one service without a socket: what runs on each worker.
pub fn build_app(
    state: &Data<AppState>,
    more: fn(&mut ServiceConfig),
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    App::new()
        .app_data(state.clone())
        .configure(|config| routes::configure(config, &state.assets, state.settings.api.is_on()))
        .configure(more)
        .wrap(from_fn(middleware::handle))
}

/// Creates the data folder if anything will be stored in it: the database file or the secret.
fn create_data_dir(settings: &Settings) -> Result<(), ConfigError> {
    if settings.database_url.is_some() && (settings.secret.is_some() || settings.secret_file.is_some()) {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        // The database holds addresses and hashes, which other users of the machine must not read.
        .mode(0o700)
        .create(&settings.data_dir)
        .map_err(|error| {
            let folder = settings.data_dir.display();
            ConfigError::new("GATEHOUSE_DATA_DIR", format!("cannot create the folder {folder}: {error}"))
        })
}
