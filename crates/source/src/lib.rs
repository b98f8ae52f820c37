//! Where documents come from: folders, files, lists, ZIP archives, S3, Google
//! Cloud Storage and Azure. This crate knows core and nothing else of docmill.
//!
//! [`Source`] is the port, [`Sources`] the one adapter: it takes what a user types
//! (a spec), yields documents one by one without ever holding
//! the list, and reads a document again by its [`Key`].
//!
//! | the user types | what it is |
//! |---|---|
//! | `scans/`, `a.pdf` | a folder with all below it; a file |
//! | `pile.zip` | an archive: each file in it is a document (a DOCX is not an archive) |
//! | `list:names.txt`, `list:-` | one path or URL a line, or NUL-separated; `-` is standard input |
//! | `s3://bucket/2024` | that object, or all below that folder |
//! | `s3://bucket/2024/inv*` | all objects whose key begins so |
//! | `gs://bucket/…`, `az://container/…` | the same at Google and Azure |
//!
//! Bucket URLs are taken as typed (a `%` is a `%`, as with the vendors' own tools);
//! only keys are percent-encoded.

mod cloud;
mod filter;
mod key;
mod local;
mod port;
mod sources;
mod spec;

pub use key::{Bucket, Key};
pub use port::{Discovered, DiscoveredStream, Found, Source, SourceError};
pub use sources::{Options, Sources};
pub use spec::Scheme;
