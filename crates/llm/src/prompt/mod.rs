//! The texts of a call. What is the same for every document (instructions and
//! fields) comes first, in the system text, so that providers can cache it;
//! the document follows between marks it cannot contain.

mod document;
mod outline;
mod repair;
mod system;
mod wire_schema;

pub use document::document;
pub use repair::repair;
pub use system::system;
pub(crate) use wire_schema::flat_schema_with_limits;
pub use wire_schema::{SchemaProblem, schema_with_optional_left_out, wire_schema};
