//! docmill-store.
