//! Jobs: what is done in the background for a person: getting a batch ready, doing
//! the same to many documents, writing results. A job is a row in the store, so
//! that it goes on after a restart; every step of one can be done twice without harm.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use docmill_core::document::DocumentState;
use docmill_core::id::{BatchId, Ordinal};
use docmill_core::money::Usd;
use docmill_store::{
    BulkAction, DocumentQuery, JobProgress, JobRow, JobState, Matching, Position, ResultRow, SortBy,
};
use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use crate::export::{self, CsvStyle, ExportError, Format, Options, Target};
use crate::{Engine, EngineError};

/// Documents changed in one transaction.
const CHUNK: u32 = 500;

/// How often a job says how far it is.
const SAY: Duration = Duration::from_millis(300);

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum JobSpec {
    /// Adds the documents of the batch's sources, then counts what they will cost.
    Prepare {
        /// Starts the batch afterwards without being asked again.
        start: bool,
    },
    /// Does the same to every document that matches.
    Bulk {
        /// What.
        action: BulkAction,
        /// To which.
        query: Box<DocumentQuery>,
        /// Only these of them; empty: all.
        ordinals: Vec<Ordinal>,
        /// For whom.
        who: String,
    },
    /// Writes results into the data folder, to be fetched from there.
    Export {
        /// The format's name.
        format: String,
        /// With evidence columns.
        evidence: bool,
        /// How CSV is written.
        #[serde(default)]
        csv: CsvStyle,
        /// Of which documents.
        query: Box<DocumentQuery>,
        /// Only these of them; empty: all.
        ordinals: Vec<Ordinal>,
    },
}

/// How far a job is, shared between who does it and who says so.
struct Place {
    progress: Mutex<JobProgress>,
}

