//! The wire: one pool of HTTP/1.1 connections, with an exact account of
//! whether a request can have left.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use docmill_core::failure::FailureCode;
use docmill_outbound::Tcp;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Response, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::capture_connection;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::config::{Config, ConfigError, KeyHeader};
use super::protocol::Outgoing;
use super::refused::Refused;
use super::{IDLE_CONNECTION, MAX_ANSWER_BYTES};
use crate::answer::Billing;

/// The type of request bodies.
type Body = Full<Bytes>;

/// A whole response.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A request before it is signed.
pub(crate) struct Unsigned<'a> {
    pub(crate) method: &'static str,
    pub(crate) uri: &'a Uri,
    pub(crate) body: &'a [u8],
}

/// Makes the headers that say who calls, where a key alone is not enough
/// (signatures, tokens that expire).
#[async_trait]
pub(crate) trait Signer: Send + Sync + std::fmt::Debug {
    /// The headers for a request. `http` is for fetching tokens; that costs nothing.
    async fn sign(
        &self,
        http: &Http,
        request: &Unsigned<'_>,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Refused>;
}

pub(crate) struct Http {
    client: Client<HttpsConnector<Tcp>, Body>,
    base: String,
    /// The key, in the header this server reads it from.
    key: Option<(HeaderName, HeaderValue)>,
    signer: Option<Arc<dyn Signer>>,
    call_timeout: Duration,
    provider: String,
}

/// A list of models is no work: a server that needs longer is not well.
const PROBE_TIMEOUT: Duration = Duration::from_secs(20);

const AGENT: HeaderValue = HeaderValue::from_static(concat!("docmill/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");

impl Http {
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(config)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(Tcp::new(config.terms.reach, config.connect_timeout));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION)
            .build(connector);
        Ok(Self {
            client,
            base: config.base_url.to_string().trim_end_matches('/').to_owned(),
            key: key_header(config)?,
            signer: config.signer.clone(),
            call_timeout: config.call_timeout,
            provider: config.name.clone(),
        })
    }

