//! Rules, occasions and deliveries as they are kept.

use std::collections::HashSet;

use docmill_core::alert::Trigger;
use docmill_core::time::Timestamp;
use docmill_store::{Store, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::seal::Seal;

const RULES: &str = "alerts";
/// Occasions that were written down.
const TOLD: &str = "alerts-told";
const DELIVERIES: &str = "deliveries";

/// Deliveries kept: enough to see what happened, not a history.
const KEPT: usize = 200;

/// Occasions older than this cannot come again.
const FORGOTTEN_MS: i64 = 90 * 24 * 3600 * 1000;

/// Who is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub(crate) enum Channel {
    /// A JSON document is posted there, signed when there is a secret.
    Webhook {
        /// Where.
        url: String,
        /// Signs the body: HMAC-SHA256.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret: Option<String>,
    },
    /// A Slack-compatible webhook (Slack, Mattermost, Discord's `/slack`).
    Slack {
        /// Where.
        url: String,
    },
    /// E-mail, over the server named in the environment.
    Email {
        /// To whom.
        address: String,
    },
    /// It was sealed with another key: somebody must type it again.
    Unreadable,
}

/// A channel as it is kept: its address alone may let whoever reads it post there.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum KeptChannel {
    Sealed {
        sealed: String,
    },
    /// By an older docmill.
    Plain(Channel),
}

/// What channels are sealed as.
const CHANNEL: &str = "channel";

impl KeptChannel {
    fn close(seal: &Seal, channel: &Channel) -> Result<Self, StoreError> {
        let text = serde_json::to_string(channel).map_err(|error| StoreError::Database(error.to_string()))?;
        let sealed = seal
            .close(CHANNEL, &text)
            .map_err(|error| StoreError::Database(error.to_string()))?;
        Ok(Self::Sealed { sealed })
    }

    fn open(self, seal: &Seal) -> Channel {
        match self {
            Self::Plain(channel) => channel,
            Self::Sealed { sealed } => seal
                .open(CHANNEL, &sealed)
                .ok()
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or(Channel::Unreadable),
        }
    }
}

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    /// Its name.
    pub(crate) name: String,
    /// What is worth telling.
    pub(crate) trigger: Trigger,
    /// Who is told.
    pub(crate) channel: Channel,
    /// Whether it is looked at.
    pub(crate) enabled: bool,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// To be tried (again).
    Pending,
    /// Arrived.
    Delivered,
    /// Given up.
    Failed,
}

/// A rule as it is kept.
#[derive(Serialize, Deserialize)]
struct KeptRule {
    name: String,
    trigger: Trigger,
    channel: KeptChannel,
    enabled: bool,
}

/// Something told, or to be told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Delivery {
    /// Unique, in order of time.
    pub(crate) id: String,
    /// The rule's name.
    pub(crate) rule: String,
    /// The batch, or `all`.
    pub(crate) about: String,
    /// What tells this occasion from every other.
    pub(crate) occasion: String,
    /// What is told.
    pub(crate) text: String,
    /// To whom.
    pub(crate) channel: Channel,
    /// When it happened.
    pub(crate) at: Timestamp,
    /// How it stands.
    pub(crate) outcome: Outcome,
    /// How often it was tried.
    pub(crate) tries: u32,
    /// What the other side said last.
    pub(crate) answer: String,
    /// Not before this time.
    pub(crate) next_at: Timestamp,
}

/// A delivery as it is kept.
#[derive(Serialize, Deserialize)]
struct KeptDelivery {
    id: String,
    rule: String,
    about: String,
    occasion: String,
    text: String,
    channel: KeptChannel,
    at: Timestamp,
    outcome: Outcome,
    tries: u32,
    answer: String,
    next_at: Timestamp,
}

/// All rules, by name.
pub(crate) async fn rules(store: &dyn Store, seal: &Seal) -> Result<Vec<Rule>, StoreError> {
    let kept: Vec<KeptRule> = shelf(store, RULES).await?;
    let open = |rule: KeptRule| Rule {
        name: rule.name,
        trigger: rule.trigger,
        channel: rule.channel.open(seal),
        enabled: rule.enabled,
    };
    Ok(kept.into_iter().map(open).collect())
}

/// Keeps a rule.
pub(crate) async fn keep(
    store: &dyn Store,
    seal: &Seal,
    rule: &Rule,
    now: Timestamp,
) -> Result<(), StoreError> {
    let kept = KeptRule {
        name: rule.name.clone(),
        trigger: rule.trigger,
        channel: KeptChannel::close(seal, &rule.channel)?,
        enabled: rule.enabled,
    };
    put(store, RULES, &rule.name, &kept, now).await
}

