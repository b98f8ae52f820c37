//! What is to be done with which documents.

use std::sync::Mutex;

use docmill_core::fair::Priority;
use docmill_core::pacing::Limits;
use docmill_core::plan::{Fallback, Plan, fallback_name};
use docmill_core::template::{Template, answer_limit};
use docmill_engine::Providers as _;
use docmill_engine::ingest::Ingested;
use docmill_engine::open::{BatchSpec, Opened};
use docmill_source::Discovered;
use docmill_store::BatchRow;

use super::{Bench, lock};
use crate::args::{Context, Limit, PlanArgs, SourceArgs, absolute_sources};
use crate::clock::now;
use crate::fault::Fault;
use crate::report::live::Reporter;
use crate::report::text::{clean, count, counted};
use crate::{templates, wire};

/// Documents looked for before a batch is made.
const PREVIEW: usize = 50;

/// What is to be done with which documents.
pub struct Order {
    sources: Vec<String>,
    template: Template,
    plan: Plan,
    name: Option<String>,
    fresh: bool,
}

impl Order {
    /// From what was typed; nothing is opened or called yet.
    pub fn new(sources: &SourceArgs, plan: &PlanArgs) -> Result<Self, Fault> {
        let template = templates::find(&plan.template)?;
        let price = match &plan.price {
            Some(typed) => typed.0.clone(),
            None => wire::price(&plan.model, plan.base_url.as_deref())?,
        };
        let order = Self {
            sources: absolute_sources(sources)?,
            plan: Plan {
                model: plan.model.clone(),
                base_url: plan.base_url.clone(),
                base_url_by_admin: plan.base_url.is_some(),
                price,
                concurrency: plan.concurrency,
                max_output_tokens: plan.max_output_tokens.unwrap_or_else(|| answer_limit(&template)),
                reuse_answers: !plan.no_reuse,
                ocr: !sources.no_ocr,
                max_document_bytes: Some(sources.max_document_bytes),
                weight: plan.priority.map(Priority::weight),
                limits: Limits {
                    requests: plan.rpm,
                    tokens: plan.tpm,
                    ..Limits::default()
                },
                sim_speed_milli: plan.sim_speed,
                fallbacks: fallbacks(plan)?,
                between: plan.between,
                timeout_seconds: plan.timeout,
                hedge: plan.hedge,
            },
            template,
            name: plan.name.clone(),
            fresh: plan.new,
        };
        Ok(order)
    }

    /// How documents will be processed.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Finds or makes the batch and adds the documents, when model and sources are right.
    pub async fn open(
        self,
        bench: &Bench,
        budget: Option<Limit>,
        context: &Context,
    ) -> Result<BatchRow, Fault> {
        let found = self.find(bench, budget, context).await?;
        found.add(bench, context).await?;
        bench.row(found.batch.id).await
    }

    /// Finds or makes the batch, when model and sources are right; its documents are not added yet.
    pub async fn find(
        self,
        bench: &Bench,
        budget: Option<Limit>,
        context: &Context,
    ) -> Result<FoundBatch, Fault> {
        // The provider is found before anything is written, so that a wrong name leaves nothing behind.
        bench.providers.resolve(&self.plan)?;
        for fallback in &self.plan.fallbacks {
            bench.providers.resolve(&self.plan.falling_back_to(fallback))?;
        }
        bench.providers.probe(&self.plan).await?;
        self.look_for_documents(bench).await?;
        let spec = BatchSpec {
            name: self.name,
            sources: self.sources,
            template: self.template,
            plan: self.plan,
            budget: budget.and_then(Limit::amount),
            owner: std::env::var("USER").unwrap_or_default(),
            fresh: self.fresh,
        };
        let sources = spec.sources.clone();
        let Opened { batch, existing } = bench.engine.open_batch(spec).await?;
        if existing {
            let name = clean(&batch.name).into_owned();
            context.ui.say(&format!(
                "going on with {name} ({}), which is {}",
                batch.id.short(),
                batch.state
            ));
            if budget == Some(Limit::None) && batch.balance.budget.is_some() {
                bench.store.set_budget(batch.id, None, now()).await?;
            }
        }
        Ok(FoundBatch {
            batch,
            existing,
            sources,
        })
    }

    /// A batch without documents is of no use to anybody.
    async fn look_for_documents(&self, bench: &Bench) -> Result<(), Fault> {
        // Standard input can be read only once; it is looked at when its documents are added.
        if self.sources.iter().any(|source| source == "list:-") {
            return Ok(());
        }
        let found = bench.engine.preview(&self.sources, PREVIEW).await?;
        let is_document = |found: &Discovered| matches!(found, Discovered::Document(_));
        if found.iter().any(is_document) || found.len() == PREVIEW {
            return Ok(());
        }
        let notice = found.into_iter().find_map(|found| match found {
            Discovered::Notice(notice) => Some(notice),
            Discovered::Document(_) => None,
        });
        let fault = Fault::usage(format!("no documents were found in {}", self.sources.join(", ")));
        Err(fault.hint(notice.unwrap_or_else(|| {
            "check the path, and --include and --exclude; hidden files are left out".to_owned()
        })))
    }
}

/// The fallback models with their prices.
fn fallbacks(plan: &PlanArgs) -> Result<Vec<Fallback>, Fault> {
    let fallback = |text: &String| {
        let (model, base_url) = fallback_name(text, plan.base_url.as_deref());
        Ok(Fallback {
            price: wire::price(&model, base_url.as_deref())?,
            model,
            base_url,
        })
    };
    plan.fallback.iter().map(fallback).collect()
}

/// A batch that was found or made, and the sources whose documents it gets.
pub struct FoundBatch {
    /// The batch, as it was then.
    pub batch: BatchRow,
    /// Whether it was there already.
    pub existing: bool,
    sources: Vec<String>,
}

impl FoundBatch {
    /// Adds the documents, with a live count.
    pub async fn add(&self, bench: &Bench, context: &Context) -> Result<(), Fault> {
        let reporter = Mutex::new(Reporter::new(&context.ui));
        let on_progress = |so_far: &Ingested| {
            let found = so_far.rows.added + so_far.rows.known;
            lock(&reporter).counting("documents found:", found, None);
        };
        let ingested = bench
            .engine
            .ingest(self.batch.id, &self.sources, &on_progress)
            .await?;
        drop(reporter);
        tell(&ingested, context);
        Ok(())
    }

    /// The same while the batch is being worked on, whose progress is shown instead.
    pub async fn add_meanwhile(&self, bench: &Bench, context: &Context) -> Result<(), Fault> {
        let ingested = bench.engine.ingest(self.batch.id, &self.sources, &|_| {}).await?;
        tell(&ingested, context);
        Ok(())
    }
}

fn tell(ingested: &Ingested, context: &Context) {
    let ui = &context.ui;
    for notice in &ingested.notices {
        ui.warn(notice);
    }
    let rows = ingested.rows;
    let mut line = format!("{} added", counted(rows.added, "document"));
    for (number, words) in [
        (rows.known, "known already"),
        (rows.duplicates, "with the same content as another"),
        (
            rows.skipped.saturating_sub(rows.duplicates),
            "that cannot be processed",
        ),
    ] {
        if number > 0 {
            line.push_str(&format!(", {} {words}", count(number)));
        }
    }
    ui.say(&line);
}
