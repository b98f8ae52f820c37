//! Connections to the outside: the one place where [`docmill_core::outbound`] is carried out.
//!
//! [`Tcp`] is the connector under every HTTP client of docmill that a server may be made to
//! use: models, webhooks, buckets, sign-in. A name is looked up once; every address it has is
//! judged; the connection goes to one that was permitted. There is no second look-up, so a name
//! that answers differently the next time (DNS rebinding) gains nothing. An address written as
//! a number is never looked up, and is judged all the same.
//!
//! Nobody here follows redirects: hyper does not, and the clients built on this must not.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};
use std::time::Duration;

use docmill_core::outbound::{Reach, Refused};
use futures::future::BoxFuture;
use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How often a connection that says nothing is asked whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Opens connections to where they may go. Wrap it for TLS as any connector.
#[derive(Debug, Clone)]
pub struct Tcp {
    connector: HttpConnector<Resolver>,
    reach: Reach,
}

impl Tcp {
    /// A connector that goes no further than `reach`, and gives up after `timeout`.
    #[must_use]
    pub fn new(reach: Reach, timeout: Duration) -> Self {
        let mut connector = HttpConnector::new_with_resolver(Resolver { reach });
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(timeout));
        connector.set_keepalive(Some(KEEP_ALIVE));
        Self { connector, reach }
    }
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connector.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        if let Some(Err(refused)) = written_address(&uri).map(|address| self.reach.permits(address)) {
            return Box::pin(std::future::ready(Err(refused.into())));
        }
        let connecting = self.connector.call(uri);
        Box::pin(async move { connecting.await.map_err(Into::into) })
    }
}

/// Why a connection did not come about, when it was for the place it would have gone to.
#[must_use]
pub fn refusal(error: &(dyn std::error::Error + 'static)) -> Option<Refused> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // An I/O error hides what it was made of from `source`.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let inner = inner.and_then(|inner| inner.downcast_ref());
        if let Some(refused) = inner.or_else(|| error.downcast_ref()) {
            return Some(*refused);
        }
        cause = error.source();
    }
    None
}

/// The address of a URL that has a number in the place of a name.
fn written_address(uri: &Uri) -> Option<IpAddr> {
    uri.host()?.trim_matches(['[', ']']).parse().ok()
}

/// Looks names up, and leaves out what may not be reached.
#[derive(Debug, Clone)]
struct Resolver {
    reach: Reach,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.reach;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            permitted(reach, found).map(Vec::into_iter)
        })
    }
}

/// The addresses a connection may go to; an error when there are only others.
fn permitted(reach: Reach, found: impl Iterator<Item = SocketAddr>) -> io::Result<Vec<SocketAddr>> {
    let mut refused: Option<Refused> = None;
    let permitted: Vec<SocketAddr> = found
        .filter(|address| match reach.permits(address.ip()) {
            Ok(()) => true,
            Err(why) => {
                refused = Some(why);
                false
            }
        })
        .collect();
    match refused {
        Some(why) if permitted.is_empty() => Err(io::Error::new(io::ErrorKind::PermissionDenied, why)),
        _ => Ok(permitted),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn connect(reach: Reach, url: String) -> Result<(), BoxError> {
        let mut tcp = Tcp::new(reach, Duration::from_secs(5));
        std::future::poll_fn(|context| tcp.poll_ready(context)).await?;
        tcp.call(url.parse()?).await.map(drop)
    }

    #[tokio::test]
    async fn a_listener_of_this_machine_is_reached_only_by_those_who_may() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // As a number, as a name, as an IPv6 address that holds it, and as numbers only C reads.
        for host in [
            "127.0.0.1",
            "localhost",
            "[::ffff:127.0.0.1]",
            "2130706433",
            "0x7f.1",
            "0",
        ] {
            let url = format!("http://{host}:{port}/v1");
            let error = connect(Reach::Public, url).await.unwrap_err();
            let usual = matches!(host, "127.0.0.1" | "localhost");
            assert!(!usual || refusal(error.as_ref()).is_some(), "{host}: {error}");
        }
        let accepted = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(accepted.is_err(), "nobody came");
        for host in ["127.0.0.1", "localhost"] {
            connect(Reach::Anywhere, format!("http://{host}:{port}/v1"))
                .await
                .unwrap();
        }
    }

    #[test]
    fn a_name_with_one_public_address_is_reached_at_that_one() {
        let found: Vec<SocketAddr> = ["10.0.0.1:0", "93.184.216.34:0", "[::1]:0"]
            .iter()
            .map(|address| address.parse().unwrap())
            .collect();
        assert_eq!(
            permitted(Reach::Public, found.into_iter()).unwrap(),
            ["93.184.216.34:0".parse().unwrap()]
        );
        let private = std::iter::once("10.0.0.1:0".parse().unwrap());
        assert!(permitted(Reach::Public, private).is_err());
    }
}
