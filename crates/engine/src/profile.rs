//! The profile of a batch: everything is read once, tokens are counted, and a price is named
//! before a cent is spent. What was read is kept, so that the run does not read again.

use docmill_core::batch::BatchEvent;
use docmill_core::document::DocumentState;
use docmill_core::estimate::{Estimate, Estimator, Pace};
use docmill_core::id::BatchId;
use docmill_store::{DocumentProfile, DocumentQuery, Position};
use futures::{StreamExt, stream};

use crate::measure::look;
use crate::pipeline::Setup;
use crate::{Engine, EngineError};

/// Documents looked up at a time.
const PAGE: u32 = 500;

/// How much of a batch is profiled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProfileProgress {
    /// Documents counted.
    pub counted: u64,
    /// Of these: cannot be read, and will fail.
    pub unreadable: u64,
    /// Documents to count.
    pub total: u64,
}

impl Engine {
    /// Reads every pending document, counts its pages and tokens, and predicts cost and time.
    /// Makes no paid call. The estimate is stored with the batch.
    ///
    /// # Errors
    /// When the model or the template cannot be used, or the store fails.
    pub async fn estimate(
        &self,
        id: BatchId,
        on_progress: &(dyn Fn(ProfileProgress, &Estimator) + Sync),
    ) -> Result<Estimate, EngineError> {
        let store = &self.parts.store;
        let row = store.batch(id).await?;
        let setup = Setup::new(self, &row)?;
        setup.learning.load(store.as_ref()).await?;
        let before = row.state;
        if BatchEvent::Estimate.is_taken_by(before) {
            store
                .transition(id, BatchEvent::Estimate, "counting pages and tokens", self.now())
                .await??;
        }
        let encoding = setup.resolved.provider.encoding(&setup.resolved.model);
        if let Some(encoding) = encoding {
            // Its table takes a while: not on a thread that others wait for.
            let loaded = tokio::task::spawn_blocking(move || encoding.load()).await;
            loaded.map_err(|error| EngineError::Bug(error.to_string()))?;
        }
        let mut estimator = Estimator::new(row.plan.price.clone(), pace(&setup))
            .with_learned(setup.learning.known())
            .with_tokenizer(encoding.is_some())
            .with_fallbacks(&row.plan.fallbacks)
            .with_hedges(row.plan.hedge);
        let mut progress = ProfileProgress {
            total: row.counters.pending,
            ..ProfileProgress::default()
        };
        let mut query = DocumentQuery {
            states: vec![DocumentState::Pending],
            limit: PAGE,
            ..DocumentQuery::default()
        };
        loop {
            let page = store.documents(id, query.clone()).await?;
            let mut profiled = Vec::with_capacity(page.rows.len());
            let mut looks = stream::iter(page.rows)
                .map(|document| look(&setup, document))
                .buffered(setup.loader.reader_count() * 2);
            while let Some(look) = looks.next().await {
                progress.counted += 1;
                match look.sample {
                    Ok(sample) => {
                        profiled.push(DocumentProfile {
                            ordinal: look.ordinal,
                            kind: sample.kind,
                            class: sample.sample.class,
                            pages: sample.sample.pages,
                            input_tokens: sample.sample.expected.total_input(),
                        });
                        estimator.add(&sample.sample);
                    }
                    Err(failure) => {
                        progress.unreadable += 1;
                        estimator.add_unreadable(&failure);
                    }
                }
                on_progress(progress, &estimator);
            }
            drop(looks);
            store.profile(id, profiled, self.now()).await?;
            match page.next {
                Some(cursor) => query.position = Position::After(cursor),
                None => break,
            }
        }
        let estimate = estimator.finish();
        let stored = serde_json::to_value(&estimate).map_err(|error| EngineError::Bug(error.to_string()))?;
        store.set_estimate(id, stored, self.now()).await?;
        if BatchEvent::Estimate.is_taken_by(before) {
            store
                .transition(id, BatchEvent::Estimated, "counted", self.now())
                .await??;
        }
        Ok(estimate)
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> docmill_core::Timestamp {
        self.parts.clock.now()
    }
}

/// How fast calls of this plan go. Readings are kept, so that the run hardly reads.
fn pace(setup: &Setup) -> Pace {
    let readers = u32::try_from(setup.loader.reader_count()).unwrap_or(u32::MAX);
    Pace {
        concurrency: setup.concurrency(),
        readers,
        ..Pace::default()
    }
}
