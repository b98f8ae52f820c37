//! Settings, keys, workers.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use docmill_core::access::{Action, Role, Scope, UnknownName};
use docmill_core::spending::Limits;
use docmill_engine::spending;
use docmill_store::{KeyRefused, Store};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::audit::Note;
use crate::access::keys;
use crate::app::App;
use crate::params::{Json, Path, amount};
use crate::problem::Problem;
use crate::views::{KeyView, RoleName, dollars, time};

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
    let limits = spending::limits(store).await?;
    Ok(Settings {
        day_budget_usd: limits.day.map(dollars),
        month_budget_usd: limits.month.map(dollars),
    })
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
    let limits = Limits {
        day: settings.day_budget_usd.map(amount).transpose()?,
        month: settings.month_budget_usd.map(amount).transpose()?,
    };
    spending::set_limits(app.store(), &limits, app.now()).await?;
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

/// Keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyList {
    /// By name.
    pub keys: Vec<KeyView>,
}

/// All keys, with their limits and when they were last used; the keys themselves are not kept.
#[utoipa::path(get, path = "/keys", tag = "settings", responses((status = 200, body = KeyList)))]
pub async fn keys(State(app): State<App>) -> Result<axum::Json<KeyList>, Problem> {
    let keys = app.store().keys().await?;
    Ok(axum::Json(KeyList {
        keys: keys.iter().map(KeyView::from).collect(),
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
    /// Only for these batches: ids, short ids or names; absent: for all.
    pub batches: Option<Vec<String>>,
    /// Only for these actions: `look`, `read`, `review`, `run`, `manage`; absent: all of the role.
    pub actions: Option<Vec<String>>,
    /// Days after which it opens nothing any more; absent: it has no end.
    #[schema(minimum = 1, maximum = 3650)]
    pub days: Option<u32>,
}

impl NewKey {
    async fn understood(&self, app: &App) -> Result<keys::NewKey, Problem> {
        let role: Role = self
            .role
            .parse()
            .map_err(|error: UnknownName| Problem::bad_request(error.to_string()))?;
        let name = self.name.trim().to_owned();
        keys::check_name(&name).map_err(|error| Problem::unprocessable("name", error))?;
        let mut scope = Scope::default();
        if let Some(batches) = &self.batches {
            let mut ids = Vec::new();
            for batch in batches {
                ids.push(app.batch(batch).await?.id);
            }
            scope.batches = Some(ids);
        }
        if let Some(actions) = &self.actions {
            let actions: Result<Vec<Action>, UnknownName> = actions.iter().map(|name| name.parse()).collect();
            scope.actions = Some(actions.map_err(|error| Problem::bad_request(error.to_string()))?);
        }
        let is_empty = scope.batches.as_ref().is_some_and(Vec::is_empty)
            || scope.actions.as_ref().is_some_and(Vec::is_empty);
        if is_empty || self.days.is_some_and(|days| !(1..=3650).contains(&days)) {
            return Err(Problem::unprocessable("limits", "the key would open nothing")
                .hint("leave a limit out to have none; a key lasts 1 to 3650 days"));
        }
        Ok(keys::NewKey {
            name,
            role,
            scope,
            expires_at: self.days.map(|days| app.now().plus_ms(i64::from(days) * DAY_MS)),
        })
    }
}

const DAY_MS: i64 = 24 * 3600 * 1000;

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeKey {
    /// Whose it is.
    pub name: String,
    /// What they may do.
    pub role: RoleName,
    /// The key: shown now, and never again.
    pub key: String,
}

/// Makes a key. The first one is an admin's: from then on every request needs one.
#[utoipa::path(post, path = "/keys", tag = "settings", request_body = NewKey,
    responses((status = 201, body = MadeKey), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such batch", body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn add_key(
    State(app): State<App>,
    Extension(note): Extension<Note>,
    Json(new): Json<NewKey>,
) -> Result<(StatusCode, axum::Json<MadeKey>), Problem> {
    let new = new.understood(&app).await?;
    let (name, role) = (new.name.clone(), new.role);
    let about = json!({ "role": role, "scope": new.scope, "expires_at": new.expires_at.map(time) });
    let key = keys::make(app.store(), new, app.now()).await?.map_err(refused)?;
    note.after(name.clone(), about);
    let role = role.into();
    Ok((StatusCode::CREATED, axum::Json(MadeKey { name, role, key })))
}

fn refused(refused: KeyRefused) -> Problem {
    let text = refused.to_string();
    match refused {
        KeyRefused::Missing => Problem::not_found(text),
        KeyRefused::NeedsAdmin => Problem::unprocessable("role", text),
        KeyRefused::Exists => Problem::conflict(text),
        KeyRefused::LastAdmin => Problem::conflict(text).hint("make another admin first"),
    }
}

/// Takes a key away; who holds it is signed out at once.
#[utoipa::path(delete, path = "/keys/{name}", tag = "settings",
    params(("name" = String, Path, description = "Whose it is")),
    responses((status = 204, description = "Gone"), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is the last admin's", body = Problem, content_type = "application/problem+json")))]
pub async fn remove_key(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    app.store().remove_key(&name).await?.map_err(refused)?;
    app.ended.send_modify(|count| *count += 1);
    Ok(StatusCode::NO_CONTENT)
}
