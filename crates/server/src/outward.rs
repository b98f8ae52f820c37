//! HTTP to the outside, for what the server itself sends: alerts, and questions to an identity
//! provider. Redirects are not followed.

use std::time::Duration;

use bytes::Bytes;
use docmill_core::outbound::Reach;
use docmill_outbound::Tcp;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// Longest one request may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(15);

/// Asks and sends.
pub(crate) type HttpClient = Client<HttpsConnector<Tcp>, Full<Bytes>>;

/// A client that goes no further than `reach`.
///
/// # Errors
/// When the system's certificates cannot be read.
pub(crate) fn client(reach: Reach) -> std::io::Result<HttpClient> {
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())?
        .https_or_http()
        .enable_http1()
        .wrap_connector(Tcp::new(reach, LIMIT));
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// What stands at the bottom of an error.
pub(crate) fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(inner) = last.source() {
        last = inner;
    }
    last.to_string()
}
