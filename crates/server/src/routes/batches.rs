//! Batches: lists, making, looking.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use docmill_core::access::{Action, Target};
use docmill_core::estimate::{Estimate, recommended_budget};
use docmill_core::fair::Priority;
use docmill_core::hours::{Hours, NotHours};
use docmill_core::id::BatchId;
use docmill_core::money::{PicoPerToken, Usd};
use docmill_core::plan::{Fallback, Plan, fallback_name};
use docmill_core::price::Price;
use docmill_core::template::{answer_limit, fields};
use docmill_engine::jobs::JobSpec;
use docmill_engine::open::BatchSpec;
use docmill_store::{BatchChange, BatchQuery, BatchRow, BatchSort, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::access::audit::Note;
use crate::access::caller::Caller;
use crate::app::App;
use crate::params::{Json, Path, Query, amount, names};
use crate::problem::Problem;
use crate::routes::{settings, templates};
use crate::views::{
    BatchDetail, BatchList, BatchView, Comparison, EventList, EventView, FailureView, ResultField, Totals,
    dollars,
};

/// Batches of a page at most.
const MOST: u32 = 200;

/// Which batches.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ListQuery {
    /// Only in these states, separated by commas.
    pub state: Option<String>,
    /// Only names containing this text.
    pub search: Option<String>,
    /// `true`: only those put out of sight; `false`, the default: only those in sight.
    pub archived: Option<bool>,
    /// `created` (the default), `name`, `cost`, `documents` or `updated`.
    pub sort: Option<String>,
    /// `asc` or `desc` (the default).
    pub order: Option<String>,
    /// Page, from 1.
    #[param(minimum = 1)]
    pub page: Option<u32>,
    /// Batches a page, 1 to 200 (50).
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// Batches, newest first by default.
#[utoipa::path(get, path = "/batches", tag = "batches", params(ListQuery),
    responses((status = 200, body = BatchList), (status = 400, body = Problem, content_type = "application/problem+json")))]
pub async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<ListQuery>,
) -> Result<axum::Json<BatchList>, Problem> {
    if let Some(only) = &caller.scope.batches {
        return list_of(&app, only).await.map(axum::Json);
    }
    let sort = match query.sort.as_deref() {
        None | Some("created") => BatchSort::Created,
        Some("name") => BatchSort::Name,
        Some("cost") => BatchSort::Cost,
        Some("documents") => BatchSort::Documents,
        Some("updated") => BatchSort::Updated,
        Some(other) => {
            return Err(
                Problem::bad_request(format!("batches cannot be sorted by {other:?}"))
                    .hint("there are created, name, cost, documents and updated"),
            );
        }
    };
    let limit = query.limit.unwrap_or(50).clamp(1, MOST);
    let page = query.page.unwrap_or(1).max(1);
    let archived = Some(query.archived.unwrap_or(false));
    let all = BatchQuery {
        search: query.search.clone(),
        archived,
        ..BatchQuery::default()
    };
    let wanted = BatchQuery {
        states: names(query.state.as_deref())?,
        sort,
        ascending: query.order.as_deref() == Some("asc"),
        offset: (page - 1).saturating_mul(limit),
        limit,
        ..all.clone()
    };
    let counted = app.store().count_batches(all).await?;
    let rows = app.store().batches(wanted.clone()).await?;
    let is_wanted =
        |state: &docmill_core::BatchState| wanted.states.is_empty() || wanted.states.contains(state);
    let matching = counted
        .iter()
        .filter(|(state, _)| is_wanted(state))
        .map(|(_, count)| count)
        .sum();
    Ok(axum::Json(BatchList {
        batches: rows.iter().map(|row| app.pulse.view(row)).collect(),
        matching,
        states: counted
            .into_iter()
            .map(|(state, count)| (state.as_str().to_owned(), count))
            .collect(),
    }))
}

