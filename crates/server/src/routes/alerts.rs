//! Alerts: rules, a test of each, and what became of what was told.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use docmill_core::access::{Action, Target};
use docmill_core::alert::Trigger;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::caller::Caller;
use crate::alerts::{self, Channel, Delivery, Outcome, Rule};
use crate::app::App;
use crate::params::{Json, Path, Query};
use crate::problem::Problem;
use crate::views::time;

/// A rule: what is worth telling, and to whom.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AlertRule {
    /// `budget_used` (`percent`), `failure_rate` (`percent`, `at_least` documents), `stalled` (`minutes`),
    /// `finished`, `paused_itself`, or `spent_today` (`usd`).
    pub when: String,
    /// Of the budget, or of the documents that ended: 1 to 100.
    #[schema(minimum = 1, maximum = 100)]
    pub percent: Option<u8>,
    /// Documents that must have ended before a rate is one.
    #[schema(minimum = 1)]
    pub at_least: Option<u32>,
    /// Minutes without any movement.
    #[schema(minimum = 1)]
    pub minutes: Option<u32>,
    /// Dollars since midnight UTC, all batches together.
    #[schema(minimum = 0.01)]
    pub usd: Option<f64>,
    /// `webhook` (`url`, `secret`), `slack` (`url`), or `email` (`address`).
    pub to: String,
    /// Where it is posted.
    pub url: Option<String>,
    /// Signs the body (HMAC-SHA256, header `X-Docmill-Signature`). Never shown again; absent: as before.
    // Not `skip_serializing`: the description would leave it out, and the request be refused.
    #[serde(skip_serializing_if = "is_hidden")]
    pub secret: Option<String>,
    /// To whom it is mailed.
    pub address: Option<String>,
    /// Whether it is looked at (true).
    #[serde(default = "yes")]
    pub enabled: bool,
}

const fn yes() -> bool {
    true
}

const fn is_hidden(_: &Option<String>) -> bool {
    true
}

/// A rule and its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct NamedRule {
    /// Its name.
    pub name: String,
    /// The rule.
    #[serde(flatten)]
    pub rule: AlertRule,
    /// Whether posts are signed.
    pub is_signed: bool,
}

impl From<&Rule> for NamedRule {
    fn from(rule: &Rule) -> Self {
        let mut view = AlertRule {
            when: String::new(),
            percent: None,
            at_least: None,
            minutes: None,
            usd: None,
            to: String::new(),
            url: None,
            secret: None,
            address: None,
            enabled: rule.enabled,
        };
        view.when = match rule.trigger {
            Trigger::BudgetUsed { percent } => {
                view.percent = Some(percent);
                "budget_used"
            }
            Trigger::FailureRate { percent, at_least } => {
                (view.percent, view.at_least) = (Some(percent), Some(at_least));
                "failure_rate"
            }
            Trigger::Stalled { minutes } => {
                view.minutes = Some(minutes);
                "stalled"
            }
            Trigger::Finished => "finished",
            Trigger::PausedItself => "paused_itself",
            Trigger::SpentToday { cents } => {
                view.usd = Some(f64::from(cents) / 100.0);
                "spent_today"
            }
        }
        .to_owned();
        let mut is_signed = false;
        view.to = match &rule.channel {
            Channel::Webhook { url, secret } => {
                view.url = Some(url.clone());
                is_signed = secret.is_some();
                "webhook"
            }
            Channel::Slack { url } => {
                view.url = Some(url.clone());
                "slack"
            }
            Channel::Email { address } => {
                view.address = Some(address.clone());
                "email"
            }
            Channel::Unreadable => "unreadable",
        }
        .to_owned();
        Self {
            name: rule.name.clone(),
            rule: view,
            is_signed,
        }
    }
}

fn wrong(name: &str, detail: &str) -> Problem {
    Problem::unprocessable(name, detail)
}

