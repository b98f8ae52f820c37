//! The buckets in use: opened once each, listed and read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use docmill_core::failure::{Failure, FailureCode};
use futures::stream::{self, StreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::list::PaginatedListStore;
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectStore, ObjectStoreExt, RetryConfig};
use tokio::time::timeout;

use super::explain::{self, explain};
use super::http::HyperConnector;
use super::listing;
use crate::filter::Filter;
use crate::key::Bucket;
use crate::local::too_large;
use crate::port::{DiscoveredStream, SourceError};
use crate::spec::{Prefix, Scheme};

/// A body that stands still this long is given up; the whole may take longer.
const STALLED: Duration = Duration::from_secs(60);

/// Every bucket of this process.
pub(crate) struct Buckets {
    settings: Vec<(String, String)>,
    opened: Mutex<HashMap<Bucket, Arc<Opened>>>,
}

/// A bucket that can be asked.
pub(super) struct Opened {
    pub objects: Box<dyn ObjectStore>,
    pub pages: Box<dyn PaginatedListStore>,
}

impl Opened {
    fn new(store: impl ObjectStore + PaginatedListStore + Clone) -> Self {
        Self {
            objects: Box::new(store.clone()),
            pages: Box::new(store),
        }
    }
}

impl Buckets {
    /// Buckets reached with these `AWS_*`, `GOOGLE_*` and `AZURE_*` settings.
    pub fn new(settings: Vec<(String, String)>) -> Self {
        Self {
            settings,
            opened: Mutex::default(),
        }
    }

    /// Yields the objects a prefix stands for, page by page.
    pub fn list(&self, prefix: Prefix, filter: Filter) -> DiscoveredStream {
        match self.open(&prefix.bucket) {
            Ok(bucket) => listing::list(bucket, prefix, filter),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    /// Reads one object.
    pub async fn read(&self, bucket: &Bucket, path: &str, limit: u64) -> Result<Bytes, Failure> {
        let failure = |what: String| {
            Failure::new(
                FailureCode::SourceUnreadable,
                format!("cannot read {bucket}/{path}: {what}"),
            )
        };
        let opened = self.open(bucket).map_err(|error| failure(error.to_string()))?;
        let location = Path::parse(path).map_err(|error| failure(error.to_string()))?;
        let answer = opened
            .objects
            .get(&location)
            .await
            .map_err(|error| failure(explain::reason(&error)))?;
        if answer.meta.size > limit {
            return Err(too_large(answer.meta.size, limit));
        }
        let mut content = BytesMut::new();
        let mut body = answer.into_stream();
        loop {
            let part = timeout(STALLED, body.next())
                .await
                .map_err(|_elapsed| failure(format!("nothing came for {} seconds", STALLED.as_secs())))?;
            match part {
                None => return Ok(content.freeze()),
                Some(Err(error)) => return Err(failure(explain::reason(&error))),
                Some(Ok(part)) => content.extend_from_slice(&part),
            }
            // The size that was announced need not be the size that comes.
            let read = u64::try_from(content.len()).unwrap_or(u64::MAX);
            if read > limit {
                return Err(too_large(read, limit));
            }
        }
    }

    fn open(&self, bucket: &Bucket) -> Result<Arc<Opened>, SourceError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = opened.get(bucket) {
            return Ok(Arc::clone(open));
        }
        let built = match bucket.scheme {
            Scheme::S3 => self.s3(bucket),
            Scheme::Gcs => self.gcs(bucket),
            Scheme::Azure => self.azure(bucket),
        };
        let built = Arc::new(built.map_err(|error| explain(&error, bucket, &bucket.to_string()))?);
        opened.insert(bucket.clone(), Arc::clone(&built));
        Ok(built)
    }

    fn s3(&self, bucket: &Bucket) -> object_store::Result<Opened> {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&bucket.name)
            .with_retry(retry())
            .with_http_connector(HyperConnector);
        for (key, value) in self.settings_named("AWS_") {
            if let Ok(key) = key.parse() {
                builder = builder.with_config(key, value);
            }
        }
        let store = builder.with_bucket_name(&bucket.name).build()?;
        Ok(Opened::new(store))
    }

    fn gcs(&self, bucket: &Bucket) -> object_store::Result<Opened> {
        let mut builder = GoogleCloudStorageBuilder::new()
            .with_retry(retry())
            .with_http_connector(HyperConnector);
        for (key, value) in self.settings_named("GOOGLE_") {
            if let Ok(key) = key.parse() {
                builder = builder.with_config(key, value);
            }
        }
        let store = builder.with_bucket_name(&bucket.name).build()?;
        Ok(Opened::new(store))
    }

    fn azure(&self, bucket: &Bucket) -> object_store::Result<Opened> {
        let mut builder = MicrosoftAzureBuilder::new()
            .with_retry(retry())
            .with_http_connector(HyperConnector);
        for (key, value) in self.settings_named("AZURE_") {
            if let Ok(key) = key.parse() {
                builder = builder.with_config(key, value);
            }
        }
        let store = builder.with_url(format!("{bucket}/")).build()?;
        Ok(Opened::new(store))
    }

    fn settings_named(&self, start: &str) -> impl Iterator<Item = (String, &String)> {
        self.settings
            .iter()
            .filter(move |(name, _)| name.starts_with(start))
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
    }
}

/// Patient enough for a hiccup, quick enough that a wrong endpoint is heard of within a minute.
fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 5,
        retry_timeout: Duration::from_secs(60),
    }
}
