//! Listing a bucket: one page at a time, in the store's order, asked for only when
//! the last one was taken.
//!
//! The library refuses a whole page when one key on it is of a kind it cannot name
//! (`a//b`, `a/../b`). One odd key among a million must not end the listing, so such a
//! page is asked for again in halves until the key stands alone, and that one key is
//! left out with a notice.

use std::collections::VecDeque;
use std::sync::Arc;

use docmill_core::time::Timestamp;
use futures::stream::{self, StreamExt};
use object_store::list::{PaginatedListOptions, PaginatedListResult};
use object_store::path::{Error as PathError, Path};
use object_store::{Error, ObjectMeta, ObjectStoreExt};

use super::buckets::Opened;
use super::explain::explain;
use crate::filter::{Filter, is_hidden};
use crate::key::Key;
use crate::local::printable;
use crate::port::{Discovered, DiscoveredStream, Found, SourceError};
use crate::spec::{Extent, Prefix};

/// The largest page the stores give.
const PAGE: usize = 1_000;

type Item = Result<Discovered, SourceError>;

/// Yields the objects of `prefix` that `filter` accepts.
pub(super) fn list(bucket: Arc<Opened>, prefix: Prefix, filter: Filter) -> DiscoveredStream {
    let listing = Listing {
        below: below(&prefix),
        bucket,
        prefix,
        filter,
        place: Place::Start,
        page_size: PAGE,
        previous: None,
        any: false,
        ready: VecDeque::new(),
    };
    stream::unfold(listing, async |mut listing| {
        while listing.ready.is_empty() && !matches!(listing.place, Place::End) {
            listing.advance().await;
        }
        listing.ready.pop_front().map(|item| (item, listing))
    })
    .boxed()
}

/// The part of every key that people need not see: up to the last `/` of the prefix.
fn below(prefix: &Prefix) -> String {
    match prefix.extent {
        Extent::Folder | Extent::ObjectOrFolder if prefix.path.is_empty() => String::new(),
        Extent::Folder | Extent::ObjectOrFolder => format!("{}/", prefix.path),
        Extent::Beginning => match prefix.path.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None => String::new(),
        },
    }
}

enum Place {
    Start,
    /// The store's token for the next page.
    Token(String),
    /// All keys up to this one are done.
    After(String),
    End,
}

struct Listing {
    bucket: Arc<Opened>,
    prefix: Prefix,
    below: String,
    filter: Filter,
    place: Place,
    page_size: usize,
    /// The last object seen; an empty one is held back until it is known not to be a
    /// folder's marker.
    previous: Option<ObjectMeta>,
    any: bool,
    ready: VecDeque<Item>,
}

impl Listing {
    async fn advance(&mut self) {
        if matches!(self.place, Place::Start)
            && self.prefix.extent == Extent::ObjectOrFolder
            && self.single().await
        {
            return;
        }
        let (offset, page_token) = match &self.place {
            Place::Start | Place::End => (None, None),
            Place::Token(token) => (None, Some(token.clone())),
            Place::After(key) => (Some(key.clone()), None),
        };
        let options = PaginatedListOptions {
            offset,
            page_token,
            max_keys: Some(self.page_size),
            ..PaginatedListOptions::default()
        };
        let begins = match self.prefix.extent {
            Extent::Beginning => &self.prefix.path,
            Extent::Folder | Extent::ObjectOrFolder => &self.below,
        };
        let begins = (!begins.is_empty()).then_some(begins.as_str());
        match self.bucket.pages.list_paginated(begins, options).await {
            Ok(page) => self.take(page),
            Err(Error::InvalidPath { source }) => self.isolate(&source),
            Err(error) => self.fail(&error),
        }
    }

    /// Whether the prefix is one object, which then is all there is.
    async fn single(&mut self) -> bool {
        let Ok(location) = Path::parse(&self.prefix.path) else {
            return false;
        };
        match self.bucket.objects.head(&location).await {
            Ok(object) => {
                let name = match object.location.filename() {
                    Some(name) => printable(name),
                    None => printable(object.location.as_ref()),
                };
                if self.filter.accepts(&name) {
                    self.yield_document(&object, name);
                }
                self.place = Place::End;
                true
            }
            // Not there, or not to be asked for: listing will tell which.
            Err(_) => false,
        }
    }

