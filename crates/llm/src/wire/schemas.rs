//! Schemas as they are sent, kept ready.

use std::sync::{Arc, PoisonError, RwLock};

use docmill_core::template::Template;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::prompt::SchemaProblem;

/// Schemas kept ready; a run uses one or two.
const KEPT: usize = 8;

/// A template's schema, ready to be sent. `None`: it has no form this provider takes.
pub(super) type WireSchema = Option<Arc<RawValue>>;

/// See the module.
#[derive(Default)]
pub(super) struct Schemas(RwLock<Vec<(Arc<Template>, WireSchema)>>);

impl Schemas {
    /// The schema as it is sent, computed once per template. The list holds
    /// the template itself, so that its address cannot be another's.
    pub(super) fn get(
        &self,
        template: &Arc<Template>,
        make: impl FnOnce(&Template) -> Result<Value, SchemaProblem>,
    ) -> WireSchema {
        let known = |list: &[(Arc<Template>, WireSchema)]| {
            list.iter()
                .find(|(kept, _)| Arc::ptr_eq(kept, template))
                .map(|(_, schema)| schema.clone())
        };
        if let Some(schema) = known(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            return schema;
        }
        let schema = raw(template, make(template));
        let mut list = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known(&list).is_none() {
            if list.len() >= KEPT {
                list.remove(0);
            }
            list.push((Arc::clone(template), schema.clone()));
        }
        schema
    }
}

fn raw(template: &Template, wire: Result<Value, SchemaProblem>) -> WireSchema {
    match wire {
        Ok(wire) => serde_json::value::to_raw_value(&wire).ok().map(Arc::from),
        Err(problem) => {
            tracing::warn!(
                template = %template.name,
                %problem,
                "the provider cannot hold answers to this schema; only a JSON object is asked for"
            );
            None
        }
    }
}
