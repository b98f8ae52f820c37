//! An identity provider (OpenID Connect) that vouches for whom it is told to, and lies on command.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http_body_util::Full;
use hyper::http::request::Parts;
use hyper::{Response, StatusCode, header};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::served::{Reply, Served};

/// What it calls the server under test.
pub const CLIENT_ID: &str = "docmill";

/// What the server under test proves itself with.
pub const CLIENT_SECRET: &str = "a secret of two";

/// What is wrong about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lie {
    /// Nothing.
    #[default]
    None,
    /// It belongs to another sign-in.
    OtherNonce,
    /// It was made for another program.
    OtherAudience,
    /// Another provider is said to have made it.
    OtherIssuer,
    /// It ended an hour ago.
    Expired,
    /// A key signed it that the provider does not publish.
    OtherKey,
    /// Nobody signed it.
    Unsigned,
    /// The provider has a new key and publishes only that: no lie.
    NewKey,
}

/// A running provider; stops when dropped.
#[derive(Debug)]
pub struct IdentityProvider {
    served: Served,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    issuer: String,
    desk: Mutex<Desk>,
}

#[derive(Debug)]
struct Desk {
    claims: Value,
    lie: Lie,
    keys: [EcdsaKeyPair; 2],
    current: usize,
    codes: HashMap<String, Asked>,
}

/// What was asked before a code was given.
#[derive(Debug)]
struct Asked {
    nonce: String,
    challenge: String,
    redirect: String,
}

impl IdentityProvider {
    /// Starts on a free port.
    ///
    /// # Errors
    /// When no port or no key can be had.
    pub fn start() -> io::Result<Self> {
        let keys = [key()?, key()?];
        let mut made = None;
        let served = Served::start(|address| {
            let state = Arc::new(State {
                issuer: format!("http://{address}/realms/test"),
                desk: Mutex::new(Desk {
                    claims: json!({}),
                    lie: Lie::None,
                    keys,
                    current: 0,
                    codes: HashMap::new(),
                }),
            });
            made = Some(Arc::clone(&state));
            move |head: &Parts, body: &Bytes| answer(&state, head, body)
        })?;
        let state = made.ok_or_else(|| io::Error::other("no server was made"))?;
        Ok(Self { served, state })
    }

    /// What the server under test is given.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.state.issuer
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.served.address()
    }

    /// Whom it vouches for from now on: claims beside those every token has.
    pub fn vouch_for(&self, claims: Value) {
        self.state.desk().claims = claims;
    }

    /// What is wrong about the tokens it makes from now on.
    pub fn lie(&self, lie: Lie) {
        let mut desk = self.state.desk();
        desk.lie = lie;
        if lie == Lie::NewKey {
            desk.current = 1 - desk.current;
        }
    }
}

impl State {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn root(&self) -> &str {
        self.issuer.trim_end_matches("/realms/test")
    }
}

fn key() -> io::Result<EcdsaKeyPair> {
    let random = SystemRandom::new();
    let wrong = |_| io::Error::other("no key can be made");
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(wrong)?;
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random)
        .map_err(|error| io::Error::other(error.to_string()))
}

fn answer(state: &State, head: &Parts, body: &Bytes) -> Reply {
    match head.uri.path() {
        "/realms/test/.well-known/openid-configuration" => said(StatusCode::OK, &about(state)),
        "/jwks" => said(StatusCode::OK, &published(&state.desk())),
        "/authorize" => authorize(state, head.uri.query().unwrap_or_default()),
        "/token" => {
            let proof = head.headers.get(header::AUTHORIZATION);
            let proof = proof.and_then(|value| value.to_str().ok());
            token(state, proof, body)
        }
        _ => said(StatusCode::NOT_FOUND, &json!({ "error": "not_found" })),
    }
}

fn said(status: StatusCode, value: &Value) -> Reply {
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn refused(error: &str) -> Reply {
    said(StatusCode::BAD_REQUEST, &json!({ "error": error }))
}

fn about(state: &State) -> Value {
    let root = state.root();
    json!({
        "issuer": state.issuer,
        "authorization_endpoint": format!("{root}/authorize"),
        "token_endpoint": format!("{root}/token"),
        "jwks_uri": format!("{root}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": ["openid", "profile", "email"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
    })
}

fn published(desk: &Desk) -> Value {
    let point = desk.keys[desk.current].public_key().as_ref();
    // Uncompressed: a byte that says so, then both coordinates.
    let (x, y) = (&point[1..33], &point[33..65]);
    json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": format!("key-{}", desk.current),
        "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
    }] })
}