/// The batches a key is limited to, all on one page: they are few, and nothing is said of others.
async fn list_of(app: &App, only: &[BatchId]) -> Result<BatchList, Problem> {
    let mut list = BatchList {
        batches: Vec::new(),
        matching: 0,
        states: BTreeMap::new(),
    };
    for id in only {
        match app.store().batch(*id).await {
            Ok(row) => {
                *list.states.entry(row.state.as_str().to_owned()).or_default() += 1;
                list.batches.push(app.pulse.view(&row));
            }
            Err(StoreError::NoSuchBatch(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    list.matching = list.batches.len() as u64;
    Ok(list)
}

/// What a model costs, in dollars per million tokens.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct TypedPrice {
    /// Of the prompt.
    #[schema(minimum = 0)]
    pub input_usd_per_million: f64,
    /// Of the answer.
    #[schema(minimum = 0)]
    pub output_usd_per_million: f64,
}

/// A batch to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct NewBatch {
    /// What to call it; absent: made from the first source.
    #[schema(max_length = 200)]
    pub name: Option<String>,
    /// Where its documents come from: folders below an allowed one, buckets, `upload:ID`.
    #[schema(min_items = 1)]
    pub sources: Vec<String>,
    /// The name of a template.
    pub template: Option<String>,
    /// Or a template's text (TOML or JSON), used for this batch alone.
    pub template_text: Option<String>,
    /// The model: `offline`, `openai/gpt-4o-mini`, `sim/openai/gpt-4o-mini`, …
    pub model: String,
    /// Address of a server that speaks OpenAI's protocol.
    pub base_url: Option<String>,
    /// What the model costs, when nobody else knows; zeros: nothing.
    pub price: Option<TypedPrice>,
    /// Calls in flight at most; absent: the model's default.
    #[schema(minimum = 1, maximum = 10000)]
    pub concurrency: Option<u32>,
    /// Share of a limit that other batches want too.
    #[schema(minimum = 1, maximum = 100)]
    pub weight: Option<u32>,
    /// How urgent it is beside others: `high`, `normal` (the default) or `low`; sets the weight.
    pub priority: Option<String>,
    /// Models to ask, in this order, when the one before is down, was retired or refuses:
    /// `MODEL`, or `MODEL@URL` for one at another address.
    #[serde(default)]
    pub fallback: Vec<String>,
    /// Calls are made only between these times of the server's day: `22:00-06:00`.
    pub between: Option<String>,
    /// Seconds after which a call is given up; absent: by what the model's calls take.
    #[schema(minimum = 1, maximum = 86400)]
    pub timeout_seconds: Option<u32>,
    /// Makes a call that hangs a second time beside it; both are paid (false).
    #[serde(default)]
    pub hedge: bool,
    /// The wall, in dollars; absent: none so far.
    #[schema(minimum = 0)]
    pub budget_usd: Option<f64>,
    /// Limit on each answer in tokens; absent: made from the template.
    #[schema(minimum = 1)]
    pub max_output_tokens: Option<u32>,
    /// Whether pictures of text are read (true).
    pub ocr: Option<bool>,
    /// Whether answers paid for before are used again (true).
    pub reuse_answers: Option<bool>,
    /// Rehearsals only: how fast simulated time passes; 0 does not wait at all.
    #[schema(minimum = 0, maximum = 1000)]
    pub sim_speed: Option<f64>,
    /// Starts it as soon as it is counted, without being asked again.
    #[serde(default)]
    pub start: bool,
}

impl NewBatch {
    async fn plan(
        &self,
        app: &App,
        template: &docmill_core::Template,
        caller: &Caller,
    ) -> Result<Plan, Problem> {
        let model = self.model.trim().to_owned();
        if model.is_empty() {
            return Err(Problem::unprocessable("unknown_model", "a model is missing"));
        }
        let price = match self.price {
            Some(typed) => Price {
                input: per_million(typed.input_usd_per_million)?,
                output: per_million(typed.output_usd_per_million)?,
                ..Price::free("typed by the user")
            },
            None => app.workshop.price(&model, self.base_url.as_deref())?,
        };
        let in_range = |name: &str, value: Option<u32>, most: u32| match value {
            Some(value) if value == 0 || value > most => Err(Problem::unprocessable(
                name,
                format!("{name} must be between 1 and {most}"),
            )),
            value => Ok(value),
        };
        let plan = Plan {
            model,
            base_url: self.base_url.clone().filter(|url| !url.trim().is_empty()),
            // What an admin names is as good as named at the start of the server.
            base_url_by_admin: caller.may(Action::Manage, Target::Everything).is_ok(),
            price,
            concurrency: in_range("concurrency", self.concurrency, 10_000)?,
            max_output_tokens: in_range("max_output_tokens", self.max_output_tokens, u32::MAX)?
                .unwrap_or_else(|| answer_limit(template)),
            reuse_answers: self.reuse_answers.unwrap_or(true),
            ocr: self.ocr.unwrap_or(true),
            max_document_bytes: None,
            weight: match self.priority.as_deref() {
                Some(priority) => Some(weight_of(priority)?),
                None => in_range("weight", self.weight, 100)?,
            },
            limits: docmill_core::pacing::Limits::default(),
            sim_speed_milli: self.sim_speed.map(milli).transpose()?,
            fallbacks: self.fallbacks(app)?,
            between: self.between.as_deref().map(hours).transpose()?,
            timeout_seconds: in_range("timeout_seconds", self.timeout_seconds, 86_400)?,
            hedge: self.hedge,
        };
        app.engine.providers().resolve(&plan)?;
        for fallback in &plan.fallbacks {
            app.engine.providers().resolve(&plan.falling_back_to(fallback))?;
        }
        app.workshop.probe(&plan).await?;
        Ok(plan)
    }

    fn fallbacks(&self, app: &App) -> Result<Vec<Fallback>, Problem> {
        let fallback = |text: &String| {
            let (model, base_url) = fallback_name(text, self.base_url.as_deref());
            Ok(Fallback {
                price: app.workshop.price(&model, base_url.as_deref())?,
                model,
                base_url,
            })
        };
        self.fallback.iter().map(fallback).collect()
    }
}

/// The weight of a priority by its name.
fn weight_of(priority: &str) -> Result<u32, Problem> {
    let parsed: Result<Priority, _> = priority.parse();
    parsed.map(Priority::weight).map_err(|error| {
        Problem::unprocessable("priority", error.to_string()).hint("there are high, normal and low")
    })
}

fn hours(text: &str) -> Result<Hours, Problem> {
    text.parse()
        .map_err(|error: NotHours| Problem::unprocessable("between", error.to_string()))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked before"
)]
fn milli(speed: f64) -> Result<u32, Problem> {
    if (0.0..=1000.0).contains(&speed) {
        Ok((speed * 1000.0) as u32)
    } else {
        Err(Problem::unprocessable(
            "sim_speed",
            "sim_speed must be between 0 and 1000",
        ))
    }
}

/// Dollars per million tokens are micro-dollars per token: a million picos.
fn per_million(dollars: f64) -> Result<PicoPerToken, Problem> {
    let nanos = amount(dollars)?.nanos();
    let nanos = u64::try_from(nanos).unwrap_or(0);
    // A million tokens at so many nanos: a token is nanos / 10^6 nanos, or nanos / 10^3 picos.
    Ok(PicoPerToken(nanos / 1000))
}

/// Makes a batch, adds its documents and counts what they will cost, in the background.
#[utoipa::path(post, path = "/batches", tag = "batches", request_body = NewBatch,
    responses((status = 201, body = BatchView), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Something about it cannot be used; `code` says what", body = Problem, content_type = "application/problem+json")))]
pub async fn create(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(note): Extension<Note>,
    Json(new): Json<NewBatch>,
) -> Result<(StatusCode, axum::Json<BatchView>), Problem> {
    if new.sources.is_empty() {
        return Err(Problem::unprocessable("source", "a batch needs documents")
            .hint("name a folder, a bucket or an upload"));
    }
    let mut sources = Vec::with_capacity(new.sources.len());
    for source in &new.sources {
        sources.push(app.allowed_source(source)?);
    }
    let template = match (&new.template, &new.template_text) {
        (_, Some(text)) => templates::parse("template", text)?,
        (Some(name), None) => templates::find(&app, name).await?.0,
        (None, None) => return Err(Problem::unprocessable("template", "a template is missing")),
    };
    let plan = new.plan(&app, &template, &caller).await?;
    if let Some(name) = &new.name {
        check_name(name)?;
    }
    let spec = BatchSpec {
        name: new.name.clone().filter(|name| !name.trim().is_empty()),
        sources,
        template,
        plan,
        budget: new.budget_usd.map(amount).transpose()?,
        owner: caller.name,
        fresh: true,
    };
    let prepare = JobSpec::Prepare { start: new.start };
    let prepare = serde_json::to_value(prepare).map_err(|error| Problem::bad_request(error.to_string()))?;
    let batch = app.engine.make_batch(spec, Some(prepare)).await?;
    app.dispatcher.wake();
    let about = json!({
        "name": batch.name, "sources": batch.sources, "model": batch.plan.model,
        "base_url": batch.plan.base_url, "budget_usd": new.budget_usd, "start": new.start,
    });
    note.after(batch.id.to_string(), about);
    Ok((StatusCode::CREATED, axum::Json(app.pulse.view(&batch))))
}

fn check_name(name: &str) -> Result<(), Problem> {
    let length = name.chars().count();
    if length > 200 || name.chars().any(char::is_control) {
        return Err(Problem::unprocessable(
            "name",
            "a name has at most 200 characters, none of them invisible",
        ));
    }
    Ok(())
}

/// One batch.
#[utoipa::path(get, path = "/batches/{batch}", tag = "batches",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = BatchDetail), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn get(
    State(app): State<App>,
    Path(batch): Path<String>,
) -> Result<axum::Json<BatchDetail>, Problem> {
    let row = app.batch(&batch).await?;
    detail(&app, &row).map(axum::Json)
}

fn detail(app: &App, row: &BatchRow) -> Result<BatchDetail, Problem> {
    Ok(BatchDetail {
        batch: app.pulse.view(row),
        template_spec: serde_json::to_value(&row.template)
            .map_err(|error| Problem::unprocessable("template", error.to_string()))?,
        fields: fields(&row.template.schema)
            .iter()
            .map(ResultField::from)
            .collect(),
        max_output_tokens: row.plan.max_output_tokens,
        ocr: row.plan.ocr,
        reuse_answers: row.plan.reuse_answers,
        price: (&row.plan.price).into(),
    })
}

/// What is to be changed; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct Change {
    /// A new name.
    #[schema(max_length = 200)]
    pub name: Option<String>,
    /// Put out of sight, or back.
    pub archived: Option<bool>,
    /// Calls in flight at most; felt within a second by a running batch.
    #[schema(minimum = 1, maximum = 10000)]
    pub concurrency: Option<u32>,
    /// Share of a limit that other batches want too.
    #[schema(minimum = 1, maximum = 100)]
    pub weight: Option<u32>,
    /// `high`, `normal` or `low`; sets the weight.
    pub priority: Option<String>,
    /// Calls are made only between these times of the server's day; empty: at any time.
    pub between: Option<String>,
}

