//! Single sign-on: an identity provider vouches for people (OpenID Connect, authorization code with
//! PKCE). What they may do follows from a claim of theirs, by the table the server was started with;
//! who is in none of its rows may do nothing.
//!
//! What has to be remembered between the two halves of a sign-in travels sealed in a cookie of the
//! browser that began it: nothing is kept for people who never come back, and an answer that was
//! meant for another browser is refused.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use docmill_core::access::Role;
use docmill_core::outbound::Reach;
use docmill_core::time::Timestamp;
use http_body_util::{BodyExt as _, Full, Limited};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreResponseType,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AuthenticationFlow, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IdTokenClaims, IdTokenFields, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    StandardErrorResponse, StandardTokenResponse, TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::sessions;
use crate::outward::{self, HttpClient};
use crate::seal::Seal;

/// The cookie of a sign-in that was begun.
const COOKIE: &str = "docmill_sign_in";

/// What it is sealed as.
const SEALED_AS: &str = "sign-in";

/// How long a person may take to sign in over there.
const PATIENCE_MS: i64 = 10 * 60 * 1000;

/// How long what the provider says about itself is taken for true. Keys that are not known are
/// looked for at once.
const KNOWN_FOR: Duration = Duration::from_secs(3600);

/// Largest answer of a provider.
const LARGEST: usize = 1 << 20;

/// How people sign in somewhere else.
#[derive(Clone)]
pub struct OidcOptions {
    /// Who vouches: `https://login.example.org/realms/docs`.
    pub issuer: String,
    /// What the provider calls this server.
    pub client_id: String,
    /// What proves to the provider that it is this server; `None`: a public client.
    pub client_secret: Option<String>,
    /// Where the provider sends people back to.
    pub redirect_url: String,
    /// The claim that says what people may do: a text or a list of texts.
    pub claim: String,
    /// Which value of it gives which role; `*` is everybody the provider vouches for.
    pub roles: Vec<(String, Role)>,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// How long it lasts until the provider is asked again, in milliseconds.
    pub lasts_ms: i64,
}

impl std::fmt::Debug for OidcOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OidcOptions")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// Claims that no standard knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims(Map<String, Value>);

impl AdditionalClaims for Claims {}

type Tokens = StandardTokenResponse<
    IdTokenFields<
        Claims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

type Asking = Client<
    Claims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why somebody was not signed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotSignedIn {
    /// The provider cannot be asked, or does not answer as it should.
    #[error("the identity provider cannot be asked: {0}")]
    Unreachable(String),
    /// It said no, or the person did.
    #[error("the identity provider refused: {0}")]
    Denied(String),
    /// Nobody here began this, or too long ago, or in another browser.
    #[error("the sign-in was not begun in this browser, or too long ago")]
    NotBegun,
    /// What the provider said does not hold.
    #[error("what the identity provider said is not valid: {0}")]
    Invalid(String),
    /// They are who they say, and may do nothing here.
    #[error("{name} is known, but no value of their claim {claim:?} gives a role here")]
    NoRole {
        /// Who.
        name: String,
        /// The claim that was looked at.
        claim: String,
    },
}

impl NotSignedIn {
    /// A word for it, for the page.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Denied(_) => "denied",
            Self::NotBegun => "expired",
            Self::Invalid(_) => "invalid",
            Self::NoRole { .. } => "no_role",
        }
    }
}

/// Who the provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The provider's own name for them, which never changes.
    pub(crate) subject: String,
}

/// What is remembered between the two halves.
#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    state: String,
    nonce: String,
    verifier: String,
    to: String,
    at: i64,
}

/// An identity provider. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Oidc {
    options: Arc<OidcOptions>,
    client: HttpClient,
    known: Arc<Mutex<Option<(Instant, CoreProviderMetadata)>>>,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct SendError(String);

