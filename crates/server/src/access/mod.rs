//! Who may use the server, and for what.
//!
//! A request goes through `guard` before it reaches a route: which server it asks (`names`), from
//! which page, who asks ([`keys`], `sessions`, or an identity provider through `oidc`), whether they may (`policy`: one table of all routes;
//! what is not in it is refused), whether they hold too much already, and what of it is written down
//! (`audit`). Everything that is not known is refused.

pub(crate) mod audit;
pub(crate) mod caller;
pub(crate) mod guard;
pub mod keys;
pub(crate) mod names;
pub(crate) mod oidc;
pub(crate) mod policy;
pub(crate) mod sessions;
pub(crate) mod tries;

pub use names::PublicUrl;
pub use oidc::OidcOptions;
