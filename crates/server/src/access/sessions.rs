//! Sessions: what a browser holds after signing in. It is a random token that opens nothing but
//! this session, here and for a while; the store keeps only its hash.

use axum::http::{HeaderMap, HeaderValue, header};
use docmill_core::access::{Role, Scope};
use docmill_core::time::Timestamp;
use docmill_store::{SessionRow, Sessions, StoreError, Used};

use super::keys;
use crate::app::App;

/// The cookie of a signed-in browser.
const COOKIE: &str = "docmill_session";

/// Uses closer together than this are not written down: a minute is exact enough, and a page that
/// is looked at asks several times a second.
pub(super) const NOTED_MS: i64 = 60_000;

/// Who signed in.
pub(crate) struct SignedIn {
    pub(crate) name: String,
    pub(crate) key: Option<String>,
    pub(crate) role: Role,
    pub(crate) scope: Scope,
    pub(crate) key_expires_at: Option<Timestamp>,
}

/// Opens a session and returns its cookie. The one this browser had before ends: a token never
/// outlives a sign-in.
pub(crate) async fn open(
    app: &App,
    headers: &HeaderMap,
    who: SignedIn,
    is_secure: bool,
) -> Result<(SessionRow, HeaderValue), StoreError> {
    let now = app.now();
    if let Some(before) = token(headers) {
        app.store()
            .end_sessions(Sessions::One(keys::hash(before)))
            .await?;
    }
    let lifetime = app.config.lifetime;
    // Those nobody will come back to.
    let over = Sessions::Over {
        opened: now.plus_ms(-lifetime.absolute_ms),
        used: now.plus_ms(-lifetime.idle_ms),
    };
    app.store().end_sessions(over).await?;
    let token = keys::secret()?;
    let session = SessionRow {
        hash: keys::hash(&token),
        name: who.name,
        key: who.key,
        role: who.role,
        scope: who.scope,
        opened_at: now,
        used_at: now,
        key_expires_at: who.key_expires_at,
    };
    app.store().open_session(session.clone()).await?;
    let seconds = lifetime.absolute_ms / 1000;
    Ok((session, cookie(&token, seconds, is_secure)))
}

/// The session of a request, while it lasts.
pub(crate) async fn find(app: &App, headers: &HeaderMap) -> Result<Option<SessionRow>, StoreError> {
    let Some(token) = token(headers) else {
        return Ok(None);
    };
    let found = app.store().session(keys::hash(token)).await?;
    let now = app.now();
    let Some(session) = found.filter(|session| is_valid(app, session, now)) else {
        return Ok(None);
    };
    if now.since_ms(session.used_at) >= NOTED_MS {
        let mut used = vec![Used::Session(session.hash)];
        used.extend(session.key.clone().map(Used::Key));
        app.store().note_use(used, now).await?;
    }
    Ok(Some(session))
}

fn is_valid(app: &App, session: &SessionRow, now: Timestamp) -> bool {
    now < end(app, session)
}

/// When a session ends if it is not used again.
pub(crate) fn end(app: &App, session: &SessionRow) -> Timestamp {
    let end = app.config.lifetime.end(session.opened_at, session.used_at);
    let vouched = match (&session.key, &app.oidc) {
        (Some(_), _) => session.key_expires_at,
        // Then the identity provider is asked again: roles change over there.
        (None, Some(provider)) => Some(session.opened_at.plus_ms(provider.lasts_ms())),
        // Nobody vouches for them any more.
        (None, None) => Some(session.opened_at),
    };
    vouched.map_or(end, |vouched| end.min(vouched))
}

/// Whether the request brings a session's cookie, valid or not.
pub(super) fn is_brought(headers: &HeaderMap) -> bool {
    token(headers).is_some()
}

fn token(headers: &HeaderMap) -> Option<&str> {
    cookie_of(headers, COOKIE)
}

/// The value of a cookie.
pub(super) fn cookie_of<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value)
}

/// No script reads it, no other site sends it, and once it came over TLS it goes over nothing else.
fn cookie(token: &str, seconds: i64, is_secure: bool) -> HeaderValue {
    let secure = if is_secure { "; Secure" } else { "" };
    let text = format!("{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}");
    // A token has only letters and digits.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// Takes the cookie away.
pub(crate) fn no_cookie(is_secure: bool) -> HeaderValue {
    cookie("", 0, is_secure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_for_this_server_and_its_pages_only() {
        let text = |secure| cookie("abc", 60, secure).to_str().unwrap().to_owned();
        assert_eq!(
            text(true),
            "docmill_session=abc; HttpOnly; SameSite=Strict; Path=/; Max-Age=60; Secure"
        );
        assert!(!text(false).contains("Secure"));
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            HeaderValue::from_static("a=1; docmill_session=xyz; b=2"),
        );
        assert_eq!(token(&headers), Some("xyz"));
    }
}