impl AlertRule {
    fn trigger(&self) -> Result<Trigger, Problem> {
        let percent = self
            .percent
            .filter(|percent| (1..=100).contains(percent))
            .ok_or_else(|| wrong("percent", "percent must be between 1 and 100"));
        Ok(match self.when.as_str() {
            "budget_used" => Trigger::BudgetUsed { percent: percent? },
            "failure_rate" => Trigger::FailureRate {
                percent: percent?,
                at_least: self.at_least.unwrap_or(20).max(1),
            },
            "stalled" => Trigger::Stalled {
                minutes: self
                    .minutes
                    .filter(|minutes| (1..=100_000).contains(minutes))
                    .ok_or_else(|| wrong("minutes", "minutes must be between 1 and 100,000"))?,
            },
            "finished" => Trigger::Finished,
            "paused_itself" => Trigger::PausedItself,
            "spent_today" => Trigger::SpentToday {
                cents: self
                    .usd
                    .and_then(cents)
                    .ok_or_else(|| wrong("usd", "usd must be between a cent and ten million dollars"))?,
            },
            other => return Err(wrong("when", &format!("nobody can tell of {other:?}"))),
        })
    }

    fn channel(&self, before: Option<&Channel>) -> Result<Channel, Problem> {
        let url = || {
            let url = self.url.as_deref().unwrap_or_default().trim();
            let is_address = url.parse::<axum::http::Uri>().is_ok_and(|uri| {
                matches!(uri.scheme_str(), Some("http" | "https"))
                    && uri.host().is_some_and(|host| !host.is_empty())
            });
            if is_address && url.len() <= 2000 {
                Ok(url.to_owned())
            } else {
                Err(wrong("url", "the address must begin with https:// or http://"))
            }
        };
        Ok(match self.to.as_str() {
            "webhook" => Channel::Webhook {
                url: url()?,
                secret: match (&self.secret, before) {
                    (Some(secret), _) => Some(secret.clone()).filter(|secret| !secret.is_empty()),
                    (None, Some(Channel::Webhook { secret, .. })) => secret.clone(),
                    (None, _) => None,
                },
            },
            "slack" => Channel::Slack { url: url()? },
            "email" => {
                let address = self.address.as_deref().unwrap_or_default().trim();
                if !address.contains('@') || address.len() > 320 || address.chars().any(char::is_control) {
                    return Err(wrong("address", "an e-mail address is missing"));
                }
                Channel::Email {
                    address: address.to_owned(),
                }
            }
            other => return Err(wrong("to", &format!("nobody can be told over {other:?}"))),
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked before"
)]
fn cents(usd: f64) -> Option<u32> {
    (0.01..=10_000_000.0)
        .contains(&usd)
        .then(|| (usd * 100.0).round() as u32)
}

/// Rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertList {
    /// By name.
    pub rules: Vec<NamedRule>,
    /// Whether e-mail can be sent from here.
    pub email_ready: bool,
}

/// All rules. Whoever knows the address of a webhook can post there, so only admins see all of it.
#[utoipa::path(get, path = "/alerts", tag = "alerts", responses((status = 200, body = AlertList)))]
pub async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<AlertList>, Problem> {
    let rules = alerts::rules(app.store(), &app.seal).await?;
    let mut rules: Vec<NamedRule> = rules.iter().map(NamedRule::from).collect();
    if !may_manage(&caller) {
        for rule in &mut rules {
            rule.rule.url = rule.rule.url.as_deref().map(host_only);
        }
    }
    Ok(axum::Json(AlertList {
        rules,
        email_ready: app.post.can_mail(),
    }))
}

/// Without the other side's own words: those are for who may name the address.
fn status_only(answer: String) -> String {
    match answer.split_once(' ') {
        Some((status, _)) if status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit()) => {
            status.to_owned()
        }
        _ => answer,
    }
}

/// Whether they may change alerts, and so see where they go and what is answered there.
fn may_manage(caller: &Caller) -> bool {
    caller.may(Action::Manage, Target::Everything).is_ok()
}

/// `https://hooks.example.org/…`
fn host_only(url: &str) -> String {
    let uri: Option<axum::http::Uri> = url.parse().ok();
    match uri
        .as_ref()
        .and_then(|uri| Some((uri.scheme_str()?, uri.host()?)))
    {
        Some((scheme, host)) => format!("{scheme}://{host}/…"),
        None => "…".to_owned(),
    }
}

async fn known(app: &App, name: &str) -> Result<Option<Rule>, Problem> {
    let rules = alerts::rules(app.store(), &app.seal).await?;
    Ok(rules.into_iter().find(|rule| rule.name == name))
}

fn no_rule(name: &str) -> Problem {
    Problem::not_found(format!("there is no rule {name:?}"))
}

