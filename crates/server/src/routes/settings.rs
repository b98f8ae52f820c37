//! Settings, keys, workers.

use axum::extract::State;
use axum::http::StatusCode;
use docmill_store::Store;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::keys::{self, Role};
use crate::params::{Json, Path, amount};
use crate::problem::Problem;
use crate::views::time;

const SHELF: &str = "settings";
const NAME: &str = "server";

/// What can be set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Settings {
    /// What may be spent a day, all batches together; absent: no limit. Batches are paused when it is reached.
    #[schema(required, minimum = 0)]
    pub day_budget_usd: Option<f64>,
    /// What may be spent a month.
    #[schema(required, minimum = 0)]
    pub month_budget_usd: Option<f64>,
}

/// The settings, or nothing set.
pub(crate) async fn load(store: &dyn Store) -> Result<Settings, Problem> {
    let rows = store.kept(SHELF).await?;
    let found = rows.into_iter().find(|row| row.name == NAME);
    Ok(found
        .and_then(|row| serde_json::from_value(row.value).ok())
        .unwrap_or_default())
}

/// The settings.
#[utoipa::path(get, path = "/settings", tag = "settings", responses((status = 200, body = Settings)))]
pub async fn get(State(app): State<App>) -> Result<axum::Json<Settings>, Problem> {
    load(app.store()).await.map(axum::Json)
}

/// Changes the settings.
#[utoipa::path(put, path = "/settings", tag = "settings", request_body = Settings,
    responses((status = 200, body = Settings), (status = 400, body = Problem, content_type = "application/problem+json")))]
pub async fn put(
    State(app): State<App>,
    Json(settings): Json<Settings>,
) -> Result<axum::Json<Settings>, Problem> {
    for budget in [settings.day_budget_usd, settings.month_budget_usd] {
        budget.map(amount).transpose()?;
    }
    let value = serde_json::to_value(&settings).map_err(|error| Problem::bad_request(error.to_string()))?;
    app.store().keep(SHELF, NAME, Some(value), app.now()).await?;
    Ok(axum::Json(settings))
}

/// A worker.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkerView {
    /// Its id.
    pub id: String,
    /// Host and process.
    pub label: String,
    /// When it started.
    pub started_at: String,
    /// When it last said that it is alive.
    pub heartbeat_at: String,
}

/// A lane: what shares a provider's limit.
#[derive(Debug, Serialize, ToSchema)]
pub struct LaneView {
    /// Provider, address and model.
    pub name: String,
    /// Batches that share it.
    pub batches: Vec<String>,
    /// Calls that may be in flight.
    pub places: u64,
    /// Calls in flight, or about to leave.
    pub in_use: u64,
    /// Requests in the past minute.
    pub requests: u64,
    /// Requests allowed per minute, when known.
    #[schema(required)]
    pub requests_limit: Option<u64>,
    /// Tokens in the past minute.
    pub tokens: u64,
    /// Tokens allowed per minute, when known.
    #[schema(required)]
    pub tokens_limit: Option<u64>,
}

/// Who works, and how busy the providers are.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkerList {
    /// The workers.
    pub workers: Vec<WorkerView>,
    /// The lanes of this process.
    pub lanes: Vec<LaneView>,
}

/// Who works, and how busy the providers are.
#[utoipa::path(get, path = "/workers", tag = "settings", responses((status = 200, body = WorkerList)))]
pub async fn workers(State(app): State<App>) -> Result<axum::Json<WorkerList>, Problem> {
    let workers = app.store().workers().await?;
    let lanes = app.engine.lanes();
    Ok(axum::Json(WorkerList {
        workers: workers
            .into_iter()
            .map(|worker| WorkerView {
                id: worker.id.to_string(),
                label: worker.label,
                started_at: time(worker.started_at),
                heartbeat_at: time(worker.heartbeat_at),
            })
            .collect(),
        lanes: lanes
            .into_iter()
            .map(|lane| LaneView {
                name: lane.name,
                batches: lane.batches.iter().map(ToString::to_string).collect(),
                places: lane.places as u64,
                in_use: lane.in_use as u64,
                requests: lane.load.requests,
                requests_limit: lane.load.limits.requests,
                tokens: lane.load.tokens,
                tokens_limit: lane.load.limits.tokens,
            })
            .collect(),
    }))
}

/// A key.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyView {
    /// Whose it is.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// Keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyList {
    /// By name.
    pub keys: Vec<KeyView>,
}

/// Names and roles of all keys; the keys themselves are not kept.
#[utoipa::path(get, path = "/keys", tag = "settings", responses((status = 200, body = KeyList)))]
pub async fn keys(State(app): State<App>) -> Result<axum::Json<KeyList>, Problem> {
    let keys = keys::list(app.store()).await?;
    Ok(axum::Json(KeyList {
        keys: keys
            .into_iter()
            .map(|(name, role)| KeyView { name, role })
            .collect(),
    }))
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewKey {
    /// Whose it is.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// `viewer`, `operator` or `admin`.
    pub role: String,
}

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeKey {
    /// Whose it is.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The key: shown now, and never again.
    pub key: String,
}

/// Makes a key. The first one is an admin's: from then on every request needs one.
#[utoipa::path(post, path = "/keys", tag = "settings", request_body = NewKey,
    responses((status = 201, body = MadeKey), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn add_key(
    State(app): State<App>,
    Json(new): Json<NewKey>,
) -> Result<(StatusCode, axum::Json<MadeKey>), Problem> {
    let role: Role = new
        .role
        .parse()
        .map_err(|error: String| Problem::bad_request(error))?;
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Problem::unprocessable(
            "name",
            "a name has 1 to 100 characters, none of them invisible",
        ));
    }
    let known = keys::list(app.store()).await?;
    if known.iter().any(|(known, _)| *known == name) {
        return Err(Problem::conflict(format!("there is a key of {name} already")));
    }
    if known.is_empty() && role != Role::Admin {
        return Err(Problem::unprocessable(
            "role",
            "the first key must be an admin's, or nobody could make another",
        ));
    }
    let key = keys::make(app.store(), &name, role, app.now()).await?;
    Ok((StatusCode::CREATED, axum::Json(MadeKey { name, role, key })))
}

/// Takes a key away; who holds it is signed out at once.
#[utoipa::path(delete, path = "/keys/{name}", tag = "settings",
    params(("name" = String, Path, description = "Whose it is")),
    responses((status = 204, description = "Gone"), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is the last admin's", body = Problem, content_type = "application/problem+json")))]
pub async fn remove_key(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    let known = keys::list(app.store()).await?;
    if !known.iter().any(|(known, _)| *known == name) {
        return Err(Problem::not_found(format!("there is no key of {name}")));
    }
    if keys::is_last_admin(&known, &name) {
        return Err(Problem::conflict("this is the last admin's key").hint("make another admin first"));
    }
    keys::remove(app.store(), &name, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
