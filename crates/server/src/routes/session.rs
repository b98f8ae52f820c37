//! Signing in: a browser keeps the key in a cookie that no script can read.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::guard::{self, Caller};
use crate::keys::{self, COOKIE, Role};
use crate::params::Json;
use crate::problem::Problem;

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// Their name.
    pub name: String,
    /// What they may do: `viewer`, `operator` or `admin`; `nobody`: not signed in.
    pub role: Role,
    /// Whether this server asks for keys.
    pub keys_needed: bool,
}

/// Who is signed in.
#[utoipa::path(get, path = "/session", tag = "session", responses((status = 200, body = Session)))]
pub async fn get(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
) -> Result<axum::Json<Session>, Problem> {
    let keys_needed = guard::needs_key(&app, &headers).await?;
    Ok(axum::Json(Session {
        name: caller.name,
        role: caller.role,
        keys_needed,
    }))
}

/// A key.
#[derive(Deserialize, ToSchema)]
pub struct SignIn {
    /// The key, as `docmill keys add` showed it.
    pub key: String,
}

/// Signs in: the key goes into a cookie that scripts cannot read and other sites cannot send.
#[utoipa::path(post, path = "/session", tag = "session", request_body = SignIn,
    responses((status = 200, body = Session), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub async fn sign_in(State(app): State<App>, Json(given): Json<SignIn>) -> Result<Response, Problem> {
    let known = keys::all(app.store()).await?;
    let key = keys::find(&known, given.key.trim()).ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "key_refused",
            "this is no key of this server",
        )
    })?;
    let session = axum::Json(Session {
        name: key.name.clone(),
        role: key.role,
        keys_needed: true,
    });
    // A key has only letters, digits and an underscore, so it needs no quoting.
    let cookie = format!(
        "{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/; Max-Age=31536000",
        given.key.trim()
    );
    let mut response = session.into_response();
    let cookie = HeaderValue::from_str(&cookie).map_err(|_| Problem::bad_request("this is no key"))?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Signs out.
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204, description = "Signed out")))]
pub async fn sign_out() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(
        header::SET_COOKIE,
        HeaderValue::from_static("docmill_key=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0"),
    );
    response
}
