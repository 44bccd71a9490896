//! The log on standard error: text on a terminal, JSON lines otherwise. Standard output stays free for the output of
//! commands. Lines that are written during a request carry its id.

use std::{
    fmt,
    io::{IsTerminal, stderr},
};

use json_subscriber::JsonLayer;
use tracing::{Event, Subscriber, error};
use tracing_subscriber::{
    EnvFilter, Layer,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Writer},
        time::SystemTime,
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::request_id;

/// Starts logging what `filter` enables, panics included.
///
/// # Panics
/// Panics if the process has a logger already.
pub(crate) fn init(filter: EnvFilter) {
    let lines = if stderr().is_terminal() {
        tracing_subscriber::fmt::layer().with_writer(stderr).event_format(TextWithRequestId(Format::default())).boxed()
    } else {
        json_lines().boxed()
    };
    tracing_subscriber::registry().with(filter).with(lines).init();
    // The default hook writes several lines of plain text without the request id.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        error!(place, "a thread panicked: {}", panic.payload_as_str().unwrap_or("no message"));
    }));
}

fn json_lines<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    let mut layer = JsonLayer::new(stderr);
    layer.with_timer("timestamp", SystemTime).with_level("level").with_target("target").with_flattened_event();
    layer.add_dynamic_field("request_id", |_, _| request_id::current().map(|id| id.to_string()));
    layer
}

/// The text format, with the request id at the beginning of the line.
struct TextWithRequestId(Format);

impl<S, N> FormatEvent<S, N> for TextWithRequestId
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if let Some(id) = request_id::current() {
            write!(writer, "{id} ")?;
        }
        self.0.format_event(context, writer, event)
    }
}
