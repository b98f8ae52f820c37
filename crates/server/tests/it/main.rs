//! The server as a whole.

mod openapi;
