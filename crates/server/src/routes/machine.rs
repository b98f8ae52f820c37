//! The machine the server runs on: processors, memory, disk.

use std::path::Path as FsPath;

use axum::extract::State;
use docmill_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::params::Query;
use crate::problem::Problem;
use crate::views::time;

/// Points of a chart.
const POINTS: usize = 300;

/// From when.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct MachineParams {
    /// From this time on, RFC 3339; absent: everything kept, a day at most.
    #[param(format = DateTime)]
    pub from: Option<String>,
}

/// What was taken of the machine at a time.
#[derive(Debug, Serialize, ToSchema)]
pub struct MachineSample {
    /// When.
    pub at: String,
    /// Processors kept busy: 1.5 is one and a half.
    pub processors: f32,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// Processes: the server and its readers.
    pub processes: u32,
}

/// A part of what is on disk.
#[derive(Debug, Serialize, ToSchema)]
pub struct StoragePart {
    /// `database`, `readings`, `uploads`, `exports` or `other`.
    pub part: String,
    /// Its size.
    pub bytes: u64,
    /// Files.
    pub files: u64,
}

/// The machine.
#[derive(Debug, Serialize, ToSchema)]
pub struct MachineView {
    /// docmill's version.
    pub version: String,
    /// Processors of the machine.
    pub processors: usize,
    /// Memory of the machine.
    pub memory_bytes: u64,
    /// Where the server keeps its files.
    pub data_dir: String,
    /// What is there.
    pub storage: Vec<StoragePart>,
    /// Room left on that disk, when the system says.
    #[schema(required)]
    pub disk_free_bytes: Option<u64>,
    /// What the server and its readers took, oldest first.
    pub samples: Vec<MachineSample>,
}

/// Processors, memory and disk, of the server and its readers.
#[utoipa::path(get, path = "/machine", tag = "settings", params(MachineParams),
    responses((status = 200, body = MachineView), (status = 400, body = Problem, content_type = "application/problem+json")))]
pub async fn machine(
    State(app): State<App>,
    Query(params): Query<MachineParams>,
) -> Result<axum::Json<MachineView>, Problem> {
    let from = params.from.as_deref().map(crate::params::moment).transpose()?;
    let samples = app.machine.since(from.unwrap_or(Timestamp(0)), POINTS);
    let folder = app.config.data_dir.clone();
    let looked = tokio::task::spawn_blocking(move || (storage(&folder), free(&folder))).await;
    let (storage, disk_free_bytes) = looked.unwrap_or_default();
    Ok(axum::Json(MachineView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        processors: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        memory_bytes: app.machine.total_memory(),
        data_dir: app.config.data_dir.display().to_string(),
        storage,
        disk_free_bytes,
        samples: samples
            .into_iter()
            .map(|sample| MachineSample {
                at: time(sample.at),
                processors: sample.processors,
                memory_bytes: sample.memory,
                processes: sample.processes,
            })
            .collect(),
    }))
}

/// Sizes of what is in the data folder; what cannot be read counts as nothing.
fn storage(folder: &FsPath) -> Vec<StoragePart> {
    let mut parts: Vec<StoragePart> = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let (bytes, files) = size(&entry.path());
        let name = match name.as_str() {
            "readings" | "uploads" | "exports" => name.as_str(),
            name if name.starts_with("docmill.db") => "database",
            _ => "other",
        };
        match parts.iter_mut().find(|part| part.part == name) {
            Some(part) => {
                part.bytes += bytes;
                part.files += files;
            }
            None => parts.push(StoragePart {
                part: name.to_owned(),
                bytes,
                files,
            }),
        }
    }
    parts.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.part.cmp(&b.part)));
    parts
}

fn size(path: &FsPath) -> (u64, u64) {
    let Ok(about) = std::fs::symlink_metadata(path) else {
        return (0, 0);
    };
    if !about.is_dir() {
        return (about.len(), 1);
    }
    let inside = std::fs::read_dir(path).into_iter().flatten().flatten();
    inside
        .map(|entry| size(&entry.path()))
        .fold((0, 0), |(bytes, files), (more, count)| {
            (bytes + more, files + count)
        })
}

#[cfg(unix)]
fn free(folder: &FsPath) -> Option<u64> {
    let about = rustix::fs::statvfs(folder).ok()?;
    Some(about.f_bavail.saturating_mul(about.f_frsize))
}

#[cfg(not(unix))]
fn free(_: &FsPath) -> Option<u64> {
    None
}
