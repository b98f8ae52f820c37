//! Signing in: a browser changes its key for a session that no script can read, that ends by itself,
//! and that can be ended.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use docmill_core::access::Action;
use docmill_store::{SessionRow, Sessions};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::audit::Note;
use crate::access::caller::{Caller, Via};
use crate::access::guard::{self, Address};
use crate::access::oidc::Oidc;
use crate::access::sessions::{self, SignedIn};
use crate::app::App;
use crate::params::Json;
use crate::problem::Problem;
use crate::views::{RoleName, time};

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// Their name.
    pub name: String,
    /// What they may do: `viewer`, `operator` or `admin`; `nobody`: not signed in.
    pub role: RoleName,
    /// What they may do, one by one: `look`, `read`, `review`, `run`, `manage`.
    pub actions: Vec<String>,
    /// The only batches they may see, by their ids; absent: all.
    #[schema(required)]
    pub batches: Option<Vec<String>>,
    /// Whether this server asks for keys.
    pub keys_needed: bool,
    /// The identity provider one may sign in with instead, at `/session/oidc`; absent: none.
    #[schema(required)]
    pub identity_provider: Option<String>,
    /// When the session ends if it is not used; absent: there is none.
    #[schema(required)]
    pub ends_at: Option<String>,
}

impl Session {
    fn of(app: &App, caller: &Caller, session: Option<&SessionRow>, keys_needed: bool) -> Self {
        let holds = |action: &Action| {
            let limited = caller.scope.actions.as_ref();
            caller.role.may(*action) && limited.is_none_or(|only| only.contains(action))
        };
        Self {
            name: caller.name.clone(),
            role: caller.role.into(),
            actions: Action::ALL
                .iter()
                .filter(|action| holds(action))
                .map(ToString::to_string)
                .collect(),
            batches: caller
                .scope
                .batches
                .as_ref()
                .map(|only| only.iter().map(ToString::to_string).collect()),
            keys_needed,
            identity_provider: app.oidc.as_ref().map(Oidc::name),
            ends_at: session.map(|session| time(sessions::end(app, session))),
        }
    }
}

/// Who is signed in.
#[utoipa::path(get, path = "/session", tag = "session", responses((status = 200, body = Session)))]
pub async fn get(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<axum::Json<Session>, Problem> {
    let keys_needed = guard::needs_key(&app, &headers).await?;
    let session = match caller.via {
        Via::Session { .. } => sessions::find(&app, &headers).await?,
        _ => None,
    };
    Ok(axum::Json(Session::of(
        &app,
        &caller,
        session.as_ref(),
        keys_needed,
    )))
}

/// A key.
#[derive(Deserialize, ToSchema)]
pub struct SignIn {
    /// The key, as `docmill key add` showed it.
    pub key: String,
}

/// Signs in: the answer's cookie is a session of this browser, not the key. The one it had ends.
#[utoipa::path(post, path = "/session", tag = "session", request_body = SignIn,
    responses((status = 200, body = Session), (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong keys came from this address", body = Problem, content_type = "application/problem+json")))]
pub async fn sign_in(
    State(app): State<App>,
    Extension(Address(address)): Extension<Address>,
    Extension(note): Extension<Note>,
    headers: HeaderMap,
    Json(given): Json<SignIn>,
) -> Result<Response, Problem> {
    // Before the key is looked at: who must wait learns nothing.
    app.tries.check(address, app.now())?;
    let Some(caller) = guard::with_key(&app, given.key.trim()).await? else {
        return Err(guard::wrong_key(&app, address));
    };
    app.tries.right(address);
    note.who(&caller.name);
    note.after(caller.name.clone(), json!({ "role": caller.role }));
    let keys = app.store().keys().await?;
    let key = keys.iter().find(|key| key.name == caller.name);
    let who = SignedIn {
        name: caller.name.clone(),
        key: Some(caller.name.clone()),
        role: caller.role,
        scope: caller.scope.clone(),
        key_expires_at: key.and_then(|key| key.expires_at),
    };
    let is_secure = guard::is_secure(&app, &headers);
    let (session, cookie) = sessions::open(&app, &headers, who, is_secure).await?;
    let view = Session::of(&app, &caller, Some(&session), true);
    let mut response = axum::Json(view).into_response();
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Signs out: the session ends here, whatever the browser keeps.
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204, description = "Signed out")))]
pub async fn sign_out(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Via::Session { hash, .. } = caller.via {
        app.store().end_sessions(Sessions::One(hash)).await?;
        app.ended.send_modify(|count| *count += 1);
    }
    Ok(signed_out(&app, &headers))
}

/// Signs out everywhere: all sessions of the one who asks end, in every browser.
#[utoipa::path(delete, path = "/sessions", tag = "session", responses((status = 204, description = "Signed out everywhere")))]
pub async fn sign_out_everywhere(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = match &caller.via {
        Via::Key => Some(caller.name.clone()),
        Via::Session { key, .. } => key.clone(),
        Via::Nobody | Via::ThisMachine => return Ok(signed_out(&app, &headers)),
    };
    let all = Sessions::Of {
        key,
        name: caller.name.clone(),
    };
    app.store().end_sessions(all).await?;
    app.ended.send_modify(|count| *count += 1);
    Ok(signed_out(&app, &headers))
}

fn signed_out(app: &App, headers: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let cookie = sessions::no_cookie(guard::is_secure(app, headers));
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}
