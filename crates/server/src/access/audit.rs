//! What is written into the audit log: who changed something or read a document, from where, and
//! what it was before and after. It is written before the answer leaves: a document whose reading
//! cannot be written down is not handed out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use axum::response::Response;
use docmill_core::audit::Deed;
use docmill_core::id::{DocumentId, Ordinal};
use docmill_core::time::Timestamp;
use docmill_store::BatchRow;
use serde_json::{Value, json};

use super::caller::Caller;
use super::guard::Asked;
use super::policy::{Rule, Written};
use crate::alerts;
use crate::app::App;
use crate::openapi::operation_name;
use crate::problem::Problem;
use crate::routes::settings;
use crate::views::{dollars, time};

/// The same person reading the same document again within this time is one reading: a page of
/// the dashboard asks for its text, its pages and its pictures one by one.
const ONE_READING_MS: i64 = 60_000;

/// Readings remembered for that.
const REMEMBERED: usize = 20_000;

/// Longest description of a state that is kept.
const LONGEST: usize = 4096;

/// What a route wants to have written down.
#[derive(Debug, Clone, Default)]
pub(crate) struct Note(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    who: Option<String>,
    target: Option<String>,
    after: Option<Value>,
}

impl Note {
    /// What is there now.
    pub(crate) fn after(&self, target: impl Into<String>, value: Value) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.target = Some(target.into());
        noted.after = Some(value);
    }

    /// Who it was, when that was found out only now.
    pub(crate) fn who(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).who = Some(name.to_owned());
    }

    fn take(&self) -> Noted {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Who read what a moment ago. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recent(Arc<Mutex<HashMap<String, Timestamp>>>);

impl Recent {
    /// Whether this is the same as a moment ago.
    fn is_again(&self, what: String, now: Timestamp) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.retain(|_, at| now.since_ms(*at) < ONE_READING_MS);
        }
        if all.len() >= REMEMBERED {
            all.clear();
        }
        let is_again = all
            .get(&what)
            .is_some_and(|at| (0..ONE_READING_MS).contains(&now.since_ms(*at)));
        if !is_again {
            all.insert(what, now);
        }
        is_again
    }

    fn forget(&self, what: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(what);
    }
}

/// Writes down that somebody known was refused.
pub(super) async fn refused(
    app: &App,
    rule: &Rule,
    asked: &Asked,
    caller: &Caller,
    problem: &Problem,
) -> Result<(), Problem> {
    if rule.written == Written::Nothing || !caller.is_known() {
        return Ok(());
    }
    let outcome = format!("refused ({})", problem.status);
    let deed = deed(app, asked, caller, Noted::default(), outcome).await;
    record(app, deed).await
}

/// Writes down how a request was answered.
pub(super) async fn answered(
    app: &App,
    rule: &Rule,
    asked: &Asked,
    caller: &Caller,
    note: &Note,
    before: Option<Value>,
    response: Response,
) -> Result<Response, Problem> {
    let status = response.status();
    let noted = note.take();
    let is_done = status.is_success() || status.is_redirection();
    let is_sign_in = asked.uri.path().contains("/session");
    // What could not be done changed nothing: only who was kept out, and what broke, is told.
    let outcome = match status {
        _ if is_done => "done".to_owned(),
        StatusCode::FORBIDDEN => format!("refused ({})", status.as_u16()),
        StatusCode::UNAUTHORIZED if is_sign_in => format!("refused ({})", status.as_u16()),
        _ if status.is_server_error() => format!("failed ({})", status.as_u16()),
        _ => return Ok(response),
    };
    // A stranger who signs out of nothing did nothing; what they write would only fill the log.
    if is_done && !caller.is_known() && noted.who.is_none() {
        return Ok(response);
    }
    let after = match (&noted.after, is_done && rule.written == Written::Change) {
        (Some(_), _) => noted.after.clone(),
        (None, true) => snapshot(app, asked, rule.written).await,
        (None, false) => None,
    };
    let mut deed = deed(app, asked, caller, noted, outcome).await;
    (deed.before, deed.after) = (text(before), text(after));
    let is_upload = asked.part("upload").is_some();
    let once = format!("{} {} {}", caller.account(), deed.action, deed.target);
    if (rule.written == Written::Reading || is_upload) && app.recent.is_again(once.clone(), app.now()) {
        return Ok(response);
    }
    match record(app, deed).await {
        Ok(()) => Ok(response),
        Err(problem) => {
            app.recent.forget(&once);
            Err(problem)
        }
    }
}