/// Takes a rule away.
pub(crate) async fn forget(store: &dyn Store, name: &str, now: Timestamp) -> Result<(), StoreError> {
    store.keep(RULES, name, None, now).await
}

/// Seals what an older docmill kept as it was typed.
pub(super) async fn seal_all(store: &dyn Store, seal: &Seal, now: Timestamp) -> Result<(), StoreError> {
    let kept: Vec<KeptRule> = shelf(store, RULES).await?;
    if kept
        .iter()
        .any(|rule| matches!(rule.channel, KeptChannel::Plain(_)))
    {
        for rule in rules(store, seal).await? {
            keep(store, seal, &rule, now).await?;
        }
    }
    let kept: Vec<KeptDelivery> = shelf(store, DELIVERIES).await?;
    if kept.iter().any(|it| matches!(it.channel, KeptChannel::Plain(_))) {
        for delivery in deliveries(store, seal).await? {
            note(store, seal, &delivery, now).await?;
        }
    }
    Ok(())
}

/// Deliveries, oldest first.
pub(crate) async fn deliveries(store: &dyn Store, seal: &Seal) -> Result<Vec<Delivery>, StoreError> {
    let kept: Vec<KeptDelivery> = shelf(store, DELIVERIES).await?;
    let open = |it: KeptDelivery| Delivery {
        id: it.id,
        rule: it.rule,
        about: it.about,
        occasion: it.occasion,
        text: it.text,
        channel: it.channel.open(seal),
        at: it.at,
        outcome: it.outcome,
        tries: it.tries,
        answer: it.answer,
        next_at: it.next_at,
    };
    Ok(kept.into_iter().map(open).collect())
}

/// Occasions that were written down. A delivery counts by itself: it is written first, and the
/// process may die before the occasion is.
pub(super) async fn told(store: &dyn Store) -> Result<HashSet<String>, StoreError> {
    let rows = store.kept(TOLD).await?;
    let deliveries: Vec<KeptDelivery> = shelf(store, DELIVERIES).await?;
    let named = rows.into_iter().map(|row| row.name);
    Ok(named
        .chain(deliveries.into_iter().map(|it| it.occasion))
        .collect())
}

/// Writes down something to be told, and then that it was.
pub(super) async fn queue(
    store: &dyn Store,
    seal: &Seal,
    rule: &Rule,
    about: &str,
    occasion: String,
    text: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let delivery = Delivery {
        id: uuid::Uuid::now_v7().to_string(),
        rule: rule.name.clone(),
        about: about.to_owned(),
        occasion: occasion.clone(),
        text: text.to_owned(),
        channel: rule.channel.clone(),
        at: now,
        outcome: Outcome::Pending,
        tries: 0,
        answer: String::new(),
        next_at: now,
    };
    note(store, seal, &delivery, now).await?;
    store.keep(TOLD, &occasion, Some(json!(now.0)), now).await?;
    let all: Vec<KeptDelivery> = shelf(store, DELIVERIES).await?;
    for old in all.iter().take(all.len().saturating_sub(KEPT)) {
        store.keep(DELIVERIES, &old.id, None, now).await?;
    }
    for row in store.kept(TOLD).await? {
        if now.since_ms(row.updated_at) > FORGOTTEN_MS {
            store.keep(TOLD, &row.name, None, now).await?;
        }
    }
    Ok(())
}

/// Writes down how a delivery stands.
pub(super) async fn note(
    store: &dyn Store,
    seal: &Seal,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<(), StoreError> {
    let it = delivery.clone();
    let kept = KeptDelivery {
        channel: KeptChannel::close(seal, &it.channel)?,
        id: it.id,
        rule: it.rule,
        about: it.about,
        occasion: it.occasion,
        text: it.text,
        at: it.at,
        outcome: it.outcome,
        tries: it.tries,
        answer: it.answer,
        next_at: it.next_at,
    };
    put(store, DELIVERIES, &delivery.id, &kept, now).await
}

async fn shelf<T: serde::de::DeserializeOwned>(store: &dyn Store, name: &str) -> Result<Vec<T>, StoreError> {
    let rows = store.kept(name).await?;
    // What an older docmill kept and this one cannot read is left where it is.
    Ok(rows
        .into_iter()
        .filter_map(|row| serde_json::from_value(row.value).ok())
        .collect())
}

async fn put<T: Serialize>(
    store: &dyn Store,
    shelf: &str,
    name: &str,
    value: &T,
    now: Timestamp,
) -> Result<(), StoreError> {
    let value = serde_json::to_value(value).map_err(|error| StoreError::Database(error.to_string()))?;
    store.keep(shelf, name, Some(value), now).await
}
