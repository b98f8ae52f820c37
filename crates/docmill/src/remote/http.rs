//! Requests to a server, and its problems as faults.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use docmill_server::problem::Problem;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::exit::Exit;
use crate::fault::Fault;

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);

/// Until an answer begins: a server that looks at a slow bucket may take its time.
const ANSWER: Duration = Duration::from_secs(120);

/// The key of this person on the server.
const KEY: &str = "DOCMILL_KEY";

/// A server at an address. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http {
    base: String,
    key: Option<String>,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Http {
    /// The server at this address, with the key of the environment.
    pub fn new(url: &str) -> Result<Self, Fault> {
        let wrong = || {
            Fault::usage(format!("{url:?} is no address of a server"))
                .hint("write it like http://127.0.0.1:7878")
        };
        let base = url.trim().trim_end_matches('/').to_owned();
        let parsed: hyper::Uri = base.parse().map_err(|_| wrong())?;
        if !matches!(parsed.scheme_str(), Some("http" | "https")) || parsed.host().is_none() {
            return Err(wrong());
        }
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
            .map_err(|error| {
                Fault::new(
                    Exit::Failure,
                    format!("the system's certificates cannot be read: {error}"),
                )
            })?
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Ok(Self {
            base,
            key: std::env::var(KEY).ok().filter(|key| !key.is_empty()),
            client: Client::builder(TokioExecutor::new()).build(connector),
        })
    }

    /// Whether the server is this machine: paths mean the same there.
    pub fn is_here(&self) -> bool {
        let host = self.base.parse::<hyper::Uri>().ok();
        let host = host.as_ref().and_then(|uri| uri.host()).unwrap_or_default();
        let host = host.trim_matches(['[', ']']);
        host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }

    /// Asks for something.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Fault> {
        let response = self.request("GET", path, Bytes::new(), None).await?;
        self.read(response).await
    }

    /// Sends a document and takes one back.
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<T, Fault> {
        let body = Bytes::from(body.to_string());
        let response = self.request(method, path, body, Some("application/json")).await?;
        self.read(response).await
    }

    /// Asks for something that has no answer but its success.
    pub async fn delete(&self, path: &str) -> Result<(), Fault> {
        self.request("DELETE", path, Bytes::new(), None).await.map(drop)
    }

    /// Sends bytes.
    pub async fn upload(&self, path: &str, content: Bytes) -> Result<(), Fault> {
        let kind = Some("application/octet-stream");
        self.request("PUT", path, content, kind).await.map(drop)
    }

    /// Asks for a file; its bytes come piece by piece.
    pub async fn download(&self, path: &str) -> Result<Incoming, Fault> {
        let response = self.request("GET", path, Bytes::new(), None).await?;
        Ok(response.into_body())
    }

    /// What a broken connection is for the person who waits.
    pub fn broken(&self, error: &(dyn Error + 'static)) -> Fault {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            reason = inner.to_string();
            source = inner.source();
        }
        Fault::new(
            Exit::Failure,
            format!("the server at {} does not answer: {reason}", self.base),
        )
        .hint("docmill serve starts one; --server says where it is")
    }

    async fn request(
        &self,
        method: &str,
        path: &str,
        body: Bytes,
        kind: Option<&str>,
    ) -> Result<Response<Incoming>, Fault> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.base))
            .header("user-agent", concat!("docmill/", env!("CARGO_PKG_VERSION")));
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = request
            .body(Full::new(body))
            .map_err(|error| self.broken(&error))?;
        let answered = tokio::time::timeout(ANSWER, self.client.request(request)).await;
        let response = match answered {
            Ok(answer) => answer.map_err(|error| self.broken(&error))?,
            Err(late) => return Err(self.broken(&late)),
        };
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.into_body().collect().await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        Err(match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => fault(problem),
            Err(_) => Fault::new(
                Exit::Failure,
                format!("{} answered {status}, which no docmill says", self.base),
            )
            .hint("is there something else at this address? --server says where docmill is"),
        })
    }

    async fn read<T: DeserializeOwned>(&self, response: Response<Incoming>) -> Result<T, Fault> {
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| self.broken(&error))?.to_bytes();
        // Through a value: with numbers of any length, serde's flattened structs read them no other way.
        let value = serde_json::from_slice::<serde_json::Value>(&body);
        value.and_then(serde_json::from_value).map_err(|error| {
            Fault::new(
                Exit::Failure,
                format!("{} answered what this docmill does not know: {error}", self.base),
            )
            .hint("is the server of another version? docmill --version says which this is")
        })
    }
}

/// A problem of the server, as the command would say it of itself.
fn fault(problem: Problem) -> Fault {
    let exit = match (problem.status, problem.code.as_str()) {
        // The server's own keys, not those of models.
        (401, _) => Exit::Usage,
        (_, "unknown_model" | "no_key" | "key_refused" | "unreachable" | "no_price") => Exit::Model,
        (400..500, _) => Exit::Usage,
        (_, "store" | "disk_full" | "busy") => Exit::Store,
        _ => Exit::Failure,
    };
    let mut fault = Fault::new(exit, problem.detail);
    fault.hint = match problem.status {
        401 => Some(format!(
            "put your key into {KEY}; docmill key add makes one on the server"
        )),
        _ => problem.hint.map(Into::into),
    };
    fault
}

/// A text as a part of a path or a value of a query.
pub fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_person_types_stays_one_part_of_a_path() {
        assert_eq!(segment("a b/ü?&%"), "a%20b%2F%C3%BC%3F%26%25");
        assert_eq!(segment("receipt-1.pdf"), "receipt-1.pdf");
    }

    #[test]
    fn only_addresses_of_servers_are_taken() {
        for wrong in ["", "7878", "localhost:7878", "ftp://x", "http://"] {
            assert_eq!(Http::new(wrong).unwrap_err().exit, Exit::Usage, "{wrong}");
        }
        let http = Http::new("http://127.0.0.1:7878/mill/").unwrap();
        assert_eq!(http.base, "http://127.0.0.1:7878/mill");
        assert!(http.is_here());
        assert!(Http::new("http://[::1]:1").unwrap().is_here());
        assert!(!Http::new("https://docs.example.org").unwrap().is_here());
    }
}
