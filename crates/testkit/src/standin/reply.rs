//! Responses: a body that can be late, short, or tell the books that it was taken.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::ledger::Ledger;

pub(super) fn error(status: u16, code: &str, message: &str) -> Response<Reply> {
    Reply::json(
        status,
        &json!({"error": {"message": message, "type": code, "code": code, "param": null}}),
    )
}

pub(super) fn put(response: &mut Response<Reply>, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
        response.headers_mut().insert(name, value);
    }
}

/// A body that can be late, short, or tell the books that it was taken.
pub(super) struct Reply {
    bytes: Bytes,
    pub(super) known_length: bool,
    pub(super) drip: Option<Pin<Box<tokio::time::Sleep>>>,
    pub(super) answered: Option<Arc<Mutex<Ledger>>>,
}

impl Reply {
    pub(super) fn bytes(status: u16, bytes: Vec<u8>) -> Response<Self> {
        let mut response = Response::new(Self {
            bytes: Bytes::from(bytes),
            known_length: true,
            drip: None,
            answered: None,
        });
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    pub(super) fn json(status: u16, body: &Value) -> Response<Self> {
        Self::bytes(status, body.to_string().into_bytes())
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        if this.bytes.is_empty() {
            return Poll::Ready(None);
        }
        if let Some(pause) = &mut this.drip {
            std::task::ready!(pause.as_mut().poll(cx));
            pause
                .as_mut()
                .reset(tokio::time::Instant::now() + Duration::from_secs(1));
            return Poll::Ready(Some(Ok(Frame::data(this.bytes.split_to(1)))));
        }
        if let Some(ledger) = this.answered.take() {
            ledger.lock().unwrap_or_else(PoisonError::into_inner).answered();
        }
        Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.known_length {
            SizeHint::with_exact(self.bytes.len() as u64)
        } else {
            SizeHint::new()
        }
    }
}
