//! Sources: what is there before a batch is made of it.

use std::path::PathBuf;

use axum::extract::State;
use docmill_source::Discovered;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::params::{Json, Query};
use crate::problem::Problem;

/// Documents of a preview.
const SHOWN: usize = 20;

/// Counting stops here; the exact number comes when the batch is made.
const COUNTED: usize = 5_000;

/// Entries of a folder shown.
const ENTRIES: usize = 500;

/// Sources to look at.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Sources {
    /// Folders below an allowed one, buckets, `upload:ID`.
    #[schema(min_items = 1)]
    pub sources: Vec<String>,
}

/// A document of a preview.
#[derive(Debug, Serialize, ToSchema)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// What is there.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    /// The first 20.
    pub documents: Vec<Found>,
    /// How many there are.
    pub count: u64,
    /// Whether that is all of them, or where counting stopped.
    pub count_is_exact: bool,
    /// Their sizes together, of those counted.
    pub bytes: u64,
    /// What was left out, and why.
    pub notices: Vec<String>,
}

/// Looks at sources without making a batch.
#[utoipa::path(post, path = "/sources/preview", tag = "sources", request_body = Sources,
    responses((status = 200, body = Preview), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn preview(
    State(app): State<App>,
    Json(wanted): Json<Sources>,
) -> Result<axum::Json<Preview>, Problem> {
    let mut sources = Vec::new();
    for source in &wanted.sources {
        sources.push(app.allowed_source(source)?);
    }
    let found = app.engine.preview(&sources, COUNTED).await?;
    let is_exact = found.len() < COUNTED;
    let mut preview = Preview {
        documents: Vec::new(),
        count: 0,
        count_is_exact: is_exact,
        bytes: 0,
        notices: Vec::new(),
    };
    for item in found {
        match item {
            Discovered::Document(found) => {
                preview.count += 1;
                preview.bytes = preview.bytes.saturating_add(found.bytes);
                if preview.documents.len() < SHOWN {
                    preview.documents.push(Found {
                        name: found.name,
                        bytes: found.bytes,
                    });
                }
            }
            Discovered::Notice(notice) if preview.notices.len() < SHOWN => preview.notices.push(notice),
            Discovered::Notice(_) => {}
        }
    }
    Ok(axum::Json(preview))
}

/// Which folder.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct FolderQuery {
    /// Its path; absent: the allowed folders.
    pub path: Option<String>,
}

/// Something in a folder.
#[derive(Debug, Serialize, ToSchema)]
pub struct FolderEntry {
    /// Its name.
    pub name: String,
    /// Its path, to be used as a source.
    pub path: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Size of a file.
    pub bytes: u64,
}

/// A folder on the server.
#[derive(Debug, Serialize, ToSchema)]
pub struct Folder {
    /// Its path; empty: the allowed folders.
    pub path: String,
    /// The folder above it, when that is allowed too.
    #[schema(required)]
    pub above: Option<String>,
    /// What is in it, folders first, at most 500.
    pub entries: Vec<FolderEntry>,
    /// Whether there is more.
    pub is_cut: bool,
}

/// Folders on the server, below the allowed ones.
#[utoipa::path(get, path = "/sources/folders", tag = "sources", params(FolderQuery),
    responses((status = 200, body = Folder), (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn folders(
    State(app): State<App>,
    Query(query): Query<FolderQuery>,
) -> Result<axum::Json<Folder>, Problem> {
    let Some(path) = query.path.filter(|path| !path.is_empty()) else {
        let entries = app.config.roots.iter().map(|root| FolderEntry {
            name: root.display().to_string(),
            path: root.display().to_string(),
            is_folder: true,
            bytes: 0,
        });
        return Ok(axum::Json(Folder {
            path: String::new(),
            above: None,
            entries: entries.collect(),
            is_cut: false,
        }));
    };
    let folder = app.allowed_path(&PathBuf::from(path))?;
    let above = folder
        .parent()
        .filter(|above| app.config.roots.iter().any(|root| above.starts_with(root)))
        .map(|above| above.display().to_string());
    let shown = folder.clone();
    let (entries, is_cut) = tokio::task::spawn_blocking(move || entries(&folder))
        .await
        .map_err(|error| Problem::unprocessable("source", error.to_string()))?
        .map_err(|error| {
            Problem::unprocessable("source", format!("{} cannot be opened: {error}", shown.display()))
        })?;
    Ok(axum::Json(Folder {
        path: shown.display().to_string(),
        above,
        entries,
        is_cut,
    }))
}

fn entries(folder: &std::path::Path) -> std::io::Result<(Vec<FolderEntry>, bool)> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        // Hidden files are no documents, and a name that is not Unicode cannot be asked for.
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
            continue;
        };
        let Ok(about) = std::fs::metadata(entry.path()) else {
            continue;
        };
        entries.push(FolderEntry {
            name: name.to_owned(),
            path: entry.path().display().to_string(),
            is_folder: about.is_dir(),
            bytes: if about.is_dir() { 0 } else { about.len() },
        });
    }
    entries.sort_by(|a, b| b.is_folder.cmp(&a.is_folder).then_with(|| a.name.cmp(&b.name)));
    let is_cut = entries.len() > ENTRIES;
    entries.truncate(ENTRIES);
    Ok((entries, is_cut))
}
