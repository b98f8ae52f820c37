//! The models that can be named: those of the catalog, those built in, and those that
//! servers on this machine say they have.

use std::sync::Arc;
use std::time::Duration;

use docmill_core::price::Price;
use docmill_llm::{Provider, catalog, registry};
use futures::future::join_all;

use super::secrets::variable;

/// A model that can be named.
#[derive(Debug, Clone)]
pub struct Listed {
    /// As in `--model`.
    pub name: String,
    /// What it costs; `None`: it has to be said.
    pub price: Option<Price>,
    /// Prompt tokens it takes.
    pub context: Option<u64>,
    /// Answer tokens it gives at most.
    pub answer: Option<u32>,
    /// Whether it sees pictures.
    pub vision: bool,
    /// Whether it is held to a schema.
    pub schema: bool,
    /// When its provider takes it away, as YYYY-MM-DD.
    pub retired_on: Option<String>,
    /// What is missing before it can be called; `None`: nothing.
    pub missing: Option<String>,
}

/// A server on this machine.
#[derive(Debug, Clone)]
pub struct Local {
    /// As in `--model NAME/…`.
    pub name: &'static str,
    /// Who it is, for people.
    pub title: &'static str,
    /// Its models; `None`: it does not answer.
    pub models: Option<Vec<String>>,
}

/// The models of the catalog, under every name they can be called by.
pub fn models() -> Vec<Listed> {
    let free = Listed {
        name: "offline".to_owned(),
        price: Some(Price::free("built in")),
        context: None,
        answer: None,
        vision: false,
        schema: true,
        retired_on: None,
        missing: None,
    };
    let mut listed = vec![free];
    for factory in registry::all().filter(|factory| !factory.local) {
        let missing = factory.missing(&variable);
        let Some(maker) = factory.catalog else { continue };
        let of_maker = catalog::built_in()
            .models()
            .iter()
            .filter(|model| model.provider == maker);
        listed.extend(of_maker.map(|model| Listed {
            name: format!("{}/{}", factory.name, model.name),
            price: Some(model.price.clone()),
            context: model.max_input_tokens,
            answer: model.max_output_tokens,
            vision: model.vision,
            schema: model.structured_output,
            retired_on: model.deprecated_on.clone(),
            missing: missing.clone(),
        }));
    }
    listed
}

/// A server of one's own answers at once, or is not there.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which servers on this machine answer, and what they have.
pub async fn local_servers() -> Vec<Local> {
    let asked = registry::all()
        .filter(|factory| factory.local)
        .map(|factory| async move {
            let server: Option<Arc<dyn Provider>> = factory.make(&variable).ok();
            let models = match server {
                Some(server) => tokio::time::timeout(PATIENCE, server.models())
                    .await
                    .ok()
                    .and_then(Result::ok),
                None => None,
            };
            Local {
                name: factory.name,
                title: factory.title,
                models,
            }
        });
    join_all(asked).await
}
