//! Bearer tokens that expire: fetched before the first call, again shortly
//! before they end, by one caller while the others wait.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use docmill_core::failure::FailureCode;
use http_body_util::Full;
use hyper::Method;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::json;
use tokio::sync::Mutex;

use super::config::Key;
use super::counts::field;
use super::http::{Http, Signer, Unsigned};
use super::refused::{Refused, clean};
use super::said::Said;
use super::segment;

/// How a token is come by.
pub(crate) enum Grant {
    /// OAuth's client credentials (Entra).
    ClientSecret {
        uri: String,
        client: String,
        secret: Key,
        scope: &'static str,
    },
    /// A signed statement of a service account (Google).
    Statement {
        uri: String,
        email: String,
        key: Arc<RsaKeyPair>,
        scope: &'static str,
    },
    /// A person's own credentials (`gcloud auth application-default login`).
    RefreshToken {
        uri: String,
        client: String,
        secret: Key,
        token: Key,
    },
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grant(…)")
    }
}

/// A statement holds this long; Google takes no longer ones.
const STATEMENT_SECONDS: u64 = 3600;

impl Grant {
    /// From a key in PEM. `None`: it is none.
    pub(crate) fn service_account(
        uri: String,
        email: String,
        pem: &str,
        scope: &'static str,
    ) -> Option<Self> {
        let base64: String = pem
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("-----"))
            .collect();
        let der = STANDARD.decode(base64).ok()?;
        let key = RsaKeyPair::from_pkcs8(&der).ok()?;
        Some(Self::Statement {
            uri,
            email,
            key: Arc::new(key),
            scope,
        })
    }

    fn uri(&self) -> &str {
        match self {
            Self::ClientSecret { uri, .. } | Self::Statement { uri, .. } | Self::RefreshToken { uri, .. } => {
                uri
            }
        }
    }

    /// The form that is posted for a token.
    fn form(&self, now: SystemTime) -> Option<String> {
        let pairs: Vec<(&str, String)> = match self {
            Self::ClientSecret {
                client,
                secret,
                scope,
                ..
            } => vec![
                ("grant_type", "client_credentials".to_owned()),
                ("client_id", client.clone()),
                ("client_secret", secret.expose().to_owned()),
                ("scope", (*scope).to_owned()),
            ],
            Self::Statement {
                uri,
                email,
                key,
                scope,
            } => vec![
                (
                    "grant_type",
                    "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned(),
                ),
                ("assertion", statement(uri, email, key, scope, now)?),
            ],
            Self::RefreshToken {
                client,
                secret,
                token,
                ..
            } => vec![
                ("grant_type", "refresh_token".to_owned()),
                ("client_id", client.clone()),
                ("client_secret", secret.expose().to_owned()),
                ("refresh_token", token.expose().to_owned()),
            ],
        };
        let pairs: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={}", segment(value)))
            .collect();
        Some(pairs.join("&"))
    }
}

/// A JSON Web Token, signed with RS256.
fn statement(uri: &str, email: &str, key: &RsaKeyPair, scope: &str, now: SystemTime) -> Option<String> {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let head = URL_SAFE_NO_PAD.encode(json!({"alg": "RS256", "typ": "JWT"}).to_string());
    let claims =
        json!({"iss": email, "scope": scope, "aud": uri, "iat": now, "exp": now + STATEMENT_SECONDS});
    let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
    let signed = format!("{head}.{claims}");
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .ok()?;
    Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

struct Held {
    header: HeaderValue,
    until: SystemTime,
}

/// A token that ends within this is fetched anew.
const MARGIN: Duration = Duration::from_secs(120);

/// Adds a bearer token to each request.
pub(crate) struct TokenSigner {
    whose: &'static str,
    grant: Grant,
    held: Mutex<Option<Held>>,
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSigner")
            .field("whose", &self.whose)
            .finish_non_exhaustive()
    }
}

impl TokenSigner {
    pub(crate) fn new(whose: &'static str, grant: Grant) -> Self {
        Self {
            whose,
            grant,
            held: Mutex::new(None),
        }
    }

    async fn fetch(&self, http: &Http) -> Result<Held, Refused> {
        let now = SystemTime::now();
        let whose = self.whose;
        let refused = |why: String| {
            Refused::not_billed(FailureCode::KeyRefused, format!("{whose} gave no token: {why}"))
        };
        let form = self
            .grant
            .form(now)
            .ok_or_else(|| refused("the request could not be signed".to_owned()))?;
        let mut request = hyper::Request::new(Full::new(Bytes::from(form)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self
            .grant
            .uri()
            .parse()
            .map_err(|_| refused(format!("{:?} is no address", self.grant.uri())))?;
        request.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let reply = http.free(request).await?;
        let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        let token = body.get("access_token").and_then(serde_json::Value::as_str);
        let Some(token) = token.filter(|_| reply.status.is_success()) else {
            if reply.status.is_server_error() || reply.status.as_u16() == 429 {
                return Err(Refused::not_billed(
                    FailureCode::ProviderError,
                    format!(
                        "{whose} answered {} when asked for a token",
                        reply.status.as_u16()
                    ),
                ));
            }
            let said = Said::of(&reply.body);
            let described = body.get("error_description").and_then(serde_json::Value::as_str);
            return Err(refused(clean(described.unwrap_or(&said.message), None)));
        };
        let seconds = field(&body, &["expires_in"]).unwrap_or(STATEMENT_SECONDS);
        let mut header = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| refused("it has characters that cannot be sent".to_owned()))?;
        header.set_sensitive(true);
        Ok(Held {
            header,
            until: now + Duration::from_secs(seconds.min(86_400)),
        })
    }
}

#[async_trait]
impl Signer for TokenSigner {
    async fn sign(
        &self,
        http: &Http,
        _request: &Unsigned<'_>,
    ) -> Result<Vec<(HeaderName, HeaderValue)>, Refused> {
        let mut held = self.held.lock().await;
        let good = held
            .as_ref()
            .filter(|held| held.until > SystemTime::now() + MARGIN)
            .map(|held| held.header.clone());
        let header = match good {
            Some(header) => header,
            None => {
                let fresh = self.fetch(http).await?;
                let header = fresh.header.clone();
                *held = Some(fresh);
                header
            }
        };
        Ok(vec![(AUTHORIZATION, header)])
    }
}
