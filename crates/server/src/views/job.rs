//! Jobs in the background.

use docmill_engine::jobs::JobSpec;
use docmill_store::JobRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time;

/// Something done in the background.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobView {
    /// Its number.
    pub id: u64,
    /// The batch it is about.
    pub batch: String,
    /// `prepare`, `retry`, `skip`, `assign`, `approve` or `export`.
    pub kind: String,
    /// `running`, `done`, `cancelled` or `failed`.
    pub state: String,
    /// Documents it is about, as far as is known.
    pub total: u64,
    /// Documents it has been through.
    pub done: u64,
    /// Of these: changed.
    pub changed: u64,
    /// What there is to say about it.
    pub message: String,
    /// Files to fetch, of an export that is done.
    pub files: Vec<String>,
    /// When it was asked for.
    pub created_at: String,
    /// When it last moved.
    pub updated_at: String,
}

impl From<&JobRow> for JobView {
    fn from(row: &JobRow) -> Self {
        let spec = serde_json::from_value::<JobSpec>(row.spec.clone()).ok();
        let kind = match &spec {
            Some(JobSpec::Prepare { .. }) => "prepare".to_owned(),
            Some(JobSpec::Bulk { action, .. }) => serde_json::to_value(action)
                .ok()
                .and_then(|name| name.as_str().map(str::to_owned))
                .unwrap_or_default(),
            Some(JobSpec::Export { .. }) => "export".to_owned(),
            None => String::new(),
        };
        let is_export = matches!(spec, Some(JobSpec::Export { .. }));
        let has_files = is_export && row.state == docmill_store::JobState::Done;
        let (message, files) = if has_files {
            (String::new(), row.message.lines().map(str::to_owned).collect())
        } else {
            (row.message.clone(), Vec::new())
        };
        Self {
            id: row.id,
            batch: row.batch.to_string(),
            kind,
            state: row.state.as_str().to_owned(),
            total: row.total,
            done: row.done,
            changed: row.changed,
            message,
            files,
            created_at: time(row.created_at),
            updated_at: time(row.updated_at),
        }
    }
}

/// Jobs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobList {
    /// The jobs.
    pub jobs: Vec<JobView>,
}
