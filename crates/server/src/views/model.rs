//! Models and what they cost.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PriceView;

/// A model that can be named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelView {
    /// As it is named in a plan: `openai/gpt-4o-mini`.
    pub name: String,
    /// Whose it is.
    pub provider: String,
    /// What it costs.
    pub price: PriceView,
    /// Whether it sees pictures.
    pub vision: bool,
    /// Whether it keeps to a schema by itself.
    pub structured_output: bool,
    /// Longest prompt in tokens, when known.
    #[schema(required)]
    pub max_input_tokens: Option<u64>,
    /// Whether it can be called from here: its key is set, or it needs none.
    pub ready: bool,
    /// What is missing, when it cannot.
    #[schema(required)]
    pub missing: Option<String>,
}

/// Models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelList {
    /// Those that can be called first.
    pub models: Vec<ModelView>,
}

/// What another model would cost for the same documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// The model.
    pub model: String,
    /// What it would probably cost.
    pub cost_usd: f64,
    /// A budget that should do.
    pub recommended_budget_usd: f64,
    /// What one document would cost.
    pub cost_per_document_usd: f64,
    /// Whether it can be called from here.
    pub ready: bool,
}
