//! docmill-testkit.
