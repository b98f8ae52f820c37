//! Who may call: a key in whichever header, a token from the OAuth endpoints, or a signature of
//! AWS. Written by the providers' documentation, independently of docmill.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hyper::http::request::Parts;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use ring::{digest, hmac};
use serde_json::{Value, json};

/// The private key of the stand-in's service account, made for tests and good for nothing else.
pub const SERVICE_ACCOUNT_KEY: &str = include_str!("service-account-key.pem");

/// The id of the stand-in's AWS key and of its OAuth clients; the secret is the stand-in's key.
pub const CLIENT_ID: &str = "stand-in-client";

/// What Google and Entra are asked for.
const SCOPES: [&str; 2] = [
    "https://www.googleapis.com/auth/cloud-platform",
    "https://cognitiveservices.azure.com/.default",
];

/// Google's token endpoint.
const GOOGLE: &str = "https://oauth2.googleapis.com/token";

/// Whether a request brings the key, wherever its protocol puts it.
pub(super) fn lets_in(key: &str, head: &Parts, body: &[u8]) -> bool {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = header("authorization").unwrap_or_default();
    if let Some(signature) = authorization.strip_prefix("AWS4-HMAC-SHA256 ") {
        return is_signed(key, head, body, signature);
    }
    let in_query = head.uri.query().and_then(|query| query.strip_prefix("key="));
    [
        authorization.strip_prefix("Bearer "),
        header("x-api-key"),
        header("x-goog-api-key"),
        header("api-key"),
        in_query,
    ]
    .contains(&Some(key))
}

/// An OAuth token endpoint: the stand-in's key is the token. `None`: there is no such endpoint.
pub(super) fn token(key: &str, host: &str, path: &str, form: &[u8]) -> Option<(u16, Value)> {
    if path != "/token" && !path.ends_with("/oauth2/v2.0/token") {
        return None;
    }
    let field = |name: &str| {
        let mut pairs = form_urlencoded::parse(form);
        pairs
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.into_owned())
    };
    let has = |name: &str, value: &str| field(name).as_deref() == Some(value);
    let is_client = has("client_id", CLIENT_ID) && has("client_secret", key);
    let is_granted = match field("grant_type").unwrap_or_default().as_str() {
        "client_credentials" => {
            is_client && field("scope").is_some_and(|scope| SCOPES.contains(&scope.as_str()))
        }
        "refresh_token" => is_client && has("refresh_token", key),
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
            let assertion = field("assertion").unwrap_or_default();
            is_stated(&assertion, &format!("http://{host}{path}")).is_some()
        }
        _ => return Some((400, json!({"error": "unsupported_grant_type"}))),
    };
    Some(if is_granted {
        (
            200,
            json!({"access_token": key, "token_type": "Bearer", "expires_in": 3599}),
        )
    } else {
        (
            401,
            json!({"error": "invalid_client", "error_description": "who are you?"}),
        )
    })
}

/// A statement of the service account (RFC 7523), signed with RS256, for this address, now.
fn is_stated(statement: &str, audience: &str) -> Option<()> {
    let (signed, signature) = statement.rsplit_once('.')?;
    let (head, claims) = signed.split_once('.')?;
    let decoded =
        |part: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok() };
    let (head, claims) = (decoded(head)?, decoded(claims)?);
    let base64: String = SERVICE_ACCOUNT_KEY
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).ok()?).ok()?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public())
        .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?)
        .ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    let at = |name: &str| claims.get(name).and_then(Value::as_u64);
    let is_now = at("iat")? <= now + 60 && at("exp")? > now && at("exp")? <= at("iat")? + 3600;
    let is_ours = head.get("alg")? == "RS256"
        // Google's own clients name Google's address, wherever they send it.
        && [audience, GOOGLE].contains(&claims.get("aud")?.as_str()?)
        && SCOPES.contains(&claims.get("scope")?.as_str()?);
    (is_now && is_ours).then_some(())
}

/// Signature Version 4: whatever headers the client says that it signed.
fn is_signed(secret: &str, head: &Parts, body: &[u8], authorization: &str) -> bool {
    let part = |name: &str| {
        let mut parts = authorization.split(',').map(str::trim);
        parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    };
    let (Some(credential), Some(names), Some(signature)) =
        (part("Credential"), part("SignedHeaders"), part("Signature"))
    else {
        return false;
    };
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let Some((id, scope)) = credential.split_once('/') else {
        return false;
    };
    let Some(time) = header("x-amz-date") else {
        return false;
    };
    if !["host", "x-amz-date"]
        .iter()
        .all(|name| names.split(';').any(|signed| signed == *name))
    {
        return false;
    }
    let mut canonical = format!(
        "{}\n{}\n{}\n",
        head.method,
        encoded(head.uri.path()),
        head.uri.query().unwrap_or_default()
    );
    for name in names.split(';') {
        let _ = writeln!(canonical, "{name}:{}", header(name).unwrap_or_default().trim());
    }
    let _ = write!(canonical, "\n{names}\n{}", sha256(body));
    let text = format!(
        "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
        sha256(canonical.as_bytes())
    );
    let mut signing = format!("AWS4{secret}").into_bytes();
    for part in scope.split('/') {
        signing = keyed(&signing, part.as_bytes());
    }
    let is_scope =
        scope.starts_with(time.get(..8).unwrap_or("?")) && scope.ends_with("/bedrock/aws4_request");
    id == CLIENT_ID && is_scope && hex(&keyed(&signing, text.as_bytes())) == signature
}

/// A path as it is signed: encoded once more, but for its slashes.
fn encoded(path: &str) -> String {
    path.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(byte.into())
            }
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        out
    })
}

fn keyed(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text)
        .as_ref()
        .to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}
