//! What stands in for buckets in a docmill that was built without them.

use bytes::Bytes;
use docmill_core::failure::{Failure, FailureCode};
use futures::stream::{self, StreamExt};

use crate::filter::Filter;
use crate::key::Bucket;
use crate::port::{DiscoveredStream, SourceError};
use crate::spec::Prefix;

pub(crate) struct Buckets;

impl Buckets {
    pub fn new(_settings: Vec<(String, String)>) -> Self {
        Self
    }

    pub fn list(&self, prefix: Prefix, _filter: Filter) -> DiscoveredStream {
        let error = SourceError::new(
            format!(
                "this docmill was built without cloud storage ({})",
                prefix.shown()
            ),
            "build it with the feature “cloud”, or copy the documents into a folder",
        );
        stream::iter([Err(error)]).boxed()
    }

    pub async fn read(&self, bucket: &Bucket, _path: &str, _limit: u64) -> Result<Bytes, Failure> {
        Err(Failure::new(
            FailureCode::SourceUnreadable,
            format!("this docmill was built without cloud storage ({bucket})"),
        ))
    }
}
