//! The log: text on a terminal, JSON lines otherwise, on standard error, so that standard output holds what was asked for.

use std::io::{IsTerminal, stderr};

use tracing::error;
use tracing_subscriber::EnvFilter;

use crate::config::ConfigError;

/// Begins to log what `filter` lets through, panics included.
pub fn begin(filter: &str) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| ConfigError::new("GATEHOUSE_LOG", format!("is not a filter: {error}")))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    if stderr().is_terminal() {
        builder.init();
    } else {
        builder.json().flatten_event(true).with_span_list(false).with_ansi(false).init();
    }
    // One line, escaped, with the request's number; what the panic says of values stays out of the answer.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        error!(place, "a thread panicked: {}", panic.payload_as_str().unwrap_or("no words"));
    }));
    Ok(())
}
