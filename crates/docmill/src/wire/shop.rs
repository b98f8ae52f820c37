//! What the server asks of those who know the concrete parts: prices, models, templates.

use std::sync::Arc;

use async_trait::async_trait;
use docmill_core::plan::Plan;
use docmill_core::price::Price;
use docmill_engine::EngineError;
use docmill_llm::{catalog, registry};
use docmill_server::Workshop;
use docmill_server::views::ModelView;

use super::{Providers, price, secrets};
use crate::templates;

/// See the module.
pub struct Shop {
    providers: Arc<Providers>,
}

impl Shop {
    /// A shop with these providers.
    pub fn new(providers: Arc<Providers>) -> Self {
        Self { providers }
    }
}

/// Whether a provider can be called from here: `Err` says what is missing, `None` that nobody
/// here speaks its protocol.
fn readiness(provider: &str) -> Option<Result<(), String>> {
    let factory = registry::find(provider).ok()?;
    let missing = factory.missing(&secrets::variable);
    Some(missing.map_or(Ok(()), Err))
}

#[async_trait]
impl Workshop for Shop {
    fn price(&self, model: &str, base_url: Option<&str>) -> Result<Price, EngineError> {
        price(model, base_url)
    }

    fn models(&self) -> Vec<ModelView> {
        let mut models = vec![ModelView {
            name: "offline".to_owned(),
            provider: "docmill".to_owned(),
            price: (&Price::free("offline")).into(),
            vision: false,
            structured_output: true,
            max_input_tokens: None,
            ready: true,
            missing: None,
        }];
        for model in catalog::built_in().models() {
            let Some(ready) = readiness(&model.provider) else {
                continue;
            };
            models.push(ModelView {
                name: format!("{}/{}", model.provider, model.name),
                provider: model.provider.clone(),
                price: (&model.price).into(),
                vision: model.vision,
                structured_output: model.structured_output,
                max_input_tokens: model.max_input_tokens,
                ready: ready.is_ok(),
                missing: ready.err(),
            });
        }
        // The order of the catalog within each.
        models.sort_by_key(|model| !model.ready);
        models
    }

    fn prices(&self) -> Vec<(String, Price, bool)> {
        let models = catalog::built_in().models().iter();
        models
            .filter_map(|model| {
                let ready = readiness(&model.provider)?.is_ok();
                Some((
                    format!("{}/{}", model.provider, model.name),
                    model.price.clone(),
                    ready,
                ))
            })
            .collect()
    }

    async fn probe(&self, plan: &Plan) -> Result<(), EngineError> {
        self.providers.probe(plan).await
    }

    fn templates(&self) -> Vec<(&'static str, &'static str)> {
        templates::texts().to_vec()
    }
}
