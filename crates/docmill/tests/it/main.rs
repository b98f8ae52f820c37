//! Tests of the command as a whole, and of the house it stands in.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up shall fail")]

mod architecture;
