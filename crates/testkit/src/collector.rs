//! A collector of traces and metrics (OTLP over HTTP) that keeps what it is sent, as it came.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;

use crate::served::Served;

/// A running collector; stops when dropped.
#[derive(Debug)]
pub struct Collector {
    served: Served,
    sent: Arc<Mutex<Vec<(String, Bytes)>>>,
}

impl Collector {
    /// Starts on a free port.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start() -> io::Result<Self> {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&sent);
        let served = Served::start(|_| {
            move |head: &hyper::http::request::Parts, body: &Bytes| {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push((head.uri.path().to_owned(), body.clone()));
                // An answer without fields is an empty message.
                Response::new(Full::new(Bytes::new()))
            }
        })?;
        Ok(Self { served, sent })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.served.address()
    }

    /// Whether anything that was sent to this path holds these bytes. Strings stand in protocol
    /// buffers as they are.
    #[must_use]
    pub fn holds(&self, path: &str, bytes: &[u8]) -> bool {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut of_path = sent.iter().filter(|(sent_to, _)| sent_to == path);
        of_path.any(|(_, body)| body.windows(bytes.len()).any(|window| window == bytes))
    }
}
