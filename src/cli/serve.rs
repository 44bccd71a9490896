//! `gatehouse serve`

use std::{
    env,
    io::{self, Write},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
};

use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use crate::{
    config::Settings,
    pages::setup,
    server::{Application, StartError, TestHooks},
    telemetry,
};

pub(super) async fn run(settings: Settings) -> Result<(), StartError> {
    telemetry::init(settings.log.clone());
    let application = Application::build(settings, TestHooks::default())?;
    let handle = application.handle();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::task::spawn_local(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("stopping, running requests may finish");
        handle.stop(true).await;
    });
    // Without `?`, because a script may close the pipe after the first line.
    let mut stdout = io::stdout();
    let _ = writeln!(stdout, "Listening on http://{}", application.address());
    let state = application.state();
    // If the database does not answer, the link is not printed; it is printed at the next start.
    if let Ok(false) = state.accounts.has_administrator().await {
        let (origin, token) = (state.public_url.origin(), state.setup_token.expose());
        let _ = writeln!(stdout, "Create the first administrator: {origin}{}?token={token}", setup::PATH);
    }
    let _ = stdout.flush();
    if let Err(error) = notify_systemd() {
        warn!(%error, "could not tell systemd that the server has started");
    }
    application.run().await?;
    info!("stopped");
    Ok(())
}

/// Tells systemd that the server has started, so that `systemctl start` returns when the set-up link is in the journal.
/// Does nothing if another program has started the server. The protocol is that of `sd_notify(3)`.
fn notify_systemd() -> io::Result<()> {
    let Some(name) = env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let address = match name.as_encoded_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&name)?,
    };
    UnixDatagram::unbound()?.send_to_addr(b"READY=1", &address)?;
    Ok(())
}
