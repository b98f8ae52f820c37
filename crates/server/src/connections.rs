//! Connections: an accept loop whose limits keep strangers from holding what they do not use.
//!
//! A request's head must arrive within [`HEAD`], its body at [`RATE`] after a [`GRACE`], and an
//! answer must be taken: who lets it lie for [`STALL`] is cut off. So whoever opens connections and
//! says nothing, or a byte a minute, holds each for seconds. There are never more than
//! [`CONNECTIONS`], and half of them at most are of one address.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::Request;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};
use tower_service::Service as _;

/// For the head of a request, and between two requests of a connection.
const HEAD: Duration = Duration::from_secs(15);

/// A body may be this late whatever its size.
const GRACE: Duration = Duration::from_secs(20);

/// And must arrive at this many bytes a second on the whole: slower than any network that works.
const RATE: u64 = 2048;

/// An answer that is not taken for this long is given up.
const STALL: Duration = Duration::from_secs(60);

/// Connections at once. Each may take a handle of the system and some 20 KiB.
const CONNECTIONS: usize = 4096;

/// Of one address at once.
const OF_ONE_ADDRESS: usize = CONNECTIONS / 2;

/// Longest head of a request, and the most that is read ahead of a body.
const BUFFER: usize = 64 * 1024;

/// How long to wait when the system has no handles left, so as not to ask it in a circle.
const NO_HANDLES: Duration = Duration::from_millis(200);

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Answers what comes until the future is dropped.
pub(crate) async fn accept(listener: TcpListener, router: Router) -> io::Result<()> {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let addresses = Addresses::default();
    loop {
        let permit = Arc::clone(&permits)
            .acquire_owned()
            .await
            .map_err(io::Error::other)?;
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            // Of a connection that is gone already, or of a system that has no more handles:
            // neither is a reason to stop listening.
            Err(error) => {
                if !is_of_the_connection(&error) {
                    tracing::warn!(%error, "no connection can be taken at the moment");
                    tokio::time::sleep(NO_HANDLES).await;
                }
                continue;
            }
        };
        let Some(place) = addresses.enter(peer.ip()) else {
            tracing::warn!(address = %peer.ip(), "one address has too many connections; another is refused");
            continue;
        };
        tokio::spawn(serve(stream, peer, router.clone(), (permit, place)));
    }
}

fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

async fn serve(stream: TcpStream, peer: SocketAddr, router: Router, _held: (OwnedSemaphorePermit, Place)) {
    // Small answers leave at once; a failure costs milliseconds.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(|body| Body::new(Paced::new(body)));
        request.extensions_mut().insert(Peer(peer));
        let mut router = router.clone();
        async move { router.call(request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(Taken::new(stream)), service);
    if let Err(error) = connection.await {
        tracing::debug!(address = %peer, %error, "a connection ended early");
    }
}

/// How many connections each address has.
#[derive(Clone, Default)]
struct Addresses(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection's place among those of its address.
struct Place {
    addresses: Addresses,
    address: IpAddr,
}

impl Addresses {
    fn enter(&self, ip: IpAddr) -> Option<Place> {
        let address = network(ip);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(address).or_default();
        if *count >= OF_ONE_ADDRESS {
            return None;
        }
        *count += 1;
        Some(Place {
            addresses: self.clone(),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.address);
            }
        }
    }
}

/// What counts as one address: of IPv6 the network, because whoever has one has all of it.
pub(crate) fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let bits = ip.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        ip => ip,
    }
}

/// A body that must arrive at a certain pace.
struct Paced {
    body: Incoming,
    began: Instant,
    bytes: u64,
    late: Option<Pin<Box<Sleep>>>,
}

impl Paced {
    fn new(body: Incoming) -> Self {
        Self {
            body,
            began: Instant::now(),
            bytes: 0,
            late: None,
        }
    }

    fn deadline(&self) -> Instant {
        self.began + GRACE + Duration::from_secs(self.bytes / RATE)
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.late = None;
            return Poll::Ready(frame.map(|frame| {
                let frame = frame.map_err(io::Error::other)?;
                self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                Ok(frame)
            }));
        }
        let deadline = self.deadline();
        let late = self
            .late
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        ready!(late.as_mut().poll(context));
        Poll::Ready(Some(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the body comes too slowly",
        ))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection whose other end must take what is sent.
struct Taken {
    stream: TcpStream,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Taken {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            stalled: None,
        }
    }

    /// A write that waits is an error once it waited too long.
    fn watch<T>(&mut self, write: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if write.is_ready() {
            self.stalled = None;
            return write;
        }
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(STALL)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the answer is not taken",
        )))
    }
}

impl AsyncRead for Taken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Taken {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(write, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.watch(write, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flush = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(flush, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_does_not_take_all_connections() {
        let addresses = Addresses::default();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut held: Vec<_> = (0..OF_ONE_ADDRESS)
            .map(|_| addresses.enter(ip("2001:db8::1")).unwrap())
            .collect();
        assert!(
            addresses.enter(ip("2001:db8::2")).is_none(),
            "of the same network"
        );
        assert!(addresses.enter(ip("192.0.2.1")).is_some());
        held.pop();
        assert!(addresses.enter(ip("2001:db8::3")).is_some());
        drop(held);
        assert!(
            addresses.0.lock().unwrap().is_empty(),
            "nothing is kept of who left"
        );
    }

    #[test]
    fn an_address_in_disguise_is_the_same() {
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(network(mapped), "192.0.2.1".parse::<IpAddr>().unwrap());
    }
}
