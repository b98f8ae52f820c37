//! Which provider a plan means, and what its model costs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use docmill_core::failure::FailureCode;
use docmill_core::outbound::{Policy, Terms};
use docmill_core::plan::Plan;
use docmill_core::price::Price;
use docmill_engine::{EngineError, ModelTrouble, Resolved};
use docmill_llm::compatible::{Compatible, Config, ConfigError};
use docmill_llm::offline::Offline;
use docmill_llm::sim::{self, Sim};
use docmill_llm::{CallError, Provider, catalog, registry};

/// Reads a variable of the environment.
type Variables = dyn Fn(&str) -> Option<String> + Send + Sync;

/// All providers this program knows. One of a kind is kept, so that its connections and
/// its rate limit are shared.
pub struct Providers {
    variables: Box<Variables>,
    policy: Policy,
    /// Nobody will be called: keys need not be there.
    only_counts: bool,
    known: Mutex<HashMap<String, Arc<dyn Provider>>>,
}

/// What the name of a model says.
enum Named<'a> {
    Offline,
    Sim(&'a str),
    /// A server that speaks OpenAI's protocol at an address of the user's choice.
    At {
        url: &'a str,
        model: &'a str,
        /// Whose model it is said to be: its price and limits are those of the catalog.
        catalog: Option<&'a str>,
    },
    Of {
        provider: &'a str,
        model: &'a str,
    },
}

fn named<'a>(model: &'a str, base_url: Option<&'a str>) -> Result<Named<'a>, EngineError> {
    if let Some(played) = model.strip_prefix("sim/") {
        return Ok(Named::Sim(played));
    }
    match (base_url, model.split_once('/')) {
        // A server that speaks OpenAI's protocol elsewhere: its models have no "openai/" in front.
        (Some(url), _) if model != "offline" => Ok(Named::At {
            url,
            model: model.strip_prefix("openai/").unwrap_or(model),
            catalog: model
                .split_once('/')
                .filter(|(provider, name)| catalog::built_in().find(provider, name).is_some())
                .map(|(provider, _)| provider),
        }),
        _ if model == "offline" => Ok(Named::Offline),
        (_, Some((provider, name))) if !provider.is_empty() && !name.is_empty() => Ok(Named::Of {
            provider,
            model: name,
        }),
        _ => {
            let hint = match catalog::built_in().resolve(model) {
                Some(found) => format!("did you mean {}/{}?", found.provider, found.name),
                None => "name it like openai/gpt-4o-mini, or say where it is with --base-url".to_owned(),
            };
            Err(trouble(
                format!("the model {model:?} does not say whose it is"),
                hint,
                ModelTrouble::Unknown,
            ))
        }
    }
}

fn trouble(message: String, hint: impl Into<String>, trouble: ModelTrouble) -> EngineError {
    EngineError::Model {
        message,
        hint: hint.into(),
        trouble,
    }
}

impl Providers {
    /// Providers whose keys and addresses come from these variables, and what others may choose.
    pub fn new(variables: impl Fn(&str) -> Option<String> + Send + Sync + 'static, policy: Policy) -> Self {
        Self {
            variables: Box::new(variables),
            policy,
            only_counts: false,
            known: Mutex::default(),
        }
    }

    /// Providers for an estimate: they count, and are never called. What a pile will cost can be
    /// known before there is a key.
    pub fn only_counting(variables: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        let or_any_key = move |name: &str| variables(name).or_else(|| stand_in(name));
        Self {
            only_counts: true,
            ..Self::new(or_any_key, Policy::OwnUser)
        }
    }

    /// A free call that proves that key, address and model are right.
    pub async fn probe(&self, plan: &Plan) -> Result<(), EngineError> {
        if self.only_counts {
            return Ok(());
        }
        let resolved = docmill_engine::Providers::resolve(self, plan)?;
        let refused = |error: CallError| refused(&error, plan);
        resolved.provider.probe(&resolved.model).await.map_err(refused)
    }

    fn provider(&self, plan: &Plan, named: &Named<'_>) -> Result<Arc<dyn Provider>, EngineError> {
        let url = plan.base_url.as_deref().unwrap_or("");
        // A provider's own address comes from the program or its environment, and is trusted.
        let terms = match named {
            Named::At { url, .. } => self.policy.terms(url, plan.base_url_by_admin),
            _ => Terms::TRUSTED,
        };
        let key = format!("{}|{url}|{:?}|{terms:?}", plan.model, plan.sim_speed_milli);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(provider) = known.get(&key) {
            return Ok(Arc::clone(provider));
        }
        let provider: Arc<dyn Provider> = match named {
            Named::Offline => Arc::new(Offline),
            Named::Sim(_) => Arc::new(Sim::new(sim_config(plan.sim_speed_milli))),
            Named::At { url, catalog, .. } => {
                let config = Config::for_server(url, &self.variables).map(|mut config| {
                    if let Some(catalog) = catalog {
                        (*catalog).clone_into(&mut config.catalog);
                    }
                    config.under(terms)
                });
                Arc::new(config.and_then(Compatible::new).map_err(not_made)?)
            }
            Named::Of { provider, .. } => registry::find(provider)
                .and_then(|factory| factory.make(&self.variables))
                .map_err(not_made)?,
        };
        known.insert(key, Arc::clone(&provider));
        Ok(provider)
    }
}

