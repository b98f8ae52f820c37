//! The guard: what every request goes through before it reaches a route. Names the server may be
//! called by (DNS rebinding), where requests may come from (CSRF), who asks and whether they may, and
//! the headers that keep a hostile file name text.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use docmill_core::access::{Role, Target};
use docmill_core::id::BatchId;
use docmill_store::Used;

use super::audit::{self, Note};
use super::caller::{Caller, Via};
use super::names::{self, Authority, Origin, Scheme};
use super::policy::{self, Need, On, Rule, Written};
use super::{keys, sessions, tries};
use crate::app::{App, Reach};
use crate::connections::Peer;
use crate::problem::Problem;
use crate::strict::Queries;

/// Scripts only from here, no frames, no other origin. Styles may be inline: the component
/// library positions things with them.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data: blob:; connect-src 'self'; font-src 'self' data:; object-src 'none'; \
    base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

/// What the guard works with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) app: App,
    pub(crate) queries: Arc<Queries>,
}

/// What is asked.
pub(crate) struct Asked {
    pub(crate) method: Method,
    /// The route's template below the server's own path, `/api/v1/batches/{batch}`; `None`: no route.
    pub(crate) route: Option<String>,
    pub(crate) uri: Uri,
    /// The parts of the path that the template names.
    pub(crate) parts: Vec<(String, String)>,
    /// From where.
    pub(crate) address: IpAddr,
}

impl Asked {
    /// A part of the path.
    pub(crate) fn part(&self, name: &str) -> Option<&str> {
        self.parts
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Checks a request before it reaches a route.
pub(crate) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let mut response = match pass(&guard, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(header::X_FRAME_OPTIONS, "DENY");
    if guard
        .app
        .config
        .public_url
        .as_ref()
        .is_some_and(names::PublicUrl::is_https)
    {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    // What is behind a key is nobody else's, and no cache's on the way.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn pass(guard: &Guard, request: Request, next: Next) -> Result<Response, Problem> {
    let app = &guard.app;
    let (mut parts, body) = request.into_parts();
    let headers = parts.headers.clone();
    let host = check_host(app, &parts.uri, &headers)?;
    check_origin(app, &parts.method, &host, &headers)?;
    let matched = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    let base = app.config.base_path.trim_end_matches('/');
    let below = |path: &str| path.strip_prefix(base).unwrap_or(path).to_owned();
    // What axum calls the routes that it makes itself.
    let route = matched.filter(|route| !route.contains("__private")).map(below);
    let rule = policy::rule(&parts.method, route.as_deref(), &below(parts.uri.path()));
    check_kind(&rule, &parts.method, &headers)?;
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
    let peer = peer.unwrap_or((Ipv4Addr::UNSPECIFIED, 0).into());
    let named = match RawPathParams::from_request_parts(&mut parts, &()).await {
        Ok(named) => named
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        Err(_) => Vec::new(),
    };
    let asked = Asked {
        method: parts.method.clone(),
        route,
        uri: parts.uri.clone(),
        parts: named,
        address: tries::address_of(peer, &headers, app.config.public_url.is_some()),
    };
    let caller = identify(app, &rule, &asked, &headers).await?;
    let _place = match rule.need {
        Need::Nothing => None,
        _ => Some(app.limits.requests.enter(&caller)?),
    };
    if let Err(problem) = authorise(app, &rule, &asked, &caller).await {
        audit::refused(app, &rule, &asked, &caller, &problem).await?;
        return Err(problem);
    }
    guard.queries.check(
        &asked.method,
        asked.route.as_deref().unwrap_or_default(),
        &asked.uri,
    )?;
    let note = Note::default();
    parts.extensions.insert(caller.clone());
    parts.extensions.insert(note.clone());
    parts.extensions.insert(Address(asked.address));
    let request = Request::from_parts(parts, body);
    if rule.written == Written::Nothing {
        return Ok(next.run(request).await);
    }
    let before = audit::snapshot(app, &asked, rule.written).await;
    let response = next.run(request).await;
    audit::answered(app, &rule, &asked, &caller, &note, before, response).await
}

/// Where a request is from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address(pub(crate) IpAddr);

/// A page elsewhere can make a browser ask this server by a name of its own; only names that are
/// meant are answered.
fn check_host(app: &App, uri: &Uri, headers: &HeaderMap) -> Result<Authority, Problem> {
    let unknown = |name: &str| {
        Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "unknown_host",
            format!("this server is not called {name:?}"),
        )
        .hint("start docmill serve with --host-name NAME or --public-url to let it be called so")
    };
    let Some(host) = names::host_of(uri, headers) else {
        let said = headers
            .get(header::HOST)
            .map(|host| String::from_utf8_lossy(host.as_bytes()));
        return Err(unknown(&said.unwrap_or_default()));
    };
    let own = app.config.address.ip();
    let name = host.host.as_str();
    let is_known = matches!(name, "localhost" | "127.0.0.1" | "::1")
        || (!own.is_unspecified() && name == own.to_string())
        || app
            .config
            .public_url
            .as_ref()
            .is_some_and(|url| url.host() == name)
        || app
            .config
            .hosts
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name));
    if is_known { Ok(host) } else { Err(unknown(name)) }
}