impl Oidc {
    /// With these options. Nobody is asked before somebody signs in.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub(crate) fn new(options: OidcOptions) -> std::io::Result<Self> {
        Ok(Self {
            options: Arc::new(options),
            // Who started the server chose the address.
            client: outward::client(Reach::Anywhere)?,
            known: Arc::default(),
        })
    }

    /// Who vouches, as a name for a button: the host.
    pub(crate) fn name(&self) -> String {
        let issuer = &self.options.issuer;
        let rest = issuer.split_once("://").map_or(issuer.as_str(), |(_, rest)| rest);
        rest.split(['/', ':']).next().unwrap_or(rest).to_owned()
    }

    /// How long a sign-in lasts, in milliseconds.
    pub(crate) fn lasts_ms(&self) -> i64 {
        self.options.lasts_ms
    }

    /// Begins a sign-in: where the browser goes, and the cookie that it brings back.
    pub(crate) async fn begin(
        &self,
        seal: &Seal,
        to: &str,
        now: Timestamp,
        is_secure: bool,
    ) -> Result<(String, HeaderValue), NotSignedIn> {
        let asking = self.asking(false).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = asking
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(self.options.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge)
            .url();
        let begun = Begun {
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
            to: to.to_owned(),
            at: now.0,
        };
        let broken = |error: &dyn std::fmt::Display| NotSignedIn::Unreachable(error.to_string());
        let text = serde_json::to_string(&begun).map_err(|error| broken(&error))?;
        let sealed = seal.close(SEALED_AS, &text).map_err(|error| broken(&error))?;
        Ok((url.into(), cookie(&sealed, PATIENCE_MS / 1000, is_secure)))
    }

    /// Ends a sign-in with what the provider sent back: who it is, and where they wanted to go.
    pub(crate) async fn end(
        &self,
        seal: &Seal,
        headers: &HeaderMap,
        state: Option<&str>,
        issuer: Option<&str>,
        answer: Result<&str, String>,
        now: Timestamp,
    ) -> Result<(Person, String), NotSignedIn> {
        let begun = sessions::cookie_of(headers, COOKIE)
            .and_then(|sealed| seal.open(SEALED_AS, sealed).ok())
            .and_then(|text| serde_json::from_str::<Begun>(&text).ok())
            .filter(|begun| state == Some(&begun.state))
            .filter(|begun| (0..PATIENCE_MS).contains(&now.since_ms(Timestamp(begun.at))))
            .ok_or(NotSignedIn::NotBegun)?;
        // RFC 9207: an answer of another provider is not for us.
        if issuer.is_some_and(|issuer| issuer != self.options.issuer) {
            return Err(NotSignedIn::Invalid("it is another provider's answer".to_owned()));
        }
        let code = answer.map_err(NotSignedIn::Denied)?;
        let asking = self.asking(false).await?;
        let tokens = asking
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error| NotSignedIn::Unreachable(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(begun.verifier))
            .request_async(&self.sending())
            .await
            .map_err(|error| match error {
                openidconnect::RequestTokenError::ServerResponse(said) => {
                    NotSignedIn::Denied(said.to_string())
                }
                error => NotSignedIn::Unreachable(outward::cause(&error)),
            })?;
        let token = tokens
            .id_token()
            .ok_or_else(|| NotSignedIn::Invalid("it sent no ID token".to_owned()))?;
        let nonce = Nonce::new(begun.nonce);
        let first = token.claims(&asking.id_token_verifier(), &nonce);
        let claims = match first {
            Ok(claims) => claims.clone(),
            // Its keys may be new ones.
            Err(openidconnect::ClaimsVerificationError::SignatureVerification(_)) => {
                let asking = self.asking(true).await?;
                let again = token.claims(&asking.id_token_verifier(), &nonce);
                again.map_err(|error| invalid(&error))?.clone()
            }
            Err(error) => return Err(invalid(&error)),
        };
        Ok((self.person(&claims)?, begun.to))
    }

    fn person(&self, claims: &IdTokenClaims<Claims, CoreGenderClaim>) -> Result<Person, NotSignedIn> {
        let subject = claims.subject().as_str().to_owned();
        // An address that nobody checked could be anybody's; some providers let people type any, and
        // say nothing about it.
        let email = claims
            .email()
            .filter(|_| claims.email_verified() == Some(true))
            .map(|email| email.as_str());
        let preferred = claims.preferred_username().map(|name| name.as_str());
        let name = email.or(preferred).unwrap_or(&subject);
        let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
        let others = &claims.additional_claims().0;
        let role = role(&self.options, others, &subject, email).ok_or_else(|| NotSignedIn::NoRole {
            name: name.clone(),
            claim: self.options.claim.clone(),
        })?;
        Ok(Person { name, role, subject })
    }

    async fn asking(&self, anew: bool) -> Result<Asking, NotSignedIn> {
        let options = &self.options;
        let metadata = self.metadata(anew).await?;
        let redirect = RedirectUrl::new(options.redirect_url.clone());
        let redirect = redirect.map_err(|error| NotSignedIn::Unreachable(error.to_string()))?;
        Ok(Asking::from_provider_metadata(
            metadata,
            ClientId::new(options.client_id.clone()),
            options.client_secret.clone().map(ClientSecret::new),
        )
        .set_redirect_uri(redirect))
    }

    /// What the provider says about itself, and its keys.
    async fn metadata(&self, anew: bool) -> Result<CoreProviderMetadata, NotSignedIn> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, metadata)) = known
            && !anew
            && at.elapsed() < KNOWN_FOR
        {
            return Ok(metadata);
        }
        let issuer = IssuerUrl::new(self.options.issuer.clone());
        let issuer = issuer.map_err(|error| NotSignedIn::Unreachable(error.to_string()))?;
        let found = CoreProviderMetadata::discover_async(issuer, &self.sending()).await;
        let found = found.map_err(|error| NotSignedIn::Unreachable(outward::cause(&error)))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((Instant::now(), found.clone()));
        Ok(found)
    }

    /// How requests are sent.
    fn sending(
        &self,
    ) -> impl Fn(HttpRequest) -> futures::future::BoxFuture<'static, Result<HttpResponse, SendError>> + use<>
    {
        let client = self.client.clone();
        move |request| {
            let client = client.clone();
            Box::pin(async move {
                let (parts, body) = request.into_parts();
                let request = hyper::Request::from_parts(parts, Full::new(Bytes::from(body)));
                let sending = async {
                    let response = client.request(request).await;
                    let (parts, body) = response
                        .map_err(|error| SendError(outward::cause(&error)))?
                        .into_parts();
                    let body = Limited::new(body, LARGEST).collect().await;
                    let body = body.map_err(|error| SendError(error.to_string()))?.to_bytes();
                    Ok(HttpResponse::from_parts(parts, body.to_vec()))
                };
                match tokio::time::timeout(outward::LIMIT, sending).await {
                    Ok(answer) => answer,
                    Err(_) => Err(SendError("no answer in time".to_owned())),
                }
            })
        }
    }
}