/// Writes down how a sign-in through an identity provider ended.
pub(crate) async fn signed_in(
    app: &App,
    address: std::net::IpAddr,
    who: &str,
    outcome: &str,
    after: Value,
) -> Result<(), Problem> {
    let deed = Deed {
        at: app.now(),
        who: who.to_owned(),
        via: "oidc".to_owned(),
        origin: address.to_string(),
        action: "get_session_oidc_callback".to_owned(),
        target: who.to_owned(),
        outcome: outcome.to_owned(),
        before: None,
        after: text(Some(after)),
    };
    record(app, deed).await
}

fn text(value: Option<Value>) -> Option<String> {
    let text = value?.to_string();
    if text.len() <= LONGEST {
        return Some(text);
    }
    Some(json!({ "too_long": text.len() }).to_string())
}

async fn deed(app: &App, asked: &Asked, caller: &Caller, noted: Noted, outcome: String) -> Deed {
    let target = match noted.target {
        Some(target) => target,
        None => target_of(app, asked).await,
    };
    Deed {
        at: app.now(),
        who: noted.who.unwrap_or_else(|| caller.name.clone()),
        via: caller.via_name().to_owned(),
        origin: asked.address.to_string(),
        action: operation_name(
            asked.method.as_str(),
            asked.route.as_deref().unwrap_or(asked.uri.path()),
        ),
        target,
        outcome,
        before: None,
        after: None,
    }
}

/// What the path names, batches by their ids: `last` is another one tomorrow.
async fn target_of(app: &App, asked: &Asked) -> String {
    let mut parts = Vec::new();
    for (name, value) in &asked.parts {
        let is_batch = name == "batch";
        let id = match is_batch {
            true => app.batch_id(value).await.ok().map(|id| id.to_string()),
            false => None,
        };
        let value: String = id.unwrap_or_else(|| value.clone()).chars().take(200).collect();
        // Of a document that is read, which page it was is one reading.
        if name != "page" {
            parts.push(value);
        }
    }
    parts.join("/")
}

async fn record(app: &App, deed: Deed) -> Result<(), Problem> {
    let is_change = deed.outcome == "done";
    match app.store().record(deed).await {
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::error!(%error, "the audit log cannot be written");
            let problem = Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "audit",
                format!("the audit log cannot be written: {error}"),
            );
            Err(match is_change {
                true => problem.hint("what was asked may have been done; look before it is asked again"),
                false => problem,
            })
        }
    }
}

/// How what a request is about stands, as far as it is changed by requests.
pub(super) async fn snapshot(app: &App, asked: &Asked, written: Written) -> Option<Value> {
    if written != Written::Change {
        return None;
    }
    let route = asked.route.as_deref()?.strip_prefix("/api/v1")?;
    if let Some(batch) = asked.part("batch") {
        let row = app.batch(batch).await.ok()?;
        if let Some(number) = asked.part("document").and_then(|number| number.parse().ok()) {
            let id = DocumentId {
                batch: row.id,
                ordinal: Ordinal(number),
            };
            let detail = app.store().document(id).await.ok()?;
            let review = detail.review?;
            // Which values were corrected stands in the document's own history.
            return Some(json!({
                "verdict": review.verdict.as_str(), "version": review.version, "reviewer": review.reviewer,
            }));
        }
        return Some(batch_state(&row));
    }
    let name = asked.part("name");
    if route.starts_with("/settings") {
        let settings = settings::load(app.store()).await.ok()?;
        return serde_json::to_value(settings).ok();
    }
    if route.starts_with("/keys/") {
        let keys = app.store().keys().await.ok()?;
        let key = keys.into_iter().find(|key| Some(key.name.as_str()) == name)?;
        return Some(json!({
            "role": key.role, "scope": key.scope, "expires_at": key.expires_at.map(time),
        }));
    }
    if route.starts_with("/alerts/") {
        let rules = alerts::rules(app.store(), &app.seal).await.ok()?;
        let rule = rules.into_iter().find(|rule| Some(rule.name.as_str()) == name)?;
        // Not the channel: its address is a secret.
        return Some(json!({ "trigger": rule.trigger, "enabled": rule.enabled }));
    }
    None
}

/// How a batch stands, as far as somebody changes it.
#[must_use]
pub fn batch_state(row: &BatchRow) -> Value {
    json!({
        "name": row.name, "state": row.state.as_str(), "budget_usd": row.balance.budget.map(dollars),
        "concurrency": row.plan.concurrency, "weight": row.plan.weight,
        "archived_at": row.archived_at.map(time),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_at_one_document_is_one_reading() {
        let recent = Recent::default();
        let now = Timestamp(1 << 40);
        let again = |what: &str, now| recent.is_again(what.to_owned(), now);
        assert!(!again("ada 1", now));
        assert!(again("ada 1", now.plus_ms(1)));
        assert!(!again("bob 1", now) && !again("ada 2", now));
        assert!(!again("ada 1", now.plus_ms(ONE_READING_MS)));
    }
}
