//! Between rows and records: ids, times, enums as text, and errors in words.

use std::io::{ErrorKind, Write as _};
use std::str::FromStr;

use docmill_core::failure::{Failure, FailureCode};
use docmill_core::id::{BatchId, ContentHash, DocumentId, Ordinal, WorkerId};
use docmill_core::money::Usd;
use docmill_core::time::Timestamp;
use docmill_core::usage::Usage;
use rusqlite::types::Type;
use rusqlite::{ErrorCode, Row};
use uuid::Uuid;

use crate::StoreError;

/// Bits of a document's row number that hold its ordinal.
const ORDINAL_BITS: u32 = 40;

/// The largest ordinal; no document has it.
const NO_ORDINAL: u64 = (1 << ORDINAL_BITS) - 1;

/// The row number of a document. An ordinal that is too large (people type them) names
/// no document, and never one of another batch.
pub(super) fn document_row(batch: i64, ordinal: Ordinal) -> i64 {
    (batch << ORDINAL_BITS) | i64::try_from(ordinal.0.min(NO_ORDINAL)).unwrap_or(0)
}

/// The ordinal in a row number.
pub(super) fn ordinal_of(row: i64) -> Ordinal {
    Ordinal(u64::try_from(row & ((1 << ORDINAL_BITS) - 1)).unwrap_or(0))
}

/// A count or size; the database has no unsigned numbers.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads a column of a row.
pub(super) trait Columns {
    fn number(&self, column: &str) -> rusqlite::Result<u64>;
    fn small(&self, column: &str) -> rusqlite::Result<u32>;
    fn usd(&self, column: &str) -> rusqlite::Result<Usd>;
    fn time(&self, column: &str) -> rusqlite::Result<Timestamp>;
    fn name_of<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        &self,
        column: &str,
    ) -> rusqlite::Result<T>;
    fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> rusqlite::Result<T>;
    fn usage(&self) -> rusqlite::Result<Usage>;
    fn failure(&self) -> rusqlite::Result<Option<Failure>>;
    fn hash(&self, column: &str) -> rusqlite::Result<Option<ContentHash>>;
}

impl Columns for Row<'_> {
    fn number(&self, column: &str) -> rusqlite::Result<u64> {
        Ok(u64::try_from(self.get::<_, i64>(column)?).unwrap_or(0))
    }

    fn small(&self, column: &str) -> rusqlite::Result<u32> {
        Ok(u32::try_from(self.get::<_, i64>(column)?).unwrap_or(0))
    }

    fn usd(&self, column: &str) -> rusqlite::Result<Usd> {
        Ok(Usd::from_nanos(self.get(column)?))
    }

    fn time(&self, column: &str) -> rusqlite::Result<Timestamp> {
        Ok(Timestamp(self.get(column)?))
    }

    fn name_of<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        &self,
        column: &str,
    ) -> rusqlite::Result<T> {
        let index = self.as_ref().column_index(column)?;
        let text = self.get_ref(index)?.as_str()?;
        text.parse()
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error)))
    }

    fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> rusqlite::Result<T> {
        let index = self.as_ref().column_index(column)?;
        let text = self.get_ref(index)?.as_str()?;
        // Through a value: with numbers of any length, serde's tagged enums read them no other way.
        serde_json::from_str::<serde_json::Value>(text)
            .and_then(serde_json::from_value)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error)))
    }

    fn usage(&self) -> rusqlite::Result<Usage> {
        Ok(Usage {
            input_tokens: self.number("input_tokens")?,
            cached_input_tokens: self.number("cached_input_tokens")?,
            cache_write_tokens: self.number("cache_write_tokens")?,
            output_tokens: self.number("output_tokens")?,
        })
    }

    fn failure(&self) -> rusqlite::Result<Option<Failure>> {
        if self.get_ref("error_code")?.as_str_or_null()?.is_none() {
            return Ok(None);
        }
        let code: FailureCode = self.name_of("error_code")?;
        let message: Option<String> = self.get("error")?;
        Ok(Some(Failure::new(code, message.unwrap_or_default())))
    }

    fn hash(&self, column: &str) -> rusqlite::Result<Option<ContentHash>> {
        let bytes: Option<[u8; 32]> = self.get(column)?;
        Ok(bytes.map(ContentHash))
    }
}

/// The id of a batch in column `id`.
pub(super) fn batch_id(row: &Row<'_>, column: &str) -> rusqlite::Result<BatchId> {
    let bytes: [u8; 16] = row.get(column)?;
    Ok(BatchId(Uuid::from_bytes(bytes)))
}

/// The id of a worker in column `id`.
pub(super) fn worker_id(row: &Row<'_>, column: &str) -> rusqlite::Result<WorkerId> {
    let bytes: [u8; 16] = row.get(column)?;
    Ok(WorkerId(Uuid::from_bytes(bytes)))
}

/// A document's id from its row number and its batch's id.
pub(super) fn document_id(batch: BatchId, row: i64) -> DocumentId {
    DocumentId {
        batch,
        ordinal: ordinal_of(row),
    }
}

/// Explains what the database says, with the file it is about.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) path: String,
}

impl Context {
    pub(super) fn explain(&self, error: rusqlite::Error) -> StoreError {
        let path = self.path.clone();
        let Some(code) = error.sqlite_error_code() else {
            return StoreError::Database(error.to_string());
        };
        let reason = error.to_string();
        // A write refused for the size of the file (a quota, `ulimit -f`) is an I/O error to SQLite, and
        // so are a disk that turned read-only and one that is broken: a try of our own tells some of them.
        let write_failed = error.sqlite_error().is_some_and(|error| {
            matches!(
                error.extended_code,
                rusqlite::ffi::SQLITE_IOERR_WRITE
                    | rusqlite::ffi::SQLITE_IOERR_SHMSIZE
                    | rusqlite::ffi::SQLITE_IOERR_TRUNCATE
                    | rusqlite::ffi::SQLITE_IOERR_FSYNC
            )
        });
        match code {
            ErrorCode::DiskFull => StoreError::DiskFull { path },
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => StoreError::ReadOnly { path, reason },
            ErrorCode::DatabaseCorrupt => StoreError::Damaged { path, reason },
            ErrorCode::CannotOpen | ErrorCode::NotADatabase => StoreError::Unusable { path, reason },
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy,
            ErrorCode::SystemIoFailure => match why_not(&path) {
                Some(ErrorKind::ReadOnlyFilesystem) => StoreError::ReadOnly {
                    reason: "its disk is read-only".to_owned(),
                    path,
                },
                Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => StoreError::DiskFull { path },
                _ if write_failed => StoreError::WriteFailed { path, reason },
                _ => StoreError::Database(format!("{path} cannot be written or read: {reason}")),
            },
            _ => StoreError::Database(reason),
        }
    }
}

/// Why nothing can be written beside this file, when that is so.
fn why_not(path: &str) -> Option<ErrorKind> {
    let probe = format!("{path}.probe");
    let written = std::fs::File::create(&probe).and_then(|mut file| {
        file.write_all(&[0; 4096])?;
        file.sync_all()
    });
    // Left behind it is a page of zeros.
    let _ = std::fs::remove_file(&probe);
    written.err().map(|error| error.kind())
}
