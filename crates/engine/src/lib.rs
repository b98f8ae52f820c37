//! docmill-engine.