/// Changes a batch.
#[utoipa::path(patch, path = "/batches/{batch}", tag = "batches", request_body = Change,
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = BatchDetail), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn change(
    State(app): State<App>,
    Path(batch): Path<String>,
    Json(change): Json<Change>,
) -> Result<axum::Json<BatchDetail>, Problem> {
    let row = app.batch(&batch).await?;
    if let Some(name) = &change.name {
        check_name(name)?;
        if name.trim().is_empty() {
            return Err(Problem::unprocessable("name", "a name is missing"));
        }
    }
    if change.archived == Some(true) && row.state == docmill_core::BatchState::Running {
        return Err(Problem::conflict("a running batch cannot be archived").hint("pause or cancel it first"));
    }
    let limits = [
        ("concurrency", change.concurrency, 10_000),
        ("weight", change.weight, 100),
    ];
    for (name, value, most) in limits {
        if value.is_some_and(|value| value == 0 || value > most) {
            return Err(Problem::unprocessable(
                name,
                format!("{name} must be between 1 and {most}"),
            ));
        }
    }
    let change = BatchChange {
        name: change.name.map(|name| name.trim().to_owned()),
        archived: change.archived,
        concurrency: change.concurrency,
        weight: match change.priority.as_deref() {
            Some(priority) => Some(weight_of(priority)?),
            None => change.weight,
        },
        between: match change.between.as_deref().map(str::trim) {
            None => None,
            Some("") => Some(None),
            Some(between) => Some(Some(hours(between)?)),
        },
    };
    if change != BatchChange::default() {
        app.store().change_batch(row.id, change, app.now()).await?;
    }
    let row = app.store().batch(row.id).await?;
    detail(&app, &row).map(axum::Json)
}

