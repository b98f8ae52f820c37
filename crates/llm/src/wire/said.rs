//! What a server says about an error, in whichever shape it says it: OpenAI's
//! object, Anthropic's typed one, Google's with details (alone or in a list),
//! AWS's bare message, FastAPI's `detail`, plain text, a proxy's page.

use std::time::Duration;

use serde_json::Value;

use super::refused::Complaint;
use crate::signals::span;

/// A parsed error.
pub(crate) struct Said {
    /// For people.
    pub(crate) message: String,
    /// Everything, in lower case, for looking words up.
    pub(crate) all: String,
    /// Its codes, types and states, in lower case, each whole.
    pub(crate) codes: Vec<String>,
    /// The parameter it names.
    parameter: Option<String>,
    /// Google's quota ids ("GenerateRequestsPerDayPerProject…"), as they are.
    pub(crate) quotas: Vec<String>,
    /// Google's limit that was met, when it is zero: the model is not in the plan.
    pub(crate) limit_is_zero: bool,
    /// Google's `RetryInfo`.
    pub(crate) retry_delay: Option<Duration>,
    /// A body that is an error of the API, not the page of some proxy.
    pub(crate) structured: bool,
}

impl Said {
    /// Reads the body of an error.
    pub(crate) fn of(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let parsed: Option<Value> = serde_json::from_slice(body).ok();
        // Gemini's compatible endpoint wraps the object in a list.
        let object = match &parsed {
            Some(Value::Array(list)) => list.first(),
            other => other.as_ref(),
        };
        match object.filter(|value| value.is_object()) {
            Some(object) => Self::of_object(object, &text),
            None => Self {
                message: text_of_page(&text),
                all: text.to_lowercase(),
                codes: Vec::new(),
                parameter: None,
                quotas: Vec::new(),
                limit_is_zero: false,
                retry_delay: None,
                structured: false,
            },
        }
    }

    fn of_object(object: &Value, text: &str) -> Self {
        let error = object
            .get("error")
            .filter(|error| !error.is_null())
            .unwrap_or(object);
        let string = |key: &str| error.get(key).and_then(Value::as_str);
        let message = error
            .as_str()
            .filter(|_| object.get("message").is_none())
            .or_else(|| string("message"))
            .or_else(|| string("Message"))
            .or_else(|| string("detail"))
            .or_else(|| object.get("message").and_then(Value::as_str))
            .map_or_else(|| error.to_string(), str::to_owned);
        let codes = ["code", "type", "status", "__type", "reason"]
            .iter()
            .filter_map(|key| string(key))
            .chain(error.as_str())
            .map(str::to_lowercase)
            .collect();
        let details = error.get("details").and_then(Value::as_array);
        let mut said = Self {
            limit_is_zero: message.contains("limit: 0,") || message.ends_with("limit: 0"),
            message,
            all: text.to_lowercase(),
            codes,
            parameter: string("param").map(str::to_lowercase),
            quotas: Vec::new(),
            retry_delay: None,
            structured: object.get("error").is_some_and(|error| !error.is_null())
                || object.get("type").and_then(Value::as_str) == Some("error")
                || object.get("object").and_then(Value::as_str) == Some("error")
                || object.get("__type").is_some(),
        };
        for detail in details.into_iter().flatten() {
            said.add_detail(detail);
        }
        said
    }

    /// One of Google's details: which quota, and when to come back.
    fn add_detail(&mut self, detail: &Value) {
        let quota = |holder: &Value| holder.get("quotaId").and_then(Value::as_str).map(str::to_owned);
        self.quotas.extend(quota(detail));
        let violations = detail.get("violations").and_then(Value::as_array);
        self.quotas
            .extend(violations.into_iter().flatten().filter_map(quota));
        let delay = detail.get("retryDelay").and_then(Value::as_str);
        let delay = delay.and_then(|text| span(text, std::time::SystemTime::UNIX_EPOCH));
        self.retry_delay = self.retry_delay.or(delay);
    }

    pub(crate) fn has(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.all.contains(word))
    }

    pub(crate) fn has_code(&self, codes: &[&str]) -> bool {
        self.codes.iter().any(|code| codes.contains(&code.as_str()))
    }

    pub(crate) fn complaint(&self) -> Complaint {
        Complaint {
            parameter: self.parameter.clone(),
            text: self.all.clone(),
        }
    }
}

/// The words of an HTML page, without its tags.
fn text_of_page(text: &str) -> String {
    let mut inside_tag = false;
    let words = text.chars().map(|c| {
        match c {
            '<' => inside_tag = true,
            '>' => {
                inside_tag = false;
                return ' ';
            }
            _ => {}
        }
        if inside_tag { ' ' } else { c }
    });
    words.collect()
}
