//! Buckets at S3, Google Cloud Storage and Azure.
//!
//! With the feature `cloud` off, the same names exist and say so.

#[cfg(feature = "cloud")]
mod buckets;
#[cfg(feature = "cloud")]
mod explain;
#[cfg(feature = "cloud")]
mod http;
#[cfg(feature = "cloud")]
mod listing;
#[cfg(not(feature = "cloud"))]
mod without;

#[cfg(feature = "cloud")]
pub(crate) use buckets::Buckets;
#[cfg(not(feature = "cloud"))]
pub(crate) use without::Buckets;
