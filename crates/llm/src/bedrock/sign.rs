//! AWS Signature Version 4, for requests whose body is known.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use docmill_core::failure::FailureCode;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::header::{HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use super::credentials::{Chain, Credentials};
use crate::wire::{Http, Refused, Signer, Unsigned, segment};

/// Credentials that end within this are fetched anew.
const MARGIN: Duration = Duration::from_secs(300);

/// Signs for Bedrock in one region.
#[derive(Debug)]
pub(super) struct AwsSigner {
    region: String,
    chain: Chain,
    held: Mutex<Option<Credentials>>,
}

impl AwsSigner {
    pub(super) fn new(region: String, chain: Chain) -> Self {
        Self {
            region,
            chain,
            held: Mutex::new(None),
        }
    }

    async fn credentials(&self, http: &Http) -> Result<Credentials, Refused> {
        let mut held = self.held.lock().await;
        let good = held
            .as_ref()
            .filter(|held| held.until.is_none_or(|until| until > SystemTime::now() + MARGIN));
        if let Some(good) = good {
            return Ok(good.clone());
        }
        let fresh = self.chain.fetch(http).await?;
        *held = Some(fresh.clone());
        Ok(fresh)
    }
}

#[async_trait]
impl Signer for AwsSigner {
    async fn sign(
        &self,
        http: &Http,
        request: &Unsigned<'_>,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Refused> {
        let credentials = self.credentials(http).await?;
        let signed = signed(request, &credentials, &self.region, "bedrock", SystemTime::now());
        let broken = || {
            Refused::not_billed(
                FailureCode::KeyRefused,
                "the AWS credentials have characters that cannot be sent",
            )
        };
        signed
            .into_iter()
            .map(|(name, value)| {
                let mut value = HeaderValue::from_str(&value).map_err(|_| broken())?;
                value.set_sensitive(true);
                Ok((HeaderName::from_static(name), value))
            })
            .collect()
    }
}

/// The headers that sign a request.
fn signed(
    request: &Unsigned<'_>,
    credentials: &Credentials,
    region: &str,
    service: &str,
    now: SystemTime,
) -> Vec<(&'static str, String)> {
    let time = time_of(now);
    let day = time.get(..8).unwrap_or_default();
    let host = request.uri.authority().map_or("", |authority| authority.as_str());
    let mut headers = vec![("host", host.to_owned()), ("x-amz-date", time.clone())];
    if let Some(session) = &credentials.session {
        headers.push(("x-amz-security-token", session.expose().to_owned()));
    }
    let names = headers
        .iter()
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join(";");
    let mut canonical = format!(
        "{}\n{}\n{}\n",
        request.method,
        path_of(request.uri.path()),
        request.uri.query().unwrap_or_default()
    );
    for (name, value) in &headers {
        let _ = writeln!(canonical, "{name}:{value}");
    }
    let _ = write!(canonical, "\n{names}\n{}", hex(&Sha256::digest(request.body)));
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let text = format!(
        "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
        hex(&Sha256::digest(canonical.as_bytes()))
    );
    let secret = format!("AWS4{}", credentials.secret.expose());
    let key = [day, region, service, "aws4_request"]
        .iter()
        .fold(secret.into_bytes(), |key, part| mac(&key, part.as_bytes()));
    let signature = hex(&mac(&key, text.as_bytes()));
    headers.retain(|(name, _)| *name != "host");
    headers.push((
        "authorization",
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            credentials.id
        ),
    ));
    headers
}

/// Every service but S3 wants the path, as it is sent, encoded once more.
fn path_of(path: &str) -> String {
    let parts: Vec<String> = path.split('/').map(segment).collect();
    parts.join("/")
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    // Keys of any length are taken.
    Hmac::<Sha256>::new_from_slice(key).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(text);
            mac.finalize().into_bytes().to_vec()
        },
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// `20150830T123600Z`.
fn time_of(now: SystemTime) -> String {
    // "Sun, 30 Aug 2015 12:36:00 GMT": the parts, in another order.
    let text = httpdate::fmt_http_date(now);
    let parts: Vec<&str> = text.split([' ', ':']).collect();
    let part = |at: usize| parts.get(at).copied().unwrap_or_default();
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = MONTHS.iter().position(|month| *month == part(2)).unwrap_or(0) + 1;
    format!(
        "{}{month:02}{}T{}{}{}Z",
        part(3),
        part(1),
        part(4),
        part(5),
        part(6)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Key;

    /// AWS's published test suite: `get-vanilla` and `post-vanilla`.
    #[test]
    fn signatures_are_those_of_the_published_examples() {
        let credentials = Credentials {
            id: "AKIDEXAMPLE".into(),
            secret: Key::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY").unwrap(),
            session: None,
            until: None,
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_440_938_160);
        assert_eq!(time_of(now), "20150830T123600Z");
        let uri = "https://example.amazonaws.com/".parse().unwrap();
        for (method, signature) in [
            (
                "GET",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            (
                "POST",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
        ] {
            let request = Unsigned {
                method,
                uri: &uri,
                body: b"",
            };
            let headers = signed(&request, &credentials, "us-east-1", "service", now);
            let authorization = &headers.last().unwrap().1;
            assert!(authorization.ends_with(signature), "{method}: {authorization}");
        }
    }

    #[test]
    fn colons_of_model_names_are_encoded_twice() {
        assert_eq!(
            path_of("/model/anthropic.claude-v1%3A0/converse"),
            "/model/anthropic.claude-v1%253A0/converse"
        );
    }
}