/// How the browser reaches us: what a proxy in front of us says. A page elsewhere cannot send that
/// header, and a program gains nothing by it.
fn scheme(app: &App, headers: &HeaderMap) -> Scheme {
    let forwarded = headers
        .get("x-forwarded-proto")
        .and_then(|scheme| scheme.to_str().ok());
    let is_https = match (forwarded, &app.config.public_url) {
        (Some(forwarded), _) => forwarded.trim().eq_ignore_ascii_case("https"),
        (None, Some(url)) => url.is_https(),
        (None, None) => false,
    };
    if is_https { Scheme::Https } else { Scheme::Http }
}

/// Whether the browser reaches us over TLS.
pub(crate) fn is_secure(app: &App, headers: &HeaderMap) -> bool {
    app.config
        .public_url
        .as_ref()
        .is_some_and(names::PublicUrl::is_https)
        || scheme(app, headers) == Scheme::Https
}

const fn only_asks(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// What changes something is taken only from pages of this server, or from programs, which send
/// neither an origin nor a cookie.
fn check_origin(app: &App, method: &Method, host: &Authority, headers: &HeaderMap) -> Result<(), Problem> {
    if only_asks(method) {
        return Ok(());
    }
    let foreign = || {
        Problem::new(
            StatusCode::FORBIDDEN,
            "foreign_origin",
            "a page of another site may not change anything here",
        )
        .hint("behind a proxy, docmill serve --public-url says where browsers find the server")
    };
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if site.is_some_and(|site| !matches!(site, b"same-origin" | b"none")) {
        return Err(foreign());
    }
    if !headers.contains_key(header::ORIGIN) {
        let is_browser = sessions::is_brought(headers) && site.is_none();
        return if is_browser { Err(foreign()) } else { Ok(()) };
    }
    let said = names::only(headers, &header::ORIGIN).and_then(Origin::parse);
    // Under its public name the server has that one origin, whatever port a proxy left of `Host`.
    let own = match &app.config.public_url {
        Some(url) if url.host() == host.host => url.origin().clone(),
        _ => Origin::new(scheme(app, headers), host),
    };
    if said == Some(own) { Ok(()) } else { Err(foreign()) }
}

/// A form of any page can send these kinds of bodies without asking first; nothing here takes them.
fn check_kind(rule: &Rule, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if only_asks(method) || rule.need == Need::Nothing && rule.written == Written::Nothing {
        return Ok(());
    }
    let kind = headers
        .get(header::CONTENT_TYPE)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    let kind = kind
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let is_form = [
        b"application/x-www-form-urlencoded".as_slice(),
        b"multipart/form-data",
        b"text/plain",
    ]
    .iter()
    .any(|form| kind.eq_ignore_ascii_case(form));
    if is_form {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "wrong_content_type",
            "a form is not taken here",
        )
        .hint("send JSON with content-type: application/json"));
    }
    Ok(())
}

/// Whether a key is asked for. Only the person at this machine needs none, and only until there
/// is a key; what comes through a proxy comes from somebody else.
pub(crate) async fn needs_key(app: &App, headers: &HeaderMap) -> Result<bool, Problem> {
    if app.config.reach == Reach::Others || is_forwarded(headers) {
        return Ok(true);
    }
    Ok(app.store().has_keys().await?)
}

/// Whether a proxy handed this request on.
fn is_forwarded(headers: &HeaderMap) -> bool {
    [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-real-ip",
        "via",
    ]
    .iter()
    .any(|name| headers.contains_key(*name))
}

