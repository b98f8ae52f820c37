//! The server: the API, live streams, and the dashboard, over an engine that works
//! in the background. It knows no concrete store, provider or reader; those who join
//! the parts hand them in ([`Workshop`]).
//!
//! - [`app`]: what every route works with.
//! - [`access`]: who may use it, and for what; `connections` and `limits`: how much anybody may hold.
//! - `routes`: one file per resource; [`views`]: what goes over the wire, `params` and `strict`: what
//!   comes in, [`problem`]: what went wrong.
//! - [`pulse`]: speeds and outlooks, worked out once for everybody; `feed` and `events`: live streams.
//! - `alerts`: who is told of what; `outward`: HTTP to the outside; `machine`: what the server takes of its processors and memory;
//!   [`seal`]: secrets that must be kept.
//! - `assets`: the dashboard; [`openapi`]: the description of all of it.

pub mod access;
mod alerts;
pub mod app;
mod assets;
mod connections;
mod events;
mod exposition;
mod feed;
mod limits;
mod machine;
pub mod openapi;
mod outward;
mod params;
mod passwords;
pub mod problem;
pub mod pulse;
mod request_id;
mod routes;
pub mod seal;
mod strict;
pub mod views;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::routing::get;
use docmill_engine::Engine;
use docmill_engine::run::Stop;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

pub use access::{OidcOptions, PublicUrl, keys};
pub use alerts::{PostOffice, PostOptions};
pub use app::{App, Config, Reach, Workshop};
pub use docmill_core::access::Lifetime;
use problem::Problem;
pub use request_id::OnRequest;
pub use routes::audit;
pub use seal::Seal;

/// Everything the server answers to.
pub fn router(app: App) -> Router {
    let (api, document) = openapi::api();
    let guard = access::guard::Guard {
        app: app.clone(),
        queries: Arc::new(strict::Queries::of(&document)),
    };
    let description: Arc<str> = document.to_pretty_json().unwrap_or_default().into();
    let serve_description = move || {
        let description = Arc::clone(&description);
        async move {
            let kind = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, kind)], description.to_string())
        }
    };
    // Streams are sent line by line and pictures are packed already.
    let worth_packing = DefaultPredicate::new().and(NotForContentType::const_new("application/octet-stream"));
    let base = app.config.base_path.trim_end_matches('/').to_owned();
    let routes = Router::new()
        .merge(api)
        .route("/api/v1/openapi.json", get(serve_description))
        .route("/healthz", get(routes::health::healthz))
        .route("/readyz", get(routes::health::readyz))
        .route("/metrics", get(routes::metrics::metrics))
        .fallback(get(assets::serve))
        .layer(axum::middleware::from_fn_with_state(guard, access::guard::guard))
        .layer(axum::middleware::from_fn_with_state(
            app.clone(),
            request_id::layer,
        ))
        .layer(CompressionLayer::new().gzip(true).compress_when(worth_packing))
        .layer(CatchPanicLayer::custom(broke_down))
        .with_state(app);
    if base.is_empty() {
        routes
    } else {
        // Without the path too: a proxy may take it off, and health is asked for at the root.
        Router::new().nest(&base, routes.clone()).fallback_service(routes)
    }
}

fn broke_down(_: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    axum::response::IntoResponse::into_response(
        Problem::new(
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "docmill broke down on this request",
        )
        .hint("please report it; nothing is lost"),
    )
}

/// Serves and works until `stop` is not [`Stop::No`]; then finishes the calls in flight, leaves
/// running batches for the next start, and returns.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    engine: Engine,
    workshop: Arc<dyn Workshop>,
    config: Config,
    stop: watch::Receiver<Stop>,
) -> std::io::Result<()> {
    let app = App::new(engine.clone(), workshop, config)?;
    let taken = passwords::take_up(app.store(), &app.seal, &engine.settings().passwords).await;
    taken.map_err(std::io::Error::other)?;
    let dispatcher = app.dispatcher.clone();
    let (quiet, silenced) = watch::channel(false);
    let beating = tokio::spawn(app.pulse.clone().run(engine.clone(), silenced.clone()));
    let alerting = tokio::spawn(alerts::watch(
        engine.clone(),
        app.post.clone(),
        app.seal.clone(),
        silenced.clone(),
    ));
    let measuring = tokio::spawn(app.machine.clone().watch(engine, silenced));
    let working = tokio::spawn({
        let stop = stop.clone();
        async move { dispatcher.run(stop).await }
    });
    let mut asked = stop.clone();
    let accepting = connections::accept(listener, router(app));
    // Open streams would never end by themselves: whoever listens is dropped, and comes back.
    let served = tokio::select! {
        served = accepting => served,
        _ = asked.wait_for(|stop| *stop != Stop::No) => Ok(()),
    };
    let mut now = stop;
    tokio::select! {
        _ = working => {}
        _ = now.wait_for(|stop| *stop == Stop::Now) => {}
    }
    quiet.send_replace(true);
    // They end by themselves now; nothing of theirs can be lost.
    let _ = tokio::join!(beating, alerting, measuring);
    served
}
