//! What calls teach, kept across batches on a shelf of the store: how many tokens prompts of a
//! model really have, and how long its answers to a template are. Learned as answers come in,
//! written down now and then: losing some of it costs a wider estimate, nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use docmill_core::attempt::AnswerKey;
use docmill_core::learned::{CallCost, Learned};
use docmill_core::plan::Plan;
use docmill_core::template::Template;
use docmill_core::time::Timestamp;
use docmill_store::{Store, StoreError};

/// Where it is kept.
const SHELF: &str = "learned";

/// The limit on answers is chosen anew after so many.
const CHOOSE_AGAIN: u64 = 64;

/// Everything this process learns, by model and template.
#[derive(Default)]
pub(crate) struct Learnings {
    by_name: Mutex<HashMap<String, Arc<Learning>>>,
}

impl Learnings {
    /// What is known of this model with this template.
    pub(crate) fn of(&self, plan: &Plan, template: &Template) -> Arc<Learning> {
        let name = name(plan, template);
        let mut all = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let learning = all.entry(name.clone()).or_insert_with(|| {
            Arc::new(Learning {
                name,
                state: Mutex::default(),
            })
        });
        Arc::clone(learning)
    }
}

/// A model at an address, and a schema: a template that was changed is another.
fn name(plan: &Plan, template: &Template) -> String {
    let schema = template.schema.to_string();
    let digest = AnswerKey::of(&[schema.as_bytes(), template.instructions.as_bytes()]);
    let at = plan.base_url.as_deref().unwrap_or_default();
    format!(
        "{} {at} {} {}",
        plan.model,
        template.name,
        &digest.0.to_hex()[..16]
    )
}

/// What is known of one model with one template.
pub(crate) struct Learning {
    name: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_loaded: bool,
    known: Learned,
    /// Answers since the last writing down.
    unwritten: u64,
    /// The limit that was chosen, and after how many answers.
    chosen: Option<(u64, u32)>,
}

impl Learning {
    /// Takes what was learned before, once.
    pub(crate) async fn load(&self, store: &dyn Store) -> Result<(), StoreError> {
        if self.state().is_loaded {
            return Ok(());
        }
        let kept = store.kept(SHELF).await?;
        let before = kept
            .into_iter()
            .find(|row| row.name == self.name)
            // What cannot be read was written by another version; it is learned again.
            .and_then(|row| serde_json::from_value::<Learned>(row.value).ok());
        let mut state = self.state();
        if !state.is_loaded {
            state.is_loaded = true;
            if let Some(before) = before {
                state.known.add(&before);
                state.chosen = None;
            }
        }
        Ok(())
    }

    /// Writes down what was learned since the last time.
    pub(crate) async fn save(&self, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
        let known = {
            let mut state = self.state();
            if state.unwritten == 0 {
                return Ok(());
            }
            state.unwritten = 0;
            state.known.clone()
        };
        match serde_json::to_value(&known) {
            Ok(value) => store.keep(SHELF, &self.name, Some(value), now).await,
            Err(error) => {
                tracing::debug!(%error, "what was learned could not be written as JSON");
                Ok(())
            }
        }
    }

    /// What is known.
    pub(crate) fn known(&self) -> Learned {
        self.state().known.clone()
    }

    /// Takes what a call taught.
    pub(crate) fn teach(&self, teach: impl FnOnce(&mut Learned)) {
        let mut state = self.state();
        teach(&mut state.known);
        state.unwritten += 1;
    }

    /// The probable tokens of a prompt that was counted as `counted`; never more than `hard`.
    pub(crate) fn expected_input(&self, counted: u64, hard: u64) -> u64 {
        self.state().known.input.expect(counted).min(hard)
    }

    /// The limit on the next answer.
    pub(crate) fn answer_limit(&self, first: u32, ceiling: u32, cost: impl FnOnce() -> CallCost) -> u32 {
        let mut state = self.state();
        let seen = state.known.lengths.total();
        if let Some((at, limit)) = state.chosen
            && seen < at + CHOOSE_AGAIN
            && seen >= at
        {
            return limit.min(ceiling);
        }
        let limit = state.known.lengths.limit(first, ceiling, &cost());
        state.chosen = Some((seen, limit));
        limit
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