fn invalid(error: &(dyn std::error::Error + 'static)) -> NotSignedIn {
    NotSignedIn::Invalid(format!("{error}: {}", outward::cause(error)))
}

/// The highest role that a value of the claim gives.
fn role(
    options: &OidcOptions,
    claims: &Map<String, Value>,
    subject: &str,
    email: Option<&str>,
) -> Option<Role> {
    let values: Vec<&str> = match options.claim.as_str() {
        "sub" => vec![subject],
        "email" => email.into_iter().collect(),
        claim => match at(claims, claim) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        },
    };
    let given = |value: &str| value == "*" || values.contains(&value);
    options
        .roles
        .iter()
        .filter(|(value, _)| given(value))
        .map(|(_, role)| *role)
        .max()
}

/// A claim by its name, or inside of others: Keycloak has `realm_access.roles`.
fn at<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    at(claims.get(first)?.as_object()?, rest)
}

/// Whether a browser may be sent there: a place on this server.
pub(crate) fn is_local(to: &str) -> bool {
    to.starts_with('/')
        && !to.starts_with("//")
        && to.len() <= 2048
        && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// It must come along when the provider sends the browser back, so it is not `Strict`.
fn cookie(value: &str, seconds: i64, is_secure: bool) -> HeaderValue {
    let secure = if is_secure { "; Secure" } else { "" };
    let text = format!("{COOKIE}={value}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}{secure}");
    // What was sealed has letters, digits and +/=: only.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// Takes the cookie away: a sign-in ends once.
pub(crate) fn no_cookie(is_secure: bool) -> HeaderValue {
    cookie("", 0, is_secure)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn options(claim: &str, roles: &[(&str, Role)]) -> OidcOptions {
        OidcOptions {
            issuer: "https://login.example.org:8443/realms/docs".to_owned(),
            client_id: "docmill".to_owned(),
            client_secret: None,
            redirect_url: "https://docs.example.org/api/v1/session/oidc/callback".to_owned(),
            claim: claim.to_owned(),
            roles: roles
                .iter()
                .map(|(value, role)| ((*value).to_owned(), *role))
                .collect(),
            scopes: Vec::new(),
            lasts_ms: 1,
        }
    }

    #[test]
    fn the_highest_role_of_the_claim_counts_and_nothing_else_gives_one() {
        let of = |claim: &str, roles: &[(&str, Role)], claims: Value| {
            let claims = claims.as_object().unwrap().clone();
            role(&options(claim, roles), &claims, "id-1", Some("ada@example.org"))
        };
        let table = [("staff", Role::Viewer), ("boss", Role::Admin)];
        assert_eq!(
            of("groups", &table, json!({"groups": ["staff", "boss"]})),
            Some(Role::Admin)
        );
        assert_eq!(
            of("groups", &table, json!({"groups": "staff"})),
            Some(Role::Viewer)
        );
        assert_eq!(
            of("groups", &table, json!({"groups": ["*", "Boss", "boss "]})),
            None
        );
        assert_eq!(of("groups", &table, json!({"other": ["boss"]})), None);
        assert_eq!(of("groups", &table, json!({"groups": {"boss": true}})), None);
        assert_eq!(
            of("groups", &[("*", Role::Viewer)], json!({})),
            Some(Role::Viewer)
        );
        let deep = json!({"realm_access": {"roles": ["boss"]}});
        assert_eq!(of("realm_access.roles", &table, deep), Some(Role::Admin));
        let url = json!({"https://example.org/roles": ["boss"]});
        assert_eq!(of("https://example.org/roles", &table, url), Some(Role::Admin));
        assert_eq!(
            of("email", &[("ada@example.org", Role::Operator)], json!({})),
            Some(Role::Operator)
        );
        assert_eq!(
            of("sub", &[("id-1", Role::Operator)], json!({})),
            Some(Role::Operator)
        );
    }

    #[test]
    fn a_browser_is_sent_to_this_server_only() {
        for to in ["/", "/docmill/batches/1?state=failed&q=a%20b"] {
            assert!(is_local(to), "{to}");
        }
        for to in [
            "",
            "batches",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a b",
            "/a\r\nb",
        ] {
            assert!(!is_local(to), "{to:?}");
        }
    }
}
