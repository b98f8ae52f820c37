//! What a plan and a template come to on this machine: the provider, its limits,
//! the instructions, the loader of documents. The estimate and the run
//! share it, so that what is predicted is what is asked.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use docmill_core::latency::Histogram;
use docmill_core::plan::Plan;
use docmill_core::template::{self, FieldKind, Template, first_answer_limit};
use docmill_llm::{Capabilities, ModelLimits};
use docmill_store::BatchRow;
use serde_json::Value;

use crate::learning::Learning;
use crate::loader::DocumentLoader;
use crate::pipeline::fit::CountedSample;
use crate::pipeline::parts;
use crate::telemetry::CallMetrics;
use crate::{Engine, EngineError, Resolved};

/// See the module.
pub(crate) struct Setup {
    pub(crate) template: Arc<Template>,
    pub(crate) plan: Plan,
    pub(crate) resolved: Resolved,
    pub(crate) limits: ModelLimits,
    pub(crate) capabilities: Capabilities,
    pub(crate) system: Arc<str>,
    /// The schema as bytes, for the keys of answers.
    pub(crate) schema: Arc<[u8]>,
    pub(crate) loader: DocumentLoader,
    /// What calls of this model with this template taught.
    pub(crate) learning: Arc<Learning>,
    /// What the model's own tokenizer says of some prompts.
    pub(super) sample: Mutex<CountedSample>,
    /// The limit on answers before any was seen.
    pub(super) first_answer: u32,
    /// Tokens that every prompt has.
    pub(super) fixed_input: OnceLock<u64>,
    /// How long its calls took.
    latencies: Mutex<Histogram>,
    /// Counts of calls, of this process.
    pub(super) calls: Arc<CallMetrics>,
    /// Of these: the instructions.
    pub(super) instructions: u64,
    /// Tokens of a row's names, where the template asks for a list ([`parts::row_names`]).
    pub(super) row_names: Option<u64>,
    /// Fields of the template that have one value.
    pub(super) plain_fields: Vec<PlainField>,
}

/// A field that has one value.
pub(super) struct PlainField {
    /// As a JSON Pointer.
    pub(super) pointer: String,
    /// Whether a result must have it.
    pub(super) is_required: bool,
}

fn plain_fields(schema: &Value) -> Vec<PlainField> {
    let required = schema.get("required").and_then(Value::as_array);
    let has_to_be = |path: &str| {
        let mut names = required.into_iter().flatten().filter_map(Value::as_str);
        names.any(|name| name == path)
    };
    let plain = template::fields(schema).into_iter();
    plain
        .filter(|field| !matches!(field.kind, FieldKind::List(_) | FieldKind::Json))
        .map(|field| PlainField {
            is_required: has_to_be(&field.path),
            pointer: field.pointer,
        })
        .collect()
}

impl Setup {
    pub(crate) fn new(engine: &Engine, row: &BatchRow) -> Result<Self, EngineError> {
        Self::of_plan(engine, row, &row.plan)
    }

    /// The same for the models that are asked when the plan's own cannot answer, in their order.
    pub(crate) fn fallbacks(engine: &Engine, row: &BatchRow) -> Result<Vec<Self>, EngineError> {
        let plans = row.plan.fallbacks.iter().map(|it| row.plan.falling_back_to(it));
        plans.map(|plan| Self::of_plan(engine, row, &plan)).collect()
    }

    fn of_plan(engine: &Engine, row: &BatchRow, plan: &Plan) -> Result<Self, EngineError> {
        // A batch of another process may lie where this one may not read.
        engine.parts.source.permits(&row.sources)?;
        let resolved = engine.parts.providers.resolve(plan)?;
        let limits = resolved.provider.limits(&resolved.model);
        let capabilities = resolved.provider.capabilities(&resolved.model);
        let template = Arc::new(row.template.clone());
        let ceiling = plan.max_output_tokens;
        let system: Arc<str> = docmill_llm::prompt::system(&template).into();
        Ok(Self {
            instructions: docmill_llm::tokens::expect(&system),
            sample: Mutex::default(),
            learning: engine.learnings.of(plan, &template),
            first_answer: first_answer_limit(&template).map_or(ceiling, |first| first.min(ceiling)),
            fixed_input: OnceLock::new(),
            latencies: Mutex::default(),
            calls: Arc::clone(&engine.calls),
            row_names: parts::row_names(&template.schema),
            plain_fields: plain_fields(&template.schema),
            system,
            schema: serde_json::to_vec(&template.schema).unwrap_or_default().into(),
            template,
            plan: plan.clone(),
            resolved,
            limits,
            capabilities,
            loader: DocumentLoader::new(engine, plan),
        })
    }

    /// Whether the provider takes documents of any length in one call without losing anything.
    pub(crate) fn reads_whole_documents(&self) -> bool {
        self.capabilities.reads_whole_documents
    }

    /// How long a call may take: as a person says, else by what others took.
    pub(crate) fn patience(&self) -> Duration {
        let typed = self.plan.timeout_seconds;
        typed.map_or_else(
            || self.latencies().patience(),
            |seconds| Duration::from_secs(u64::from(seconds)),
        )
    }

    /// After how long a call is made a second time beside the first, where a person wants that.
    pub(crate) fn hedge_after(&self) -> Option<Duration> {
        self.plan.hedge.then(|| self.latencies().hang()).flatten()
    }

    /// A call was answered after so long.
    pub(crate) fn took(&self, ms: u32) {
        self.latencies().record(ms);
    }

    fn latencies(&self) -> MutexGuard<'_, Histogram> {
        self.latencies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls in flight at most.
    pub(crate) fn concurrency(&self) -> u32 {
        self.concurrency_of(&self.plan)
    }

    /// The same of a plan that was changed since.
    pub(crate) fn concurrency_of(&self, plan: &Plan) -> u32 {
        plan.concurrency.unwrap_or(self.limits.default_concurrency).max(1)
    }
}