/// Keeps a rule under a name.
#[utoipa::path(put, path = "/alerts/{name}", tag = "alerts", request_body = AlertRule,
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, body = NamedRule), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn put(
    State(app): State<App>,
    Path(name): Path<String>,
    Json(rule): Json<AlertRule>,
) -> Result<axum::Json<NamedRule>, Problem> {
    let length = name.trim().chars().count();
    if length == 0 || length > 100 || name.contains('/') || name.chars().any(char::is_control) {
        return Err(wrong(
            "name",
            "a name has 1 to 100 characters, none of them invisible or a slash",
        ));
    }
    let before = known(&app, &name).await?;
    let rule = Rule {
        trigger: rule.trigger()?,
        channel: rule.channel(before.as_ref().map(|rule| &rule.channel))?,
        enabled: rule.enabled,
        name,
    };
    alerts::keep(app.store(), &app.seal, &rule, app.now()).await?;
    Ok(axum::Json(NamedRule::from(&rule)))
}

/// Takes a rule away.
#[utoipa::path(delete, path = "/alerts/{name}", tag = "alerts",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 204, description = "Gone"), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn remove(State(app): State<App>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    known(&app, &name).await?.ok_or_else(|| no_rule(&name))?;
    alerts::forget(app.store(), &name, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What came of a try.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tried {
    /// Whether it arrived.
    pub delivered: bool,
    /// What the other side answered, or what went wrong.
    pub answer: String,
}

/// Tells a rule's channel something, now, to see whether it arrives.
#[utoipa::path(post, path = "/alerts/{name}/test", tag = "alerts",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, body = Tried), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn test(State(app): State<App>, Path(name): Path<String>) -> Result<axum::Json<Tried>, Problem> {
    let rule = known(&app, &name).await?.ok_or_else(|| no_rule(&name))?;
    let delivery = Delivery {
        id: uuid::Uuid::now_v7().to_string(),
        rule: rule.name,
        about: "all".to_owned(),
        occasion: String::new(),
        text: "This is a test of docmill's alerts".to_owned(),
        channel: rule.channel,
        at: app.now(),
        outcome: Outcome::Pending,
        tries: 1,
        answer: String::new(),
        next_at: app.now(),
    };
    Ok(axum::Json(match app.post.send(&delivery).await {
        Ok(answer) => Tried {
            delivered: true,
            answer,
        },
        Err(answer) => Tried {
            delivered: false,
            answer,
        },
    }))
}

/// Something that was told.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    /// Its id.
    pub id: String,
    /// The rule's name.
    pub rule: String,
    /// The batch, or `all`.
    pub batch: String,
    /// What was told.
    pub text: String,
    /// When it happened.
    pub at: String,
    /// `pending`, `delivered` or `failed`.
    pub outcome: String,
    /// How often it was tried.
    pub tries: u32,
    /// What the other side said last.
    pub answer: String,
}

/// What was told.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryList {
    /// Newest first, the last 200.
    pub deliveries: Vec<DeliveryView>,
}

/// Which deliveries.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct DeliveryParams {
    /// Only about this batch.
    pub batch: Option<String>,
}

/// What was told, and whether it arrived.
#[utoipa::path(get, path = "/deliveries", tag = "alerts", params(DeliveryParams),
    responses((status = 200, body = DeliveryList), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn deliveries(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Query(params): Query<DeliveryParams>,
) -> Result<axum::Json<DeliveryList>, Problem> {
    let mut all = alerts::deliveries(app.store(), &app.seal).await?;
    if let Some(batch) = &params.batch {
        let about = app.batch_id(batch).await?.to_string();
        all.retain(|it| it.about == about);
    }
    let outcome = |outcome| match outcome {
        Outcome::Pending => "pending",
        Outcome::Delivered => "delivered",
        Outcome::Failed => "failed",
    };
    let is_trusted = may_manage(&caller);
    let views = all.into_iter().rev().map(|it| DeliveryView {
        id: it.id,
        rule: it.rule,
        batch: it.about,
        text: it.text,
        at: time(it.at),
        outcome: outcome(it.outcome).to_owned(),
        tries: it.tries,
        answer: if is_trusted {
            it.answer
        } else {
            status_only(it.answer)
        },
    });
    Ok(axum::Json(DeliveryList {
        deliveries: views.collect(),
    }))
}
