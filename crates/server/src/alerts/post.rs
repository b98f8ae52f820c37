//! The post office: takes deliveries where they go, a few tries each.

use std::sync::Arc;

use bytes::Bytes;
use docmill_core::outbound::Reach;
use docmill_core::time::Timestamp;
use docmill_store::{Store, StoreError};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http_body_util::{BodyExt as _, Full, Limited};
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use serde_json::json;
use sha2::Sha256;

use super::rules::{self, Channel, Delivery, Outcome};
use crate::outward::{self, HttpClient, LIMIT};
use crate::seal::Seal;
use crate::views::time;

/// Tries of one delivery.
const TRIES: u32 = 5;

/// The wait before the second try; each after that is four times as long.
const FIRST_WAIT_MS: i64 = 2_000;

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
    client: HttpClient,
}

impl PostOffice {
    /// A post office with these options.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(options: PostOptions) -> std::io::Result<Self> {
        let reach = match options.private_addresses {
            true => Reach::Anywhere,
            false => Reach::Public,
        };
        Ok(Self {
            options: Arc::new(options),
            client: outward::client(reach)?,
        })
    }

    /// Whether e-mail can be sent from here.
    pub(crate) fn can_mail(&self) -> bool {
        self.options.smtp_url.is_some() && self.options.smtp_from.is_some()
    }

    /// Tries what is due. What fails is tried again later, a few times.
    pub(super) async fn deliver(
        &self,
        store: &dyn Store,
        seal: &Seal,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let due = rules::deliveries(store, seal).await?.into_iter();
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
            rules::note(store, seal, &delivery, now).await?;
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
                Channel::Unreadable => Err(UNREADABLE.to_owned()),
            }
        };
        tokio::time::timeout(LIMIT, sending)
            .await
            .unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    async fn post(&self, url: &str, body: String, secret: Option<&str>) -> Result<String, String> {
        let uri: axum::http::Uri = url.parse().map_err(|_| format!("{url:?} is no address"))?;
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
            if let Some(refused) = docmill_outbound::refusal(&error) {
                return format!("{refused}; start docmill serve with --private-webhooks to allow that");
            }
            outward::cause(&error)
        })?;
        let status = response.status();
        // What it says is shown to those who made the rule, as far as a line goes.
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

const UNREADABLE: &str = "the rule's address was sealed with another key; make the rule anew";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_published_one() {
        // RFC 4231, test case 2.
        let expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature("Jefe", b"what do ya want for nothing?"), expected);
    }
}
