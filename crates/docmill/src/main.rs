//! docmill.
fn main() {}
