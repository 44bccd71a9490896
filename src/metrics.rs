//! `/metrics` in the text format of Prometheus, on an address of its own. No label is personal.

use std::{convert::Infallible, fmt, future::ready, sync::Arc, time::Duration};

use actix_http::{HttpService, KeepAlive, Request, Response, StatusCode, body::BoxBody, error::DispatchError};
use actix_server::GracefulShutdownSignal;
use actix_service::{ServiceFactory, fn_service};
use actix_web::{
    http::{Method, header::CONTENT_TYPE},
    rt::net::TcpStream,
    web::Data,
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, prometheus_text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge, info::Info},
    registry::{Registry, Unit},
};

use crate::{web::state::AppState, worker_pool::JobCounts};

/// How long a client may take for the headers of its request.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(5);

/// All metrics.
pub(crate) struct Metrics(Registry);

impl Metrics {
    /// Returns the metrics of `state`, for a process that starts now.
    pub(crate) fn new(state: &Data<AppState>) -> Self {
        let mut all = Registry::default();
        // The name that client libraries give it, so that dashboards find it.
        all.register_with_unit(
            "process_start_time",
            "Start of the process, since 1970-01-01 UTC",
            Unit::Seconds,
            ConstGauge::new(state.core.clock.now().as_seconds()),
        );
        let gatehouse = all.sub_registry_with_prefix("gatehouse");
        gatehouse.register("build", "Version of Gatehouse", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        if let Some(requests) = &state.requests {
            gatehouse.register("http_requests", "Requests that were answered", requests.counts.clone());
            gatehouse.register_with_unit(
                "http_request_duration",
                "Time from the headers of a request to the headers of its response",
                Unit::Seconds,
                requests.durations.clone(),
            );
        }
        gatehouse.register("sign_ins", "Attempts to sign in", state.accounts.sign_in_counts());
        gatehouse.register("events", "Events of the activity log", state.core.events.counts());
        gatehouse.register("active_sessions", "Active sessions, counted once a minute", state.sessions.active());
        gatehouse.register_collector(Box::new(Queues(state.clone())));
        Self(all)
    }

    /// Returns the service for the connections of one worker.
    pub(crate) fn service(
        self: Arc<Self>,
        drain: GracefulShutdownSignal,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()> {
        HttpService::build()
            // Prometheus asks every few seconds at most; a connection that stays open would delay the shutdown.
            .keep_alive(KeepAlive::Disabled)
            .client_request_timeout(HEADERS_TIMEOUT)
            .graceful_shutdown_signal(move || {
                let drain = drain.clone();
                async move { drain.notified().await }
            })
            .h1(fn_service(move |request: Request| ready(Ok::<_, Infallible>(self.answer(&request)))))
            .tcp()
    }

    fn answer(&self, request: &Request) -> Response<BoxBody> {
        if request.path() != "/metrics" || ![Method::GET, Method::HEAD].contains(request.method()) {
            return Response::not_found();
        }
        let mut text = String::new();
        match prometheus_text::encode(&mut text, &self.0) {
            Ok(()) => {
                let kind = (CONTENT_TYPE, prometheus_text::CONTENT_TYPE);
                Response::build(StatusCode::OK).insert_header(kind).body(text).map_into_boxed_body()
            }
            Err(fmt::Error) => Response::internal_server_error(),
        }
    }
}

/// The queues in front of the threads, read when Prometheus asks.
struct Queues(Data<AppState>);

impl fmt::Debug for Queues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queues")
    }
}

impl Collector for Queues {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (accounts, pools) = (&self.0.accounts, self.0.core.database.pools());
        let states = |jobs: JobCounts| [("waiting", jobs.waiting), ("running", jobs.running)];

        let jobs = states(accounts.hashing_queue()).map(|(state, jobs)| ([("state", state)], jobs));
        gauges(&mut encoder, "hashing_jobs", "Jobs of the hashing threads.", &jobs)?;
        let threads = ConstGauge::new(self.0.settings.hash_threads());
        encode(&mut encoder, "hashing_threads", "Jobs that the hashing threads run at most.", &threads)?;
        let hashes = ConstCounter::new(accounts.hashes_computed());
        encode(&mut encoder, "password_hashes", "Passwords that were hashed.", &hashes)?;
        let busy = ConstCounter::new(accounts.hashing_time().as_secs_f64());
        encode(&mut encoder, "hashing_busy_seconds", "Time that the hashing threads have worked, summed.", &busy)?;

        let jobs: Vec<_> = pools
            .iter()
            .flat_map(|pool| states(pool.jobs).map(|(state, jobs)| ([("pool", pool.name), ("state", state)], jobs)))
            .collect();
        gauges(&mut encoder, "database_jobs", "Jobs of the database threads.", &jobs)?;
        let threads: Vec<_> = pools.iter().map(|pool| ([("pool", pool.name)], pool.threads)).collect();
        gauges(&mut encoder, "database_threads", "Database threads, each with one connection.", &threads)
    }
}

fn encode(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, metric: &impl EncodeMetric) -> fmt::Result {
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}

fn gauges<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: &[(L, usize)],
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    values.iter().try_for_each(|(labels, value)| family.encode_family(labels)?.encode_gauge(value))
}