/// Failed documents by cause.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailureList {
    /// The causes, most documents first.
    pub failures: Vec<FailureView>,
}

/// Failed documents, grouped by cause.
#[utoipa::path(get, path = "/batches/{batch}/failures", tag = "batches",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = FailureList), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn failures(
    State(app): State<App>,
    Path(batch): Path<String>,
) -> Result<axum::Json<FailureList>, Problem> {
    let row = app.batch(&batch).await?;
    let groups = app.store().failures(row.id).await?;
    Ok(axum::Json(FailureList {
        failures: groups.iter().map(FailureView::from).collect(),
    }))
}

/// Which lines of the log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct LogQuery {
    /// Lines after this one; absent: the newest.
    pub after: Option<u64>,
    /// At most so many, 1 to 1000 (200).
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
}

/// Lines of the log, oldest first.
#[utoipa::path(get, path = "/batches/{batch}/log", tag = "batches",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`"), LogQuery),
    responses((status = 200, body = EventList), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn log(
    State(app): State<App>,
    Path(batch): Path<String>,
    Query(query): Query<LogQuery>,
) -> Result<axum::Json<EventList>, Problem> {
    let id = app.batch(&batch).await?.id;
    let limit = query.limit.unwrap_or(200).clamp(1, 1000);
    let events = match query.after {
        Some(after) => app.store().events_after(Some(id), after, limit).await?,
        None => app.store().last_events(id, limit).await?,
    };
    Ok(axum::Json(EventList {
        events: events.iter().map(EventView::from).collect(),
    }))
}

/// Models side by side.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComparisonList {
    /// Cheapest first.
    pub models: Vec<Comparison>,
}

