//! Uploads: files from a browser, streamed to disk. Each file can be sent in pieces: who
//! lost the connection asks how much arrived and goes on from there.

use std::io::SeekFrom;
use std::path::{Component, Path as FilePath, PathBuf};

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use docmill_engine::private;
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::params::{Path, Query};
use crate::problem::Problem;

/// An upload.
#[derive(Debug, Serialize, ToSchema)]
pub struct Upload {
    /// Its id; as a source: `upload:ID`.
    pub id: String,
}

/// Begins an upload.
#[utoipa::path(post, path = "/uploads", tag = "sources", responses((status = 201, body = Upload)))]
pub async fn begin(State(app): State<App>) -> Result<(StatusCode, axum::Json<Upload>), Problem> {
    let id = uuid::Uuid::now_v7().to_string();
    let folder = app.upload_folder(&id)?;
    private::create_folder(&folder).map_err(|error| disk(&error))?;
    Ok((StatusCode::CREATED, axum::Json(Upload { id })))
}

/// Which file.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct FileQuery {
    /// Its path in the upload: `2024/march/invoice.pdf`.
    #[param(required)]
    pub path: String,
    /// Where these bytes belong; absent: at the beginning.
    pub offset: u64,
}

/// A file of an upload.
#[derive(Debug, Serialize, ToSchema)]
pub struct UploadedFile {
    /// Its path in the upload.
    pub path: String,
    /// Bytes that arrived.
    pub bytes: u64,
}

/// How much of a file arrived.
#[utoipa::path(get, path = "/uploads/{upload}", tag = "sources",
    params(("upload" = String, Path, description = "Its id"), FileQuery),
    responses((status = 200, body = UploadedFile), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn state(
    State(app): State<App>,
    Path(upload): Path<String>,
    Query(query): Query<FileQuery>,
) -> Result<axum::Json<UploadedFile>, Problem> {
    let path = existing(&app, &upload).await?.join(inside(&query.path)?);
    let bytes = tokio::fs::metadata(&path).await.map_or(0, |about| about.len());
    Ok(axum::Json(UploadedFile {
        path: query.path,
        bytes,
    }))
}

/// Sends a file, or the rest of one.
#[utoipa::path(put, path = "/uploads/{upload}/files", tag = "sources",
    params(("upload" = String, Path, description = "Its id"), FileQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = UploadedFile), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The offset is not where the file ends", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The file is too large", body = Problem, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = Problem, content_type = "application/problem+json")))]
pub async fn put(
    State(app): State<App>,
    Path(upload): Path<String>,
    Query(query): Query<FileQuery>,
    body: Body,
) -> Result<axum::Json<UploadedFile>, Problem> {
    let path = existing(&app, &upload).await?.join(inside(&query.path)?);
    if let Some(folder) = path.parent() {
        private::create_folder(folder).map_err(|error| disk(&error))?;
    }
    let mut file = tokio::fs::OpenOptions::from(private::file())
        .create(true)
        .truncate(query.offset == 0)
        .write(true)
        .open(&path)
        .await
        .map_err(|error| disk(&error))?;
    let length = file.seek(SeekFrom::End(0)).await.map_err(|error| disk(&error))?;
    if query.offset > length {
        return Err(Problem::conflict(format!(
            "{length} bytes of {} arrived, and these begin at {}",
            query.path, query.offset
        )));
    }
    file.seek(SeekFrom::Start(query.offset))
        .await
        .map_err(|error| disk(&error))?;
    let mut bytes = query.offset;
    let mut stream = body.into_data_stream();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| Problem::bad_request(format!("the connection broke: {error}")))?;
        bytes += piece.len() as u64;
        if bytes > app.config.max_upload_bytes {
            drop(file);
            // Half of a file is no document.
            let _ = tokio::fs::remove_file(&path).await;
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                format!(
                    "{} is larger than {} bytes",
                    query.path, app.config.max_upload_bytes
                ),
            ));
        }
        file.write_all(&piece).await.map_err(|error| disk(&error))?;
    }
    file.flush().await.map_err(|error| disk(&error))?;
    Ok(axum::Json(UploadedFile {
        path: query.path,
        bytes,
    }))
}

async fn existing(app: &App, upload: &str) -> Result<PathBuf, Problem> {
    let folder = app.upload_folder(upload)?;
    match tokio::fs::try_exists(&folder).await {
        Ok(true) => Ok(folder),
        _ => Err(Problem::not_found(format!("there is no upload {upload}"))),
    }
}

/// A path inside the upload: nothing that leads out of it, and no name the system minds.
fn inside(path: &str) -> Result<PathBuf, Problem> {
    let wrong = || Problem::bad_request(format!("{path:?} is no path of a file"));
    let path_of = FilePath::new(path);
    if path.is_empty() || path.len() > 1000 || path.contains(['\0', '\\']) || path.ends_with('/') {
        return Err(wrong());
    }
    let mut clean = PathBuf::new();
    for part in path_of.components() {
        match part {
            Component::Normal(name) if name.len() <= 255 => clean.push(name),
            _ => return Err(wrong()),
        }
    }
    Ok(clean)
}

fn disk(error: &std::io::Error) -> Problem {
    match error.kind() {
        std::io::ErrorKind::StorageFull => Problem::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "disk_full",
            "the disk of the server is full",
        ),
        std::io::ErrorKind::NotADirectory
        | std::io::ErrorKind::IsADirectory
        | std::io::ErrorKind::AlreadyExists => {
            Problem::conflict("a file and a folder of the upload have the same name")
        }
        _ => Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "disk",
            format!("the file cannot be kept: {error}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_upload() {
        for path in ["../x", "a/../../x", "/etc/passwd", "", "a/", "a\\b", "a\0b", "."] {
            assert!(inside(path).is_err(), "{path:?}");
        }
        assert_eq!(
            inside("2024/März/a b.pdf").unwrap(),
            PathBuf::from("2024/März/a b.pdf")
        );
    }
}
