//! Where log lines, traces and metrics go.
//!
//! Log lines go to standard error. Traces and metrics go to a collector when the environment names
//! one, with the variables every OpenTelemetry SDK reads: `OTEL_EXPORTER_OTLP_ENDPOINT` (or
//! `…_TRACES_ENDPOINT`, `…_METRICS_ENDPOINT`), `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_SERVICE_NAME`,
//! `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`, `OTEL_SDK_DISABLED`. The transport is OTLP over
//! HTTP with protocol buffers. Without them nothing is recorded and nothing is sent.

use std::io::IsTerminal as _;
use std::time::Duration;

use bytes::Bytes;
use docmill_engine::telemetry::{CALLS, METRICS};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::{MetricsLayer, OpenTelemetrySpanExt as _};
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::fmt::format::debug_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use crate::fault::Fault;
use crate::report::log::Lines;

/// How long the end of a command waits for what was not sent yet.
const PATIENCE: Duration = Duration::from_secs(2);

/// Largest answer of a collector that is read.
const LARGEST: usize = 64 * 1024;

/// Log lines that go to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// None: a command that reports in its own way.
    Silent,
    /// Lines for people; `RUST_LOG` says how much.
    Text,
    /// The same as JSON documents.
    Json,
}

/// What was set up. Dropped at the end of a command, it sends what was not sent yet.
#[must_use]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let (traces, metrics) = (self.traces.take(), self.metrics.take());
        if traces.is_none() && metrics.is_none() {
            return;
        }
        // A collector that is down is tried again and again; nobody waits for that at the end of a
        // command, and it cannot be told to anybody any more.
        let (done, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            if let Some(traces) = traces {
                let _ = traces.shutdown();
            }
            if let Some(metrics) = metrics {
                let _ = metrics.shutdown();
            }
            let _ = done.send(());
        });
        let _ = ended.recv_timeout(PATIENCE);
    }
}

/// Sets up where everything goes. Must be called inside the runtime.
pub fn begin(log: Log) -> Result<Telemetry, Fault> {
    let lines = match log {
        Log::Silent => None,
        Log::Text | Log::Json => Some(log_lines(log == Log::Json)),
    };
    let telemetry = match wanted() {
        Wanted {
            traces: false,
            metrics: false,
        } => Telemetry {
            traces: None,
            metrics: None,
        },
        wanted => exporters(&wanted)?,
    };
    if lines.is_none() && telemetry.traces.is_none() && telemetry.metrics.is_none() {
        // Without anybody who listens, a span costs nothing.
        return Ok(telemetry);
    }
    let tracer = telemetry.traces.as_ref().map(|provider| {
        let spans = Targets::new()
            .with_default(LevelFilter::INFO)
            .with_target(CALLS, LevelFilter::DEBUG);
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("docmill"))
            .with_location(false)
            .with_threads(false)
            .with_filter(spans)
    });
    let metrics = telemetry.metrics.clone().map(|provider| {
        let numbers = Targets::new().with_target(METRICS, LevelFilter::DEBUG);
        MetricsLayer::new(provider).with_filter(numbers)
    });
    // Set twice only by tests in one process; the first stays.
    let _ = tracing_subscriber::registry()
        .with(lines)
        .with(tracer)
        .with(metrics)
        .try_init();
    Ok(telemetry)
}

/// A trace that began elsewhere goes on here (W3C Trace Context).
pub fn take_up(span: &tracing::Span, headers: &hyper::HeaderMap) {
    let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    // Refused only where nothing is recorded.
    let _ = span.set_parent(context);
}

fn log_lines<S>(json: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
{
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // Whoever wants to see everything does not mean events that are only numbers.
    let filter = filter.and(filter_fn(|metadata| metadata.target() != METRICS));
    let color = !json && std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt::layer().with_writer(move || Lines { json, color });
    if json {
        lines.json().with_filter(filter).boxed()
    } else {
        // What only names spans for a collector says nothing to people.
        let fields = debug_fn(|line, field, value| match field.name() {
            name if name.starts_with("otel.") => Ok(()),
            "message" => write!(line, "{value:?}"),
            name => write!(line, " {name}={value:?}"),
        });
        let lines = lines.fmt_fields(fields).with_ansi(color);
        lines.with_filter(filter).boxed()
    }
}

struct Wanted {
    traces: bool,
    metrics: bool,
}

/// What the environment asks for. An address is asked for, never assumed.
fn wanted() -> Wanted {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|it| it.eq_ignore_ascii_case(value));
    let everything = is_set("OTEL_EXPORTER_OTLP_ENDPOINT");
    let on = !is("OTEL_SDK_DISABLED", "true");
    let of = |address: &str, exporter: &str| on && (everything || is_set(address)) && !is(exporter, "none");
    Wanted {
        traces: of("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER"),
        metrics: of("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_METRICS_EXPORTER"),
    }
}

fn exporters(wanted: &Wanted) -> Result<Telemetry, Fault> {
    let wrong = |error: &dyn std::fmt::Display| {
        Fault::usage(format!("traces and metrics cannot be sent: {error}"))
            .hint("OTEL_EXPORTER_OTLP_ENDPOINT is the address of a collector, like http://127.0.0.1:4318")
    };
    let named = std::env::var_os("OTEL_SERVICE_NAME").is_some();
    let mut resource = Resource::builder();
    if !named {
        resource = resource.with_service_name("docmill");
    }
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = resource.with_attribute(version).build();
    let post = Post::new().map_err(|error| wrong(&error))?;
    let traces = match wanted.traces {
        false => None,
        true => {
            let exporter = SpanExporter::builder().with_http().with_http_client(post.clone());
            let exporter = exporter.build().map_err(|error| wrong(&error))?;
            let provider = SdkTracerProvider::builder()
                .with_batch_exporter(exporter)
                .with_resource(resource.clone());
            Some(provider.build())
        }
    };
    let metrics = match wanted.metrics {
        false => None,
        true => {
            let exporter = MetricExporter::builder().with_http().with_http_client(post);
            let exporter = exporter.build().map_err(|error| wrong(&error))?;
            let provider = SdkMeterProvider::builder()
                .with_periodic_exporter(exporter)
                .with_resource(resource);
            Some(provider.build())
        }
    };
    Ok(Telemetry { traces, metrics })
}

/// Takes what is recorded to the collector. The SDK calls it from threads of its own, so the
/// requests run on the program's runtime.
#[derive(Debug, Clone)]
struct Post {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: tokio::runtime::Handle,
}

impl Post {
    fn new() -> std::io::Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            runtime: tokio::runtime::Handle::current(),
        })
    }
}

#[async_trait::async_trait]
impl HttpClient for Post {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sending = self.runtime.spawn(async move {
            let response = client.request(request.map(Full::new)).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, LARGEST).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(parts, body))
        });
        sending.await?
    }
}