async fn identify(app: &App, rule: &Rule, asked: &Asked, headers: &HeaderMap) -> Result<Caller, Problem> {
    let is_session = asked.uri.path().contains("/api/v1/session");
    if rule.need == Need::Nothing && !is_session {
        return Ok(Caller::nobody());
    }
    match who(app, headers).await? {
        Some(caller) => {
            if caller.via == Via::Key {
                app.tries.right(asked.address);
            }
            Ok(caller)
        }
        None if rule.need != Need::Nothing && bearer(headers).is_some() => Err(wrong_key(app, asked.address)),
        None => Ok(Caller::nobody()),
    }
}

/// Who asks with these headers.
pub(crate) async fn who(app: &App, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
    if !needs_key(app, headers).await? {
        return Ok(Some(Caller::this_machine()));
    }
    if let Some(given) = bearer(headers) {
        return with_key(app, given).await;
    }
    Ok(sessions::find(app, headers).await?.map(Caller::from))
}

/// Who holds this key.
pub(crate) async fn with_key(app: &App, given: &str) -> Result<Option<Caller>, Problem> {
    let now = app.now();
    let found = app.store().key_of(keys::hash(given)).await?;
    let Some(key) = found.filter(|key| key.is_valid(now)) else {
        return Ok(None);
    };
    let is_noted = key
        .used_at
        .is_some_and(|used| now.since_ms(used) < sessions::NOTED_MS);
    if !is_noted {
        app.store()
            .note_use(vec![Used::Key(key.name.clone())], now)
            .await?;
    }
    Ok(Some(key.into()))
}

/// What a wrong key is answered: that it is wrong, or, after several, that one must wait.
pub(crate) fn wrong_key(app: &App, address: IpAddr) -> Problem {
    let now = app.now();
    if let Err(wait) = app.tries.check(address, now) {
        return wait;
    }
    app.tries.wrong(address, now);
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "key_refused",
        "this is no key of this server, or not any more",
    )
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

async fn authorise(app: &App, rule: &Rule, asked: &Asked, caller: &Caller) -> Result<(), Problem> {
    if rule.need == Need::Nothing {
        return Ok(());
    }
    if !caller.is_known() || caller.role == Role::Nobody {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "key_needed",
            "this server asks for a key",
        )
        .hint("send it as a bearer token, or sign in on the dashboard"));
    }
    let (actions, on) = match &rule.need {
        Need::Nothing | Need::Known => return Ok(()),
        Need::May(action, on) => (std::slice::from_ref(action), *on),
        Need::MayOneOf(actions, on) => (*actions, *on),
    };
    for target in targets(app, asked, caller, on).await? {
        let mut refused = None;
        let allowed = actions.iter().any(|action| match caller.may(*action, target) {
            Ok(()) => true,
            Err(problem) => {
                refused.get_or_insert(problem);
                false
            }
        });
        if let (false, Some(problem)) = (allowed, refused) {
            return Err(problem);
        }
    }
    Ok(())
}

/// What a request is about. Only for a key that is limited to batches it must be looked up.
async fn targets(app: &App, asked: &Asked, caller: &Caller, on: On) -> Result<Vec<Target>, Problem> {
    if caller.scope.batches.is_none() {
        return Ok(vec![Target::Everything]);
    }
    Ok(match on {
        On::Common => vec![Target::Common],
        On::Filtered => vec![Target::Filtered],
        On::Everything => vec![Target::Everything],
        On::Batch => vec![Target::Batch(full_id(asked.part("batch").unwrap_or_default())?)],
        On::Job => {
            let number = asked.part("job").and_then(|number| number.parse().ok());
            let job = match number {
                Some(number) => app.store().job(number).await?,
                None => None,
            };
            let job = job.ok_or_else(|| Problem::not_found("there is no such job"))?;
            vec![Target::Batch(job.batch)]
        }
        On::Query => {
            let query = asked.uri.query().unwrap_or_default();
            let named = query.split('&').find_map(|pair| pair.strip_prefix("batch="));
            match named.filter(|named| !named.is_empty()) {
                Some(named) => named
                    .split("%2C")
                    .flat_map(|part| part.split(','))
                    .map(|part| full_id(part).map(Target::Batch))
                    .collect::<Result<_, _>>()?,
                None => vec![Target::Everything],
            }
        }
    })
}

/// A key of certain batches names them by their ids: a name can come to mean another batch.
fn full_id(text: &str) -> Result<BatchId, Problem> {
    text.parse().map_err(|_| {
        Problem::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "a key that is limited to batches names them by their full ids",
        )
    })
}
