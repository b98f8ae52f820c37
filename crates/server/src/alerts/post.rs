//! The post office: takes deliveries where they go, a few tries each.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use docmill_core::time::Timestamp;
use docmill_store::{Store, StoreError};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioExecutor;
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use serde_json::json;
use sha2::Sha256;

use super::rules::{self, Channel, Delivery, Outcome};
use crate::views::time;

/// Tries of one delivery.
const TRIES: u32 = 5;

/// The wait before the second try; each after that is four times as long.
const FIRST_WAIT_MS: i64 = 2_000;

/// Longest one try may take.
const LIMIT: Duration = Duration::from_secs(15);

/// How deliveries are made.
#[derive(Debug, Clone, Default)]
pub struct PostOptions {
    /// Webhooks may go to addresses of private networks and of this machine.
    pub private_addresses: bool,
    /// The e-mail server: `smtps://user:password@mail.example.org`.
    pub smtp_url: Option<String>,
    /// Who e-mail is from.
    pub smtp_from: Option<String>,
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct PostOffice {
    options: Arc<PostOptions>,
    client: Client<HttpsConnector<HttpConnector<Public>>, Full<Bytes>>,
}

impl PostOffice {
    /// A post office with these options.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(options: PostOptions) -> std::io::Result<Self> {
        let resolver = Public {
            private: options.private_addresses,
        };
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(LIMIT));
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())?
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Ok(Self {
            options: Arc::new(options),
            client: Client::builder(TokioExecutor::new()).build(connector),
        })
    }

    /// Whether e-mail can be sent from here.
    pub(crate) fn can_mail(&self) -> bool {
        self.options.smtp_url.is_some() && self.options.smtp_from.is_some()
    }

    /// Tries what is due. What fails is tried again later, a few times.
    pub(super) async fn deliver(&self, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
        let due = rules::deliveries(store).await?.into_iter();
        let due = due.filter(|it| it.outcome == Outcome::Pending && it.next_at <= now);
        // At once: a slow one holds up nobody else.
        let tried = futures::future::join_all(due.map(|delivery| async {
            let answer = self.send(&delivery).await;
            (delivery, answer)
        }));
        for (mut delivery, answer) in tried.await {
            delivery.tries += 1;
            match answer {
                Ok(answer) => {
                    delivery.outcome = Outcome::Delivered;
                    delivery.answer = answer;
                }
                Err(reason) => {
                    delivery.answer = reason;
                    if delivery.tries >= TRIES {
                        delivery.outcome = Outcome::Failed;
                    }
                    let wait = FIRST_WAIT_MS * 4_i64.pow(delivery.tries - 1);
                    delivery.next_at = now.plus_ms(wait);
                }
            }
            rules::note(store, &delivery, now).await?;
        }
        Ok(())
    }

    /// Tries once; says what the other side answered, or what went wrong.
    pub(crate) async fn send(&self, delivery: &Delivery) -> Result<String, String> {
        let sending = async {
            match &delivery.channel {
                Channel::Webhook { url, secret } => {
                    let body = json!({
                        "id": delivery.id,
                        "rule": delivery.rule,
                        "batch": delivery.about,
                        "text": delivery.text,
                        "at": time(delivery.at),
                    });
                    self.post(url, body.to_string(), secret.as_deref()).await
                }
                Channel::Slack { url } => {
                    let body = json!({ "text": delivery.text });
                    self.post(url, body.to_string(), None).await
                }
                Channel::Email { address } => self.mail(address, delivery).await,
            }
        };
        tokio::time::timeout(LIMIT, sending)
            .await
            .unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    async fn post(&self, url: &str, body: String, secret: Option<&str>) -> Result<String, String> {
        let uri: axum::http::Uri = url.parse().map_err(|_| format!("{url:?} is no address"))?;
        // An address written as a number is never looked up, so it is checked here.
        if let Some(ip) = uri
            .host()
            .and_then(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().ok())
            && !self.options.private_addresses
            && !is_public(ip)
        {
            return Err(PRIVATE.to_owned());
        }
        let mut request = axum::http::Request::post(uri)
            .header("content-type", "application/json")
            .header("user-agent", concat!("docmill/", env!("CARGO_PKG_VERSION")));
        if let Some(secret) = secret {
            request = request.header("x-docmill-signature", signature(secret, body.as_bytes()));
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        let response = self.client.request(request).await.map_err(|error| {
            let mut reason = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(inner) = source {
                reason = inner.to_string();
                source = inner.source();
            }
            reason
        })?;
        let status = response.status();
        // What it says is shown, as far as a line goes.
        let text = Limited::new(response.into_body(), 4096).collect().await;
        let text = text.map(|body| body.to_bytes()).unwrap_or_default();
        let text: String = String::from_utf8_lossy(&text).chars().take(120).collect();
        let said = format!("{} {}", status.as_u16(), text.trim()).trim().to_owned();
        if status.is_success() { Ok(said) } else { Err(said) }
    }

    async fn mail(&self, address: &str, delivery: &Delivery) -> Result<String, String> {
        let missing = "the server's environment names no e-mail server (DOCMILL_SMTP_URL, DOCMILL_SMTP_FROM)";
        let url = self.options.smtp_url.as_deref().ok_or(missing)?;
        let from = self.options.smtp_from.as_deref().ok_or(missing)?;
        let mailbox = |text: &str| {
            text.parse::<Mailbox>()
                .map_err(|error| format!("{text:?} is no e-mail address: {error}"))
        };
        let message = Message::builder()
            .from(mailbox(from)?)
            .to(mailbox(address)?)
            .subject(format!("docmill: {}", delivery.rule))
            .body(format!("{}.\r\n\r\n{}\r\n", delivery.text, time(delivery.at)))
            .map_err(|error| error.to_string())?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|error| format!("DOCMILL_SMTP_URL: {error}"))?
            .build();
        let answer = transport.send(message).await.map_err(|error| error.to_string())?;
        Ok(format!("{} accepted", answer.code()))
    }
}

