//! Google Vertex AI: `generateContent` in a project of the user's own, with a
//! service account.

mod config;

pub(crate) use config::from_env;
