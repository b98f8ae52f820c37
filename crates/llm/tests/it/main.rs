//! The provider against a server that misbehaves on command, over real HTTP.

mod compatible;
mod fixtures;