/// The signature of a body: `sha256=` and HMAC-SHA256 in hex, as GitHub's webhooks have it.
fn signature(secret: &str, body: &[u8]) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

const PRIVATE: &str = "the address is in a private network or on this machine; start docmill serve with --private-webhooks to allow that";

/// Looks names up, and leaves out addresses nobody should reach through this server. The
/// connection goes to what was looked up, so a name cannot change in between.
#[derive(Debug, Clone)]
struct Public {
    private: bool,
}

impl tower_service::Service<Name> for Public {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = futures::future::BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let private = self.private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| private || is_public(address.ip()))
                .collect();
            if allowed.is_empty() {
                return Err(std::io::Error::other(PRIVATE));
            }
            Ok(allowed.into_iter())
        })
    }
}

/// Whether an address is of the public internet (RFC 6890 and what came after it).
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let benchmarks = a == 198 && (b == 18 || b == 19);
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_broadcast()
                || ip.is_multicast()
                || ip.is_documentation()
                || shared
                || benchmarks
                || a == 0
                || a >= 240)
        }
        IpAddr::V6(ip) => {
            let first = ip.segments()[0];
            !(ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || first & 0xfe00 == 0xfc00
                || first & 0xffc0 == 0xfe80
                || (first == 0x2001 && ip.segments()[1] == 0xdb8)
                // Addresses that hold another inside: what they lead to cannot be told here.
                || (first == 0x64 && ip.segments()[1] == 0xff9b)
                || first == 0x2002)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_published_one() {
        // RFC 4231, test case 2.
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature("Jefe", b"what do ya want for nothing?"), expected);
    }

    #[test]
    fn private_addresses_are_known_in_every_dress() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "255.255.255.255",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["93.184.216.34", "2606:2800:220:1::1", "8.8.8.8"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