impl docmill_engine::Providers for Providers {
    fn resolve(&self, plan: &Plan) -> Result<Resolved, EngineError> {
        let named = named(&plan.model, plan.base_url.as_deref())?;
        let provider = self.provider(plan, &named)?;
        let model = match named {
            Named::Offline => "offline",
            Named::Sim(model) | Named::At { model, .. } | Named::Of { model, .. } => model,
        };
        let address = plan.base_url.as_deref().unwrap_or("");
        let lane = format!("{} {address} {model}", provider.name());
        Ok(Resolved {
            provider,
            model: model.to_owned(),
            lane,
        })
    }
}

/// What stands in for what a provider needs, when it is only asked to count.
fn stand_in(variable: &str) -> Option<String> {
    let text = match variable {
        "AZURE_OPENAI_ENDPOINT" => "https://nowhere.invalid",
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" | "GOOGLE_CLOUD_PROJECT" | "VERTEX_ACCESS_TOKEN" => {
            "none"
        }
        "AWS_REGION" => "us-east-1",
        name if name.ends_with("_API_KEY") => "none",
        _ => return None,
    };
    Some(text.to_owned())
}

/// Why a provider could not be made, and what to do.
fn not_made(error: ConfigError) -> EngineError {
    let kind = match error {
        ConfigError::KeyMissing { .. } | ConfigError::KeyMalformed { .. } | ConfigError::NotSet { .. } => {
            ModelTrouble::NoKey
        }
        ConfigError::UnknownProvider { .. } => ModelTrouble::Unknown,
        _ => ModelTrouble::Unreachable,
    };
    // The messages of this error say what to do behind a semicolon or a full stop.
    let text = error.to_string();
    let (message, hint) = text
        .split_once("; ")
        .or_else(|| text.split_once(". "))
        .unwrap_or((&text, "docmill models says what can be called from here"));
    trouble(message.to_owned(), hint, kind)
}

/// A rehearsal at this speed; the errors of a real provider are part of it.
#[expect(clippy::cast_lossless, reason = "a factor")]
fn sim_config(speed_milli: Option<u32>) -> sim::Config {
    let config = sim::Config::default();
    match speed_milli {
        None | Some(1000) => config,
        // "Do not wait" leaves no limit to be waited for either.
        Some(0) => sim::Config {
            latency_scale: 0.0,
            rate_limit: None,
            ..config
        },
        Some(speed) => sim::Config {
            latency_scale: 1000.0 / speed as f64,
            ..config
        },
    }
}

/// The price every reservation is computed from: of the catalog, unless it is known to be
/// free. `None`: nobody knows it, and the user has to say it.
pub fn price(model: &str, base_url: Option<&str>) -> Result<Price, EngineError> {
    let unknown = || {
        let hint = "say it with --price INPUT,OUTPUT (dollars per million tokens), or --price free for a server of your own";
        trouble(
            format!("nobody knows what {model} costs"),
            hint,
            ModelTrouble::NoPrice,
        )
    };
    match named(model, base_url)? {
        Named::Offline => Ok(Price::free("offline")),
        Named::Sim(played) => sim::price(played).ok_or_else(unknown),
        // Whoever names the maker means that model; a bare name elsewhere may cost anything.
        Named::At {
            model,
            catalog: Some(maker),
            ..
        } => list_price(maker, model, maker, true).ok_or_else(unknown),
        Named::At { .. } => Err(unknown()),
        Named::Of { provider, model } => {
            let maker = registry::find(provider).map_err(not_made)?.catalog;
            maker
                .and_then(|maker| list_price(maker, model, provider, false))
                .ok_or_else(unknown)
        }
    }
}

/// The catalog's price, which says when it is another's than the one that is called.
fn list_price(maker: &str, model: &str, provider: &str, elsewhere: bool) -> Option<Price> {
    let mut price = catalog::built_in().find(maker, model)?.price.clone();
    if elsewhere {
        price.origin = format!(
            "{}, {maker}'s list price, said to be the same at --base-url",
            price.origin
        );
    } else if maker != provider && provider != "openai-responses" {
        price.origin = format!("{}, {maker}'s list price", price.origin);
    }
    Some(price)
}

/// What a failed probe means.
fn refused(error: &CallError, plan: &Plan) -> EngineError {
    let failure = &error.failure;
    let kind = match failure.code {
        FailureCode::KeyRefused => ModelTrouble::KeyRefused,
        FailureCode::UnknownModel => ModelTrouble::Unknown,
        _ => ModelTrouble::Unreachable,
    };
    let message = format!("{} cannot be called: {}", plan.model, failure.message);
    trouble(message, failure.code.hint(), kind)
}