    /// Sends a call.
    pub(super) async fn post(&self, call_id: &str, outgoing: Outgoing) -> Result<Reply, Refused> {
        let uri = self.below(&outgoing.path)?;
        let signed = self.signed("POST", &uri, &outgoing.body).await?;
        let mut request = hyper::Request::new(Full::new(outgoing.body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, JSON);
        if let Ok(id) = HeaderValue::from_str(call_id) {
            headers.insert(IDEMPOTENCY_KEY, id.clone());
            headers.insert(CLIENT_REQUEST_ID, id);
        }
        headers.extend(outgoing.headers);
        headers.extend(signed);
        self.exchange(request, self.call_timeout).await
    }

    /// Asks for something that costs nothing, such as the list of models.
    pub(super) async fn get(&self, path: &str) -> Result<Reply, Refused> {
        let uri = self.below(path)?;
        let signed = self.signed("GET", &uri, &[]).await?;
        let mut request = hyper::Request::new(Full::new(Bytes::new()));
        *request.uri_mut() = uri;
        request.headers_mut().extend(signed);
        self.free(request).await
    }

    /// Proves that there are credentials, where that can be known before a call.
    pub(super) async fn authorized(&self) -> Result<(), Refused> {
        let uri = self.below("/")?;
        self.signed("GET", &uri, &[]).await.map(drop)
    }

    /// Sends a request beside the calls (for a token, for a list): whatever became of it, it cost nothing.
    pub(crate) async fn free(&self, request: hyper::Request<Full<Bytes>>) -> Result<Reply, Refused> {
        let asked = self.exchange(request, PROBE_TIMEOUT.min(self.call_timeout)).await;
        asked.map_err(|error| Refused {
            billing: Billing::NotBilled,
            ..error
        })
    }

    async fn signed(&self, method: &'static str, uri: &Uri, body: &[u8]) -> Result<HeaderMap, Refused> {
        let mut headers = HeaderMap::new();
        if let Some((name, key)) = &self.key {
            headers.insert(name.clone(), key.clone());
        }
        if let Some(signer) = &self.signer {
            let unsigned = Unsigned { method, uri, body };
            headers.extend(signer.sign(self, &unsigned).await?);
        }
        Ok(headers)
    }

    fn below(&self, path: &str) -> Result<Uri, Refused> {
        let text = format!("{}{path}", self.base);
        text.parse().map_err(|_| {
            Refused::not_billed(
                FailureCode::RequestRefused,
                format!("{text:?} is not an address that can be called"),
            )
        })
    }

    async fn exchange(&self, mut request: hyper::Request<Body>, limit: Duration) -> Result<Reply, Refused> {
        let headers = request.headers_mut();
        headers.entry(ACCEPT).or_insert(JSON);
        headers.insert(USER_AGENT, AGENT);
        // Says afterwards whether a connection was ever there to send on.
        let connection = capture_connection(&mut request);
        let whole = async {
            let response = self
                .client
                .request(request)
                .await
                .map_err(|error| self.failed_to_send(&error))?;
            self.read(response).await
        };
        tokio::time::timeout(limit, whole).await.unwrap_or_else(|_| {
            let sent = connection.connection_metadata().is_some();
            Err(self.timed_out(limit, sent))
        })
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Reply, Refused> {
        let (head, body) = response.into_parts();
        let collected = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        let body = collected.map_err(|cause| {
            Refused::unknown(
                FailureCode::ConnectionFailed,
                format!(
                    "the answer of {} broke off: {}",
                    self.provider,
                    chain(cause.as_ref())
                ),
            )
        })?;
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    }

    fn failed_to_send(&self, error: &legacy::Error) -> Refused {
        if let Some(refused) = docmill_outbound::refusal(error) {
            return Refused::not_billed(
                FailureCode::AddressRefused,
                format!("{} may not be called: {refused}", self.address()),
            );
        }
        if error.is_connect() {
            return Refused::not_billed(
                FailureCode::ConnectionFailed,
                format!(
                    "{} cannot be reached at {}: {}",
                    self.provider,
                    self.address(),
                    chain(error)
                ),
            );
        }
        Refused::unknown(
            FailureCode::ConnectionFailed,
            format!(
                "the connection to {} broke before an answer came: {}",
                self.provider,
                chain(error)
            ),
        )
    }

    fn timed_out(&self, limit: Duration, sent: bool) -> Refused {
        let seconds = limit.as_secs_f32();
        if sent {
            Refused::unknown(
                FailureCode::CallTimeout,
                format!("{} did not answer within {seconds} s", self.provider),
            )
        } else {
            Refused::not_billed(
                FailureCode::ConnectionFailed,
                format!(
                    "no connection to {} at {} came about within {seconds} s",
                    self.provider,
                    self.address()
                ),
            )
        }
    }

    fn address(&self) -> &str {
        let after = self.base.split_once("://").map_or("", |(_, rest)| rest);
        after.split('/').next().unwrap_or_default()
    }
}

/// An error and its causes in one line. hyper says "client error (Connect)"
/// first, which tells a person nothing: the causes do.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes = Vec::new();
    let mut next = error.source().or(Some(error));
    while let Some(cause) = next {
        let text = cause.to_string();
        if causes.last() != Some(&text) {
            causes.push(text);
        }
        next = cause.source();
    }
    causes.join(": ")
}

fn key_header(config: &Config) -> Result<Option<(HeaderName, HeaderValue)>, ConfigError> {
    let Some(key) = &config.key else {
        return Ok(None);
    };
    let (name, text) = match config.key_header {
        KeyHeader::Bearer => (AUTHORIZATION, format!("Bearer {}", key.expose())),
        KeyHeader::Named(name) => (HeaderName::from_static(name), key.expose().to_owned()),
    };
    let mut value = HeaderValue::from_str(&text).map_err(|_| ConfigError::KeyMalformed {
        variable: "the configuration".to_owned(),
    })?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}

/// TLS with the system's root certificates, read only when they are needed.
fn tls(config: &Config) -> Result<rustls::ClientConfig, ConfigError> {
    let mut roots = rustls::RootCertStore::empty();
    if config.base_url.scheme_str() == Some("https") || config.signer.is_some() {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            return Err(ConfigError::NoRootCertificates);
        }
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(ConfigError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(tls)
}