    fn take(&mut self, page: PaginatedListResult) {
        let done = match &self.place {
            Place::After(key) => Some(key.clone()),
            Place::Start | Place::Token(_) | Place::End => None,
        };
        let mut last = None;
        let mut fresh = false;
        for object in page.result.objects {
            last = Some(object.location.to_string());
            if last == done {
                continue;
            }
            fresh = true;
            self.any = true;
            if let Some(previous) = self.previous.replace(object) {
                self.consider(&previous);
            }
        }
        self.place = match (page.page_token, last) {
            (None, _) => Place::End,
            (Some(_), Some(last)) if !fresh => {
                // Only what was seen before came: a folder's marker, whose slash the library takes off.
                Place::After(format!("{last}/"))
            }
            (Some(token), _) => Place::Token(token),
        };
        self.page_size = PAGE;
        if matches!(self.place, Place::End) {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if let Some(last) = self.previous.take() {
            self.consider(&last);
        }
        if !self.any {
            self.ready.push_back(Err(nothing(&self.prefix)));
        }
    }

    fn consider(&mut self, object: &ObjectMeta) {
        let key = object.location.as_ref();
        let marks_folder = object.size == 0
            && (self
                .previous
                .as_ref()
                .and_then(|next| next.location.as_ref().strip_prefix(key))
                .is_some_and(|rest| rest.starts_with('/'))
                || self.below.strip_suffix('/') == Some(key));
        let inner = key.strip_prefix(&self.below).unwrap_or(key);
        if marks_folder || inner.split('/').any(is_hidden) {
            return;
        }
        let name = printable(inner);
        if !self.filter.accepts(&name) {
            return;
        }
        if name.to_ascii_lowercase().ends_with(".zip") {
            let notice = format!(
                "{}/{key} was left out: archives in buckets are not opened; copy it to this machine",
                self.prefix.bucket
            );
            self.ready.push_back(Ok(Discovered::Notice(notice)));
            return;
        }
        self.yield_document(object, name);
    }

    fn yield_document(&mut self, object: &ObjectMeta, name: String) {
        let key = Key::Object {
            bucket: self.prefix.bucket.clone(),
            path: object.location.to_string(),
        };
        self.ready.push_back(Ok(Discovered::Document(Found {
            key: key.to_string(),
            name,
            bytes: object.size,
            modified: Some(Timestamp(object.last_modified.timestamp_millis())),
        })));
    }

    /// A key on this page cannot be named. Narrows the page down to it, then passes it by.
    fn isolate(&mut self, error: &PathError) {
        if matches!(self.place, Place::Token(_)) {
            // Tokens belong to a page size at some stores; a key is understood by all that know offsets.
            if let Some(previous) = &self.previous {
                self.place = Place::After(previous.location.to_string());
            }
        }
        if self.page_size > 1 {
            self.page_size = self.page_size.div_euclid(2).max(1);
            return;
        }
        let key = match error {
            PathError::EmptySegment { path }
            | PathError::BadSegment { path, .. }
            | PathError::NonUnicode { path, .. } => Some(path.clone()),
            _ => None,
        };
        let passed = match &self.place {
            Place::After(after) => Some(after.clone()),
            Place::Start | Place::Token(_) | Place::End => None,
        };
        match key {
            Some(key) if passed.as_deref() != Some(&key) => {
                let notice = format!(
                    "{}/{} was left out: its key has an empty, relative or unprintable part; copy it under another key",
                    self.prefix.bucket,
                    printable(&key)
                );
                self.ready.push_back(Ok(Discovered::Notice(notice)));
                self.any = true;
                self.place = Place::After(key);
                self.page_size = PAGE;
            }
            _ => {
                let error = SourceError::new(
                    format!("{} cannot be listed: {error}", self.prefix.shown()),
                    "rename that object, or give the folders beside it",
                );
                self.ready.push_back(Err(error));
                self.place = Place::End;
            }
        }
    }

    fn fail(&mut self, error: &Error) {
        let error = explain(error, &self.prefix.bucket, &self.prefix.shown());
        self.ready.push_back(Err(error));
        self.place = Place::End;
    }
}

fn nothing(prefix: &Prefix) -> SourceError {
    let hint = match prefix.extent {
        Extent::Beginning => "check the beginning; keys are case-sensitive".to_owned(),
        Extent::Folder | Extent::ObjectOrFolder if prefix.path.is_empty() => "the bucket is empty".to_owned(),
        Extent::Folder | Extent::ObjectOrFolder => format!(
            "check the path (keys are case-sensitive), or write {}/{}* for all keys that begin so",
            prefix.bucket, prefix.path
        ),
    };
    SourceError::new(format!("there is nothing at {}", prefix.shown()), hint)
}
