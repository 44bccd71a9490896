//! `gatehouse serve`

use std::io::{self, Write};

use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

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
    application.run().await?;
    info!("stopped");
    Ok(())
}