impl Place {
    fn change(&self, change: impl FnOnce(&mut JobProgress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn now(&self) -> JobProgress {
        self.progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Engine {
    /// The folder a job's files are in.
    #[must_use]
    pub fn job_folder(&self, job: u64) -> PathBuf {
        self.settings.data_dir.join("exports").join(job.to_string())
    }

    /// Does a job to its end, from where it was left. It is over when a person cancelled it.
    ///
    /// # Errors
    /// Only when the store fails: what goes wrong with the job itself is written down with it.
    pub fn do_job<'e>(&'e self, job: &'e JobRow) -> BoxFuture<'e, Result<(), EngineError>> {
        Box::pin(self.do_it(job))
    }

    async fn do_it(&self, job: &JobRow) -> Result<(), EngineError> {
        let place = Arc::new(Place {
            progress: Mutex::new(JobProgress {
                state: JobState::Running,
                total: job.total,
                done: job.done,
                changed: job.changed,
                cursor: job.cursor.clone(),
                message: job.message.clone(),
            }),
        });
        let work = self.work_on(job, &place);
        tokio::pin!(work);
        let ended = loop {
            tokio::select! {
                ended = &mut work => break ended,
                () = tokio::time::sleep(SAY) => {
                    let state = self.parts.store.move_job(job.id, place.now(), self.now()).await?;
                    if state != JobState::Running {
                        return Ok(());
                    }
                }
            }
        };
        place.change(|progress| match &ended {
            Ok(()) => progress.state = JobState::Done,
            Err(error) => {
                progress.state = JobState::Failed;
                progress.message = match error.hint() {
                    Some(hint) => format!("{error}; {hint}"),
                    None => error.to_string(),
                };
            }
        });
        self.parts.store.move_job(job.id, place.now(), self.now()).await?;
        Ok(())
    }

    async fn work_on(&self, job: &JobRow, place: &Place) -> Result<(), EngineError> {
        let spec: JobSpec = serde_json::from_value(job.spec.clone())
            .map_err(|error| EngineError::Bug(format!("a job nobody understands: {error}")))?;
        match spec {
            JobSpec::Prepare { start } => self.prepare(job.batch, start, place).await,
            JobSpec::Bulk {
                action,
                query,
                ordinals,
                who,
            } => self.bulk(job, action, *query, ordinals, &who, place).await,
            JobSpec::Export {
                format,
                evidence,
                csv,
                query,
                ordinals,
            } => {
                self.write_results(job, &format, (evidence, csv), *query, ordinals, place)
                    .await
            }
        }
    }

    async fn prepare(&self, batch: BatchId, start: bool, place: &Place) -> Result<(), EngineError> {
        let store = &self.parts.store;
        let sources = store.batch(batch).await?.sources;
        place.change(|progress| progress.message = "looking for documents".to_owned());
        let ingested = self
            .ingest(batch, &sources, &|so_far| {
                let found = so_far.rows.added + so_far.rows.known;
                place.change(|progress| progress.done = found);
            })
            .await?;
        if ingested.rows.added + ingested.rows.known == 0 {
            let notice = ingested
                .notices
                .first()
                .map_or_else(|| "there are none in its sources".to_owned(), Clone::clone);
            return Err(EngineError::NoDocuments(notice));
        }
        if start && store.batch(batch).await?.plan.price.is_free() {
            // Nobody waits for a price to agree to.
            place.change(|progress| progress.message = ingested.notices.join(" "));
            return self
                .start(batch, "started as soon as its documents were found")
                .await;
        }
        place.change(|progress| {
            progress.message = "counting pages and tokens".to_owned();
            progress.done = 0;
        });
        let estimate = self
            .estimate(batch, &|so_far, estimator| {
                // Sums of a few classes: cheap beside reading a document.
                let cost = estimator.finish().total.cost;
                place.change(|progress| {
                    progress.done = so_far.counted;
                    progress.total = so_far.total;
                    if cost > Usd::ZERO {
                        let all = in_all(cost, so_far.counted, so_far.total);
                        progress.message =
                            format!("counting pages and tokens: {cost} so far, about {all} in all");
                    }
                });
            })
            .await?;
        let mut words = ingested.notices;
        words.insert(0, format!("{} documents counted", estimate.total.documents));
        place.change(|progress| progress.message = words.join(" "));
        if start {
            self.start(batch, "started as soon as it was counted").await?;
        }
        Ok(())
    }

    async fn bulk(
        &self,
        job: &JobRow,
        action: BulkAction,
        query: DocumentQuery,
        ordinals: Vec<Ordinal>,
        who: &str,
        place: &Place,
    ) -> Result<(), EngineError> {
        let store = &self.parts.store;
        if !ordinals.is_empty() {
            let total = ordinals.len() as u64;
            let changed = store.bulk(job.batch, ordinals, action, who, self.now()).await?;
            place.change(|progress| {
                (progress.total, progress.done, progress.changed) = (total, total, changed);
            });
            return Ok(());
        }
        let mut query = in_order(query);
        self.prepare_values(job.batch, &query, Duration::MAX).await?;
        if let Some(cursor) = place.now().cursor {
            query.position = Position::After(cursor);
        }
        loop {
            let page = store.documents(job.batch, query.clone()).await?;
            let found: Vec<Ordinal> = page.rows.iter().map(|row| row.ordinal).collect();
            let count = found.len() as u64;
            let changed = store.bulk(job.batch, found, action, who, self.now()).await?;
            // A stop now and then, for others who write.
            place.change(|progress| {
                progress.done += count;
                progress.changed += changed;
                progress.cursor.clone_from(&page.next);
                progress.total = progress.total.max(progress.done);
            });
            let state = store.move_job(job.id, place.now(), self.now()).await?;
            match page.next {
                Some(cursor) if state == JobState::Running => query.position = Position::After(cursor),
                _ => return Ok(()),
            }
        }
    }

    async fn write_results(
        &self,
        job: &JobRow,
        format: &str,
        (evidence, csv): (bool, CsvStyle),
        query: DocumentQuery,
        ordinals: Vec<Ordinal>,
        place: &Place,
    ) -> Result<(), EngineError> {
        let format: Format = format.parse().map_err(export_failed)?;
        let batch = self.parts.store.batch(job.batch).await?;
        let folder = self.job_folder(job.id);
        if let Some(exports) = folder.parent() {
            crate::private::create_folder(exports)
                .map_err(|error| crate::recovery::folder_error(exports, &error))?;
        }
        // An export begun before a restart is begun again: what was not finished was not put in place.
        let options = Options {
            format,
            evidence,
            csv,
            states: Vec::<DocumentState>::new(),
        };
        let rows = if ordinals.is_empty() {
            let query = in_order(query);
            self.prepare_values(job.batch, &query, Duration::MAX).await?;
            self.matching_rows(job.batch, query).boxed()
        } else {
            let rows = self.parts.store.results_of(job.batch, ordinals);
            stream::once(async { Ok(rows.await?) }).boxed()
        };
        let done = |documents| place.change(|progress| progress.done = documents);
        let written = export::export_rows(rows, &batch, Target::Folder(folder), options, &done)
            .await
            .map_err(export_failed)?;
        place.change(|progress| {
            progress.changed = written.documents;
            progress.done = written.documents;
            progress.total = written.documents;
            let names = written.files.iter().filter_map(|file| file.file_name());
            let names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
            progress.message = names.join("\n");
        });
        Ok(())
    }

    /// Documents that match, with their results, page by page.
    fn matching_rows(
        &self,
        batch: BatchId,
        query: DocumentQuery,
    ) -> impl futures::Stream<Item = Result<Vec<ResultRow>, ExportError>> + Send + '_ {
        stream::try_unfold(Some(query), move |query| async move {
            let Some(mut query) = query else { return Ok(None) };
            let page = self.parts.store.documents(batch, query.clone()).await?;
            let ordinals = page.rows.iter().map(|row| row.ordinal).collect();
            let rows = self.parts.store.results_of(batch, ordinals).await?;
            let next = page.next.map(|cursor| {
                query.position = Position::After(cursor);
                query
            });
            Ok(Some((rows, next)))
        })
    }

    /// How many documents a job would be about.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count(&self, batch: BatchId, query: DocumentQuery) -> Result<Matching, EngineError> {
        let query = DocumentQuery {
            limit: 1,
            position: Position::First,
            ..query
        };
        self.prepare_values(batch, &query, Duration::MAX).await?;
        Ok(self.parts.store.documents(batch, query).await?.matching)
    }
}

/// From the first document to the last: the order in which a job can go on anywhere.
fn in_order(query: DocumentQuery) -> DocumentQuery {
    DocumentQuery {
        sort: SortBy::Ordinal,
        sort_field: None,
        descending: false,
        position: Position::First,
        limit: CHUNK,
        ..query
    }
}

fn export_failed(error: ExportError) -> EngineError {
    EngineError::Export(error.to_string())
}

/// What all will cost when the rest is as what was counted.
fn in_all(cost: Usd, counted: u64, total: u64) -> Usd {
    let nanos = i128::from(cost.nanos()) * i128::from(total) / i128::from(counted.max(1));
    Usd::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}
