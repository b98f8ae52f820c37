//! The wire: one pool of HTTP/1.1 connections, with an exact account of
//! whether a request can have left.

use std::time::Duration;

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

use super::config::{Config, ConfigError};
use super::errors::Refused;
use super::{Body, IDLE_CONNECTION, MAX_ANSWER_BYTES};
use crate::answer::Billing;

/// A whole response.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

pub(super) struct Http {
    client: Client<HttpsConnector<Tcp>, Body>,
    chat: Uri,
    models: Uri,
    authorization: Option<HeaderValue>,
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
            chat: below(&config.base_url, "/chat/completions")?,
            models: below(&config.base_url, "/models")?,
            authorization: authorization(config)?,
            call_timeout: config.call_timeout,
            provider: config.name.clone(),
        })
    }

    /// Sends a chat completion.
    pub(super) async fn chat(&self, call_id: &str, body: Bytes) -> Result<Reply, Refused> {
        let mut request = hyper::Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.chat.clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, JSON);
        if let Ok(id) = HeaderValue::from_str(call_id) {
            headers.insert(IDEMPOTENCY_KEY, id.clone());
            headers.insert(CLIENT_REQUEST_ID, id);
        }
        self.exchange(request, self.call_timeout).await
    }

    /// Asks for the list of models.
    pub(super) async fn models(&self) -> Result<Reply, Refused> {
        let mut request = hyper::Request::new(Full::new(Bytes::new()));
        *request.uri_mut() = self.models.clone();
        let asked = self.exchange(request, PROBE_TIMEOUT.min(self.call_timeout)).await;
        // A list costs nothing, whatever became of it.
        asked.map_err(|error| Refused {
            billing: Billing::NotBilled,
            ..error
        })
    }

    async fn exchange(&self, mut request: hyper::Request<Body>, limit: Duration) -> Result<Reply, Refused> {
        let headers = request.headers_mut();
        headers.insert(ACCEPT, JSON);
        headers.insert(USER_AGENT, AGENT);
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
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
        self.chat.authority().map_or("", |authority| authority.as_str())
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

fn below(base: &Uri, path: &str) -> Result<Uri, ConfigError> {
    let text = format!("{}{path}", base.to_string().trim_end_matches('/'));
    text.parse().map_err(|_| ConfigError::BadAddress { text })
}

fn authorization(config: &Config) -> Result<Option<HeaderValue>, ConfigError> {
    let Some(key) = &config.key else {
        return Ok(None);
    };
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose())).map_err(|_| {
        ConfigError::KeyMalformed {
            variable: "the configuration".to_owned(),
        }
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// TLS with the system's root certificates, read only when they are needed.
fn tls(config: &Config) -> Result<rustls::ClientConfig, ConfigError> {
    let mut roots = rustls::RootCertStore::empty();
    if config.base_url.scheme_str() == Some("https") {
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
