//! Finding or making the batch a person means: the same sources, template and
//! model are the same batch, so that typing a command twice goes on instead of
//! starting over.

use docmill_core::batch::BatchEvent;
use docmill_core::id::BatchId;
use docmill_core::money::Usd;
use docmill_core::plan::Plan;
use docmill_core::template::Template;
use docmill_store::{BatchQuery, BatchRow, NewBatch};
use uuid::Uuid;

use crate::{Engine, EngineError};

/// What a person wants done.
#[derive(Debug, Clone)]
pub struct BatchSpec {
    /// What to call it; `None`: made from the first source and the template.
    pub name: Option<String>,
    /// Where its documents come from. Relative paths are made absolute by the caller, so
    /// that the same command in another folder is another batch.
    pub sources: Vec<String>,
    /// What to take out.
    pub template: Template,
    /// How.
    pub plan: Plan,
    /// The wall.
    pub budget: Option<Usd>,
    /// Who wants it, as far as is known.
    pub owner: String,
    /// Make a new batch even when there is one like it.
    pub fresh: bool,
}

/// The batch that was found or made.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The batch.
    pub batch: BatchRow,
    /// Whether it was there already.
    pub existing: bool,
}

impl Engine {
    /// Finds the newest batch with the same sources, template and model, or makes one.
    /// Documents can be added to what comes back, whatever state it was in.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn open_batch(&self, spec: BatchSpec) -> Result<Opened, EngineError> {
        let store = &self.parts.store;
        if !spec.fresh {
            let same = |row: &BatchRow| {
                row.sources == spec.sources
                    && row.template == spec.template
                    && row.plan.model == spec.plan.model
                    && row.plan.base_url == spec.plan.base_url
                    && spec.name.as_ref().is_none_or(|name| *name == row.name)
            };
            if let Some(row) = store.batches(BatchQuery::default()).await?.into_iter().find(same) {
                return self.reopen(row, &spec).await;
            }
        }
        Ok(Opened {
            batch: self.make_batch(spec, None).await?,
            existing: false,
        })
    }

    /// Makes a batch, with a job for it when there is one, in one transaction.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn make_batch(
        &self,
        spec: BatchSpec,
        job: Option<serde_json::Value>,
    ) -> Result<BatchRow, EngineError> {
        let store = &self.parts.store;
        let id = BatchId(Uuid::now_v7());
        let name = match spec.name {
            Some(name) => name,
            None => self.free_name(&spec.sources, &spec.template.name).await?,
        };
        let new = NewBatch {
            id,
            name,
            template: spec.template,
            plan: spec.plan,
            budget: spec.budget,
            sources: spec.sources,
            owner: spec.owner,
        };
        let now = self.parts.clock.now();
        match job {
            Some(job) => drop(store.create_batch_with_job(new, job, now).await?),
            None => store.create_batch(new, now).await?,
        }
        Ok(store.batch(id).await?)
    }

    /// An existing batch takes the plan's changeable parts and an explicit budget from the new command.
    async fn reopen(&self, row: BatchRow, spec: &BatchSpec) -> Result<Opened, EngineError> {
        let store = &self.parts.store;
        let now = self.parts.clock.now();
        if row.plan != spec.plan {
            store.set_plan(row.id, spec.plan.clone(), now).await?;
        }
        if spec.budget.is_some() && spec.budget != row.balance.budget {
            store.set_budget(row.id, spec.budget, now).await?;
        }
        Ok(Opened {
            batch: store.batch(row.id).await?,
            existing: true,
        })
    }

    /// `receipts` of `receipt`, then `receipts-2` and so on: names are what people type.
    async fn free_name(&self, sources: &[String], template: &str) -> Result<String, EngineError> {
        let base = sources
            .first()
            .map_or_else(|| template.to_owned(), |source| called_after(source));
        let taken: Vec<String> = self
            .parts
            .store
            .batches(BatchQuery::default())
            .await?
            .into_iter()
            .map(|row| row.name)
            .collect();
        let mut name = base.clone();
        let mut number = 1_u32;
        while taken.contains(&name) {
            number += 1;
            name = format!("{base}-{number}");
        }
        Ok(name)
    }

    /// Moves a batch to `running`, from whatever state allows it.
    ///
    /// # Errors
    /// When the state does not allow it, or the store fails.
    pub async fn start(&self, id: BatchId, reason: &str) -> Result<(), EngineError> {
        // A process may have died between adding documents and saying so.
        self.reopen_for_added(id).await?;
        let store = &self.parts.store;
        let row = store.batch(id).await?;
        let now = self.parts.clock.now();
        let event = match row.state {
            docmill_core::BatchState::Draft
            | docmill_core::BatchState::Estimating
            | docmill_core::BatchState::Ready
            | docmill_core::BatchState::Running => BatchEvent::Start,
            _ => BatchEvent::Resume,
        };
        store.transition(id, event, reason, now).await??;
        Ok(())
    }
}

/// What a batch is called after. The folder of an upload has an id for a name; what is in it
/// says more, when it is one thing.
fn called_after(source: &str) -> String {
    let last = last_part(source);
    if last.parse::<uuid::Uuid>().is_err() {
        return last.to_owned();
    }
    let mut inside = std::fs::read_dir(source).into_iter().flatten().flatten();
    match (inside.next(), inside.next()) {
        (Some(only), None) => only.file_name().to_string_lossy().into_owned(),
        _ => "upload".to_owned(),
    }
}

/// The last meaningful part of a path or URL.
pub fn last_part(source: &str) -> &str {
    source
        .trim_end_matches(['/', '\\'])
        .rsplit(['/', '\\'])
        .find(|part| !part.is_empty() && !part.ends_with(':'))
        .unwrap_or("documents")
}

#[cfg(test)]
mod tests {
    use super::{called_after, last_part};

    #[test]
    fn batches_are_named_after_where_their_documents_are() {
        assert_eq!(last_part("/data/receipts/"), "receipts");
        assert_eq!(last_part("s3://bucket/2024/march"), "march");
        assert_eq!(last_part("s3://bucket"), "bucket");
        assert_eq!(last_part("/"), "documents");
    }

    #[test]
    fn an_upload_is_named_after_what_is_in_it() {
        let uploads = tempfile::tempdir().unwrap();
        let folder = uploads.path().join("01a20b7a-6b9b-7090-9ab0-f7f5676b0571");
        std::fs::create_dir_all(folder.join("march")).unwrap();
        assert_eq!(called_after(folder.to_str().unwrap()), "march");
        std::fs::write(folder.join("april.pdf"), "x").unwrap();
        assert_eq!(called_after(folder.to_str().unwrap()), "upload");
    }
}
