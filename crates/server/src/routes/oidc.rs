//! Single sign-on: to the identity provider and back.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use crate::access::audit;
use crate::access::guard::{self, Address};
use crate::access::oidc::{self, NotSignedIn, Oidc, Person};
use crate::access::sessions::{self, SignedIn};
use crate::app::App;
use crate::params::Query;
use crate::problem::Problem;

fn provider(app: &App) -> Result<&Oidc, Problem> {
    app.oidc.as_ref().ok_or_else(|| {
        Problem::not_found("this server knows no identity provider")
            .hint("docmill serve --oidc-issuer URL names one; here, sign in with a key")
    })
}

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct StartQuery {
    /// The page to come back to, as a path on this server.
    pub to: Option<String>,
}

/// Sends the browser to the identity provider.
#[utoipa::path(get, path = "/session/oidc", tag = "session", params(StartQuery),
    responses((status = 303, description = "At the identity provider one signs in"),
        (status = 404, description = "This server knows no identity provider", body = Problem, content_type = "application/problem+json")))]
pub async fn start(
    State(app): State<App>,
    Query(query): Query<StartQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let provider = provider(&app)?;
    let home = home(&app);
    let to = query.to.filter(|to| oidc::is_local(to)).unwrap_or(home);
    let is_secure = guard::is_secure(&app, &headers);
    match provider.begin(&app.seal, &to, app.now(), is_secure).await {
        Ok((url, cookie)) => see_other(&url, vec![cookie]),
        Err(why) => not_signed_in(&app, &why, is_secure),
    }
}

/// What the identity provider says.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct CallbackQuery {
    /// What stands for the person.
    pub code: Option<String>,
    /// What the sign-in began with.
    pub state: Option<String>,
    /// Who says it (RFC 9207).
    pub iss: Option<String>,
    /// Why not.
    pub error: Option<String>,
    /// The same in words.
    pub error_description: Option<String>,
}

/// Back from the identity provider: opens a session and goes on to the page that was wanted.
#[utoipa::path(get, path = "/session/oidc/callback", tag = "session", params(CallbackQuery),
    responses((status = 303, description = "Signed in; or not, and the dashboard says why"),
        (status = 404, description = "This server knows no identity provider", body = Problem, content_type = "application/problem+json")))]
pub async fn callback(
    State(app): State<App>,
    Extension(Address(address)): Extension<Address>,
    Query(query): Query<CallbackQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let provider = provider(&app)?;
    let is_secure = guard::is_secure(&app, &headers);
    let answer = match (&query.code, query.error) {
        (Some(code), None) => Ok(code.as_str()),
        (_, error) => {
            let words = [error, query.error_description];
            Err(words.into_iter().flatten().collect::<Vec<_>>().join(": "))
        }
    };
    let (state, issuer) = (query.state.as_deref(), query.iss.as_deref());
    let ended = provider
        .end(&app.seal, &headers, state, issuer, answer, app.now())
        .await;
    let (person, to) = match ended {
        Ok(ended) => ended,
        Err(why) => {
            if let NotSignedIn::NoRole { name, claim } = &why {
                audit::signed_in(&app, address, name, "refused (403)", json!({ "claim": claim })).await?;
            }
            return not_signed_in(&app, &why, is_secure);
        }
    };
    let Person { name, role, subject } = person;
    // A name that belongs to a key stays that key's.
    let is_taken = app.store().keys().await?.iter().any(|key| key.name == name);
    let name = match is_taken {
        true => format!("{name} ({})", provider.name()),
        false => name,
    };
    audit::signed_in(
        &app,
        address,
        &name,
        "done",
        json!({ "role": role, "subject": subject }),
    )
    .await?;
    let who = SignedIn {
        name,
        key: None,
        role,
        scope: Default::default(),
        key_expires_at: None,
    };
    let (_, cookie) = sessions::open(&app, &headers, who, is_secure).await?;
    see_other(&to, vec![cookie, oidc::no_cookie(is_secure)])
}

/// The dashboard says why; the log says it in full.
fn not_signed_in(app: &App, why: &NotSignedIn, is_secure: bool) -> Result<Response, Problem> {
    tracing::warn!(%why, "nobody was signed in");
    let to = format!("{}?sign_in={}", home(app), why.code());
    see_other(&to, vec![oidc::no_cookie(is_secure)])
}

fn home(app: &App) -> String {
    format!("{}/", app.config.base_path.trim_end_matches('/'))
}

fn see_other(to: &str, cookies: Vec<HeaderValue>) -> Result<Response, Problem> {
    let location = HeaderValue::from_str(to).map_err(|_| {
        Problem::new(
            StatusCode::BAD_GATEWAY,
            "identity_provider",
            "the identity provider's address cannot be sent to a browser",
        )
    })?;
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
