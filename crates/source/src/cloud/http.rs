//! The HTTP client under the cloud stores: the same hyper and rustls (with ring) that
//! the rest of docmill speaks, instead of a second client with another cryptography.

use std::error::Error;
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use docmill_core::outbound::Reach;
use docmill_outbound::Tcp;
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use object_store::ClientOptions;
use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector as Connector, HttpError, HttpErrorKind, HttpRequest,
    HttpRequestBody, HttpResponse, HttpResponseBody, HttpService,
};
use tokio::time::timeout;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Until the answer's head is there; a listing page can take a slow server a while.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Makes clients for the cloud stores.
#[derive(Debug)]
pub(super) struct HyperConnector;

impl Connector for HyperConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        // The endpoint and the place of the credentials come from the environment of whoever
        // started docmill; nothing in the name of a bucket changes the host (`spec`).
        let tcp = Tcp::new(Reach::Anywhere, CONNECT_TIMEOUT);
        let roots = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
            .map_err(|error| object_store::Error::Generic {
                store: "HTTP",
                source: Box::new(error),
            })?;
        let connector = roots.https_or_http().enable_http1().wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .build(connector);
        Ok(HttpClient::new(Hyper {
            client,
            allow_http: options
                .get_config_value(&ClientConfigKey::AllowHttp)
                .is_some_and(|value| value == "true"),
        }))
    }
}

#[derive(Debug)]
struct Hyper {
    client: Client<HttpsConnector<Tcp>, HttpRequestBody>,
    allow_http: bool,
}

#[async_trait]
impl HttpService for Hyper {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if request.uri().scheme_str() == Some("http") && !self.allow_http {
            let message = "unencrypted HTTP is not allowed; use an https:// endpoint, or set AWS_ALLOW_HTTP=true (AZURE_ALLOW_HTTP, GOOGLE_ALLOW_HTTP)";
            return Err(HttpError::new(HttpErrorKind::Unknown, io::Error::other(message)));
        }
        let answer = timeout(ANSWER_TIMEOUT, self.client.request(request))
            .await
            .map_err(|elapsed| HttpError::new(HttpErrorKind::Timeout, elapsed))?
            .map_err(|error| {
                let kind = if error.is_connect() {
                    HttpErrorKind::Connect
                } else {
                    kind(&error)
                };
                HttpError::new(kind, error)
            })?;
        let (head, body) = answer.into_parts();
        let body = body.map_err(|error| HttpError::new(kind(&error), error));
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body)))
    }
}

/// What went wrong, as far as it decides whether to try again.
fn kind(error: &(dyn Error + 'static)) -> HttpErrorKind {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return match error.kind() {
                io::ErrorKind::TimedOut => HttpErrorKind::Timeout,
                _ => HttpErrorKind::Interrupted,
            };
        }
        cause = error.source();
    }
    // hyper's own errors here are about connections that ended early.
    HttpErrorKind::Request
}
