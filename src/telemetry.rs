//! The log: text on a terminal, JSON lines otherwise, on standard error, so that standard output holds what was asked for.
//! A line that is written for a request has its number, whoever writes it.
//!
//! The number is kept beside the task and only written down with a line, and not in a span of `tracing`, which would format
//! it anew for each request: most requests have no line, and the span was an eighth of what a page cost.

use std::{
    fmt,
    io::{IsTerminal, stderr},
};

use tracing::{Event, Subscriber, error};
use tracing_subscriber::{
    EnvFilter,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Json, Writer},
    },
    registry::LookupSpan,
};

use crate::{client::RequestId, config::ConfigError};

tokio::task_local! {
    static REQUEST: RequestId;
}

/// The request that is being worked on, if there is one.
#[must_use]
pub fn request() -> Option<RequestId> {
    REQUEST.try_with(|id| *id).ok()
}

/// `work`, for this request.
pub fn during<F: Future>(request: RequestId, work: F) -> impl Future<Output = F::Output> {
    REQUEST.scope(request, work)
}

/// Does `work`, for this request.
pub fn within<T>(request: Option<RequestId>, work: impl FnOnce() -> T) -> T {
    match request {
        Some(request) => REQUEST.sync_scope(request, work),
        None => work(),
    }
}

/// Begins to log what `filter` lets through, panics included.
pub fn begin(filter: &str) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| ConfigError::new("GATEHOUSE_LOG", format!("is not a filter: {error}")))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    if stderr().is_terminal() {
        builder.event_format(Text(Format::default())).init();
    } else {
        let lines = Format::default().json().flatten_event(true).with_current_span(false).with_span_list(false);
        builder.json().with_ansi(false).event_format(Lines(lines)).init();
    }
    // One line, escaped, with the request's number; what the panic says of values stays out of the answer.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        error!(place, "a thread panicked: {}", panic.payload_as_str().unwrap_or("no words"));
    }));
    Ok(())
}

struct Text(Format);

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if let Some(request) = request() {
            write!(writer, "{request} ")?;
        }
        self.0.format_event(context, writer, event)
    }
}

struct Lines(Format<Json>);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Some(request) = request() else { return self.0.format_event(context, writer, event) };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        // The library has no way to add a field to all lines but a span; an object begins with its brace.
        let rest = line.strip_prefix('{').unwrap_or(&line);
        write!(writer, "{{\"request_id\":\"{request}\",{rest}")
    }
}