/// What other models would cost for the same documents, from the tokens counted for the estimate.
#[utoipa::path(get, path = "/batches/{batch}/compare", tag = "batches",
    params(("batch" = String, Path, description = "Id, short id, name, or `last`")),
    responses((status = 200, body = ComparisonList), (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was not counted yet", body = Problem, content_type = "application/problem+json")))]
pub async fn compare(
    State(app): State<App>,
    Path(batch): Path<String>,
) -> Result<axum::Json<ComparisonList>, Problem> {
    let row = app.batch(&batch).await?;
    let estimate = row
        .estimate
        .as_ref()
        .and_then(|stored| Estimate::deserialize(stored).ok())
        .ok_or_else(|| Problem::conflict("the batch was not counted yet"))?;
    let mut models: Vec<Comparison> = app
        .workshop
        .prices()
        .into_iter()
        .filter_map(|(model, price, ready)| compared(&estimate, model, &price, ready))
        .collect();
    models.sort_by(|a, b| a.cost_usd.total_cmp(&b.cost_usd).then(a.model.cmp(&b.model)));
    Ok(axum::Json(ComparisonList { models }))
}

fn compared(estimate: &Estimate, model: String, price: &Price, ready: bool) -> Option<Comparison> {
    let total = &estimate.total;
    let cost = price.cost(&total.usage).ok()?;
    let documents = total.documents.max(1);
    Some(Comparison {
        model,
        cost_usd: dollars(cost),
        recommended_budget_usd: dollars(
            recommended_budget(cost, Usd::ZERO, estimate.budget_in_flight).budget,
        ),
        cost_per_document_usd: dollars(cost) / approximate(documents),
        ready,
    })
}

#[expect(clippy::cast_precision_loss, reason = "a number of documents, for an average")]
fn approximate(count: u64) -> f64 {
    count as f64
}

/// Money and work of all batches together.
#[utoipa::path(get, path = "/totals", tag = "batches", responses((status = 200, body = Totals)))]
pub async fn totals(State(app): State<App>) -> Result<axum::Json<Totals>, Problem> {
    let spent = docmill_engine::spending::since(app.store(), app.now()).await?;
    let settings = settings::load(app.store()).await?;
    let (running, documents_per_second) = app.pulse.running();
    Ok(axum::Json(Totals {
        today_usd: dollars(spent.day),
        month_usd: dollars(spent.month),
        day_budget_usd: settings.day_budget_usd,
        month_budget_usd: settings.month_budget_usd,
        documents_today: spent.documents,
        running: running.iter().filter(|view| view.state == "running").count() as u64,
        documents_per_second,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_price_is_exact() {
        assert_eq!(per_million(0.15).unwrap(), PicoPerToken(150_000));
        assert_eq!(per_million(0.0).unwrap(), PicoPerToken(0));
    }
}
