//! The guard: who may ask what. Names the server may be called by (DNS rebinding),
//! where requests may come from (CSRF), keys and their roles, and the headers that
//! keep a hostile file name text.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::{App, Reach};
use crate::keys::{self, Role};
use crate::problem::Problem;

/// Scripts only from here, no frames, no other origin. Styles may be inline: the component
/// library positions things with them.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data: blob:; connect-src 'self'; font-src 'self' data:; object-src 'none'; \
    base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

/// Who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Their name, for histories.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// Checks a request before it reaches a route.
pub async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let headers = request.headers().clone();
    let mut response = match check(&app, &method, &path, &headers).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(header::X_FRAME_OPTIONS, "DENY");
    response
}

async fn check(app: &App, method: &Method, path: &str, headers: &HeaderMap) -> Result<Caller, Problem> {
    check_host(app, headers)?;
    check_origin(method, headers)?;
    let caller = identify(app, path, headers).await?;
    let needed = needed_role(method, path);
    if caller.role < needed {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            format!("{} is a {}, and this needs a {needed}", caller.name, caller.role),
        ));
    }
    Ok(caller)
}

/// A page elsewhere can make a browser ask this server by a name of its own; only names that are
/// meant are answered.
fn check_host(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = host_name(host);
    let own = app.config.address.ip().to_string();
    let is_known = matches!(name, "localhost" | "127.0.0.1" | "::1")
        || name == own
        || app
            .config
            .hosts
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name));
    if is_known {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "unknown_host",
        format!("this server is not called {name:?}"),
    )
    .hint("start docmill serve with --host-name NAME to let it be called so"))
}

/// A host without its port.
fn host_name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

/// What changes something is taken only from pages of this server, or from programs, which
/// send no origin.
fn check_origin(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let foreign = || {
        Problem::new(
            StatusCode::FORBIDDEN,
            "foreign_origin",
            "a page of another site may not change anything here",
        )
    };
    if let Some(site) = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok())
        && !matches!(site, "same-origin" | "none")
    {
        return Err(foreign());
    }
    let Some(origin) = text(header::ORIGIN) else {
        return Ok(());
    };
    let from = origin.split_once("://").map_or(origin, |(_, host)| host);
    let host = text(header::HOST).unwrap_or_default();
    // Behind a proxy the host may come without the port the browser sees.
    if from == host || host_name(from) == host_name(host) {
        return Ok(());
    }
    Err(foreign())
}

/// Whether a key is asked for. Only the person at this machine needs none, and only until there
/// is a key; what comes through a proxy comes from somebody else.
pub(crate) async fn needs_key(app: &App, headers: &HeaderMap) -> Result<bool, Problem> {
    if app.config.reach == Reach::Others || is_forwarded(headers) {
        return Ok(true);
    }
    Ok(!keys::names(app.store()).await?.is_empty())
}

/// Whether a proxy handed this request on.
fn is_forwarded(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"]
        .iter()
        .any(|name| headers.contains_key(*name))
}

async fn identify(app: &App, path: &str, headers: &HeaderMap) -> Result<Caller, Problem> {
    // The page itself, its login, and what load balancers ask are for everybody.
    let is_open = !path.contains("/api/v1/") && !path.ends_with("/metrics");
    let nobody = Caller {
        name: "nobody".to_owned(),
        role: Role::Nobody,
    };
    if is_open {
        return Ok(nobody);
    }
    let is_login = path.ends_with("/api/v1/session");
    if !needs_key(app, headers).await? {
        return Ok(Caller {
            name: "you".to_owned(),
            role: Role::Admin,
        });
    }
    let known = keys::all(app.store()).await?;
    let given = keys::given(headers);
    if let Some(key) = given.as_deref().and_then(|given| keys::find(&known, given)) {
        return Ok(Caller {
            name: key.name.clone(),
            role: key.role,
        });
    }
    if is_login {
        return Ok(nobody);
    }
    Err(Problem::new(
        StatusCode::UNAUTHORIZED,
        "key_needed",
        "this server asks for a key",
    )
    .hint("send it as a bearer token, or sign in on the dashboard"))
}

fn needed_role(method: &Method, path: &str) -> Role {
    let is_open = !path.contains("/api/v1/") && !path.ends_with("/metrics");
    if is_open || path.ends_with("/api/v1/session") {
        return Role::Nobody;
    }
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Role::Viewer;
    }
    if ["keys", "settings", "alerts"]
        .iter()
        .any(|name| path.contains(&format!("/api/v1/{name}")))
    {
        return Role::Admin;
    }
    Role::Operator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_without_their_port() {
        assert_eq!(host_name("localhost:7878"), "localhost");
        assert_eq!(host_name("[::1]:7878"), "::1");
        assert_eq!(host_name("docs.example.org"), "docs.example.org");
    }

    #[test]
    fn a_page_of_another_site_changes_nothing() {
        let headers = |pairs: &[(&'static str, &str)]| -> HeaderMap {
            pairs
                .iter()
                .map(|(name, value)| {
                    (
                        header::HeaderName::from_static(name),
                        HeaderValue::from_str(value).unwrap(),
                    )
                })
                .collect()
        };
        let own = headers(&[("host", "127.0.0.1:7878"), ("origin", "http://127.0.0.1:7878")]);
        let other = headers(&[("host", "127.0.0.1:7878"), ("origin", "https://evil.example")]);
        let hidden = headers(&[("host", "127.0.0.1:7878"), ("sec-fetch-site", "cross-site")]);
        let program = headers(&[("host", "127.0.0.1:7878")]);
        assert!(check_origin(&Method::POST, &own).is_ok());
        assert!(check_origin(&Method::POST, &program).is_ok());
        assert!(check_origin(&Method::POST, &other).is_err());
        assert!(check_origin(&Method::POST, &hidden).is_err());
        assert!(check_origin(&Method::GET, &other).is_ok());
    }
}
