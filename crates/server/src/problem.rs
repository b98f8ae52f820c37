//! Problems: what goes wrong, as RFC 9457 problem documents that a person can act on.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use docmill_core::failure::Failure;
use docmill_engine::{EngineError, ModelTrouble};
use docmill_store::{StoreError, TransitionRefused};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::request_id;

/// A problem document (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The HTTP status again.
    pub status: u16,
    /// A stable name for programs: `not_found`, `conflict`, `no_key`, …
    pub code: String,
    /// What kind of problem it is.
    pub title: String,
    /// What happened, to what.
    pub detail: String,
    /// What to do next, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub hint: Option<Box<str>>,
    /// The id of the request, as it stands in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub request_id: Option<Box<str>>,
    /// Seconds after which it may be asked again: the header `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem of this status.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            status: status.as_u16(),
            code: code.to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            detail: detail.into(),
            hint: None,
            request_id: request_id::current().map(Into::into),
            retry_after: None,
        }
    }

    /// The request makes no sense.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// The request is understood, and cannot be done.
    #[must_use]
    pub fn unprocessable(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// There is no such thing.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// Its state does not allow it.
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// The same with what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into().into());
        self
    }

    /// The same, to be asked again after so many seconds.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status.is_server_error() {
            tracing::error!(code = self.code, detail = self.detail, "a request failed");
        }
        // The body is ours and always serialises.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, kind)], body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::NoSuchBatch(_) | StoreError::NoSuchDocument(_) => Self::not_found(text),
            StoreError::BadCursor(_) => Self::bad_request(text),
            StoreError::BatchExists(_) => Self::conflict(text),
            StoreError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", text),
            StoreError::DiskFull { .. } => Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk_full", text),
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "store", text),
        }
    }
}

impl From<TransitionRefused> for Problem {
    fn from(refused: TransitionRefused) -> Self {
        Self::conflict(refused.to_string())
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let hint = error.hint().map(Into::into);
        let text = error.to_string();
        let problem = match error {
            EngineError::Store(error) => return error.into(),
            EngineError::Refused(refused) => return refused.into(),
            EngineError::NotRunnable(_) => Self::conflict(text),
            EngineError::Source(_) => Self::unprocessable("source", text),
            EngineError::NoDocuments(_) => Self::unprocessable("no_documents", text),
            EngineError::Template(_) => Self::unprocessable("template", text),
            EngineError::Model { trouble, .. } => {
                let code = match trouble {
                    ModelTrouble::Unknown => "unknown_model",
                    ModelTrouble::NoKey => "no_key",
                    ModelTrouble::KeyRefused => "key_refused",
                    ModelTrouble::Unreachable => "unreachable",
                    ModelTrouble::NoPrice => "no_price",
                };
                Self::unprocessable(code, text)
            }
            _ => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", text),
        };
        Self { hint, ..problem }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::unprocessable(failure.code.as_str(), failure.message).hint(failure.code.hint())
    }
}