fn authorize(state: &State, query: &str) -> Reply {
    let asked: BTreeMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let of = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let is_right = of("client_id") == CLIENT_ID
        && of("response_type") == "code"
        && of("code_challenge_method") == "S256"
        && of("scope").split(' ').any(|scope| scope == "openid");
    if !is_right || of("state").is_empty() || of("nonce").is_empty() {
        return refused("invalid_request");
    }
    let mut random = [0; 16];
    if SystemRandom::new().fill(&mut random).is_err() {
        return refused("server_error");
    }
    let code = URL_SAFE_NO_PAD.encode(random);
    let answer = form_urlencoded::Serializer::new(String::new())
        .append_pair("code", &code)
        .append_pair("state", &of("state"))
        .append_pair("iss", &state.issuer)
        .append_pair("session_state", "what some providers add")
        .finish();
    let location = format!("{}?{answer}", of("redirect_uri"));
    state.desk().codes.insert(
        code,
        Asked {
            nonce: of("nonce"),
            challenge: of("code_challenge"),
            redirect: of("redirect_uri"),
        },
    );
    let mut response = said(StatusCode::FOUND, &json!({}));
    if let Ok(location) = header::HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn token(state: &State, proof: Option<&str>, body: &[u8]) -> Reply {
    let given: BTreeMap<String, String> = form_urlencoded::parse(body).into_owned().collect();
    let of = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
    // Both parts are form-encoded before they are joined (RFC 6749, 2.3.1).
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let expected = format!("{}:{}", encoded(CLIENT_ID), encoded(CLIENT_SECRET));
    if proof != Some(&format!("Basic {}", STANDARD.encode(expected))) {
        return said(StatusCode::UNAUTHORIZED, &json!({ "error": "invalid_client" }));
    }
    let mut desk = state.desk();
    // A code is good once.
    let Some(asked) = desk.codes.remove(of("code")) else {
        return refused("invalid_grant");
    };
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, of("code_verifier").as_bytes()));
    if challenge != asked.challenge || of("redirect_uri") != asked.redirect {
        return refused("invalid_grant");
    }
    match id_token(state, &desk, &asked.nonce) {
        Some(id_token) => said(
            StatusCode::OK,
            &json!({ "access_token": "opens nothing here", "token_type": "Bearer", "expires_in": 300, "id_token": id_token }),
        ),
        None => refused("server_error"),
    }
}

fn id_token(state: &State, desk: &Desk, nonce: &str) -> Option<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    let lie = desk.lie;
    let or = |is_lie: Lie, lied: &str, true_one: &str| if lie == is_lie { lied } else { true_one }.to_owned();
    let ends = if lie == Lie::Expired {
        now - 3600
    } else {
        now + 300
    };
    let mut claims = json!({
        "iss": or(Lie::OtherIssuer, "https://evil.example", &state.issuer),
        "aud": or(Lie::OtherAudience, "another program", CLIENT_ID),
        "nonce": or(Lie::OtherNonce, "of another sign-in", nonce),
        "sub": "person-1", "iat": now.min(ends), "exp": ends, "auth_time": now, "updated_at": now,
    });
    if let (Some(claims), Some(more)) = (claims.as_object_mut(), desk.claims.as_object()) {
        claims.extend(more.clone());
    }
    let algorithm = if lie == Lie::Unsigned { "none" } else { "ES256" };
    let head = json!({ "alg": algorithm, "typ": "JWT", "kid": format!("key-{}", desk.current) });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&head), part(&claims));
    if lie == Lie::Unsigned {
        return Some(format!("{text}."));
    }
    let signer = if lie == Lie::OtherKey {
        1 - desk.current
    } else {
        desk.current
    };
    let signature = desk.keys[signer]
        .sign(&SystemRandom::new(), text.as_bytes())
        .ok()?;
    Some(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
