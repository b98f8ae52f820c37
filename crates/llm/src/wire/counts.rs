//! Token counts as servers write them: whole numbers, `100.0`, `"100"`, −1,
//! nothing, under several names. What makes sense is taken; what does not is no
//! count, and the caller settles that half at the worst case.

use docmill_core::price::CallBound;
use docmill_core::usage::Usage;
use serde_json::Value;

/// What a server says it counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    /// The whole prompt, cached or not.
    pub(crate) prompt: Option<u64>,
    /// Of it: read from the cache.
    pub(crate) cached: Option<u64>,
    /// Of it: written to the cache.
    pub(crate) written: Option<u64>,
    /// The answer, thoughts included.
    pub(crate) answer: Option<u64>,
}

/// Larger than any context; what is beyond is a mistake, not a count.
const MAX_COUNT: f64 = 1e12;

/// A count, however it is written. `None`: it is none.
pub(crate) fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number
            .as_u64()
            .or_else(|| number.as_f64().and_then(whole))
            .filter(|count| *count <= 1_000_000_000_000),
        Value::String(text) => {
            let text = text.trim();
            text.parse()
                .ok()
                .or_else(|| text.parse::<f64>().ok().and_then(whole))
                .filter(|count| *count <= 1_000_000_000_000)
        }
        _ => None,
    }
}

/// A float that is a whole number; part of a token rounds up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to lie between 0 and 10^12"
)]
fn whole(number: f64) -> Option<u64> {
    (0.0..=MAX_COUNT).contains(&number).then(|| number.ceil() as u64)
}

/// The count under the first of these names that has one.
pub(crate) fn field(object: &Value, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| object.get(name).and_then(count))
}

impl Counts {
    /// What was used. No prompt has zero tokens, and no text that came back; a
    /// half that is missing or cannot be is taken at the worst case. `None`:
    /// nothing of it makes sense.
    pub(crate) fn settle(self, bound: &CallBound, answered: bool) -> Option<Usage> {
        let prompt = self.prompt.filter(|count| *count > 0);
        let answer = self.answer.filter(|count| *count > 0 || !answered);
        // A count of nothing for an answer that is empty says nothing by itself.
        if prompt.is_none() && answer.is_none_or(|count| count == 0) {
            return None;
        }
        let prompt = prompt.unwrap_or(bound.input_tokens);
        let cached = self.cached.unwrap_or(0).min(prompt);
        let written = self.written.unwrap_or(0).min(prompt - cached);
        Some(Usage {
            input_tokens: prompt - cached - written,
            cached_input_tokens: cached,
            cache_write_tokens: written,
            output_tokens: answer.unwrap_or(bound.output_tokens),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_are_read_however_they_are_written() {
        let cases = [
            (json!(100), Some(100)),
            (json!(100.0), Some(100)),
            (json!(99.2), Some(100)),
            (json!("100"), Some(100)),
            (json!(" 100.0 "), Some(100)),
            (json!(0), Some(0)),
            (json!(-1), None),
            (json!(-1.0), None),
            (json!("-1"), None),
            (json!("many"), None),
            (json!("NaN"), None),
            (json!(1e30), None),
            (json!("99999999999999999"), None),
            (json!(null), None),
            (json!([100]), None),
        ];
        for (value, expected) in cases {
            assert_eq!(count(&value), expected, "{value}");
        }
    }

    #[test]
    fn what_cannot_be_is_settled_at_the_worst_case() {
        let bound = CallBound {
            input_tokens: 1000,
            output_tokens: 200,
        };
        let settle = |prompt, answer, answered| {
            let counts = Counts {
                prompt,
                answer,
                ..Counts::default()
            };
            let usage = counts.settle(&bound, answered);
            usage.map(|usage| (usage.total_input(), usage.output_tokens))
        };
        assert_eq!(settle(Some(10), Some(2), true), Some((10, 2)));
        assert_eq!(settle(Some(0), Some(0), true), None);
        assert_eq!(settle(None, None, true), None);
        assert_eq!(settle(Some(0), Some(2), true), Some((1000, 2)));
        assert_eq!(settle(Some(10), Some(0), true), Some((10, 200)));
        assert_eq!(settle(Some(10), None, true), Some((10, 200)));
        assert_eq!(
            settle(Some(10), Some(0), false),
            Some((10, 0)),
            "nothing came back"
        );
    }
}
