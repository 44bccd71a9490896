//! `gatehouse serve`

use std::io::{self, Write};

use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use crate::{
    config::Settings,
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
    let mut stdout = io::stdout();
    writeln!(stdout, "Listening on http://{}", application.address())?;
    stdout.flush()?;
    application.run().await?;
    info!("stopped");
    Ok(())
}
