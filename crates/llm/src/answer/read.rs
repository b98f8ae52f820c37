//! From the text of an answer to its object. What is plain JSON is taken as it
//! is. What is not (thoughts before it, prose around it, a list of one, a comma
//! too many) is taken when, and only when, exactly one object in it is what was
//! asked for; the caller decides that. Thoughts are never looked into: what
//! stands there are drafts.

use serde_json::Value;

use super::mend::{closed, mended};

/// An object that was accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct Read<T> {
    /// What the caller made of it.
    pub accepted: T,
    /// How it had to be found; `None`: it was the whole answer.
    pub mended: Option<&'static str>,
}

/// Why nothing was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread<E> {
    /// There is no JSON in it that could be judged; what is wrong with it.
    NotJson(String),
    /// The caller did not accept it.
    NotAccepted(E),
}

/// Brackets that are tried; prose rarely has more.
const MOST_TRIES: usize = 64;

/// The object in an answer.
///
/// # Errors
/// When there is none, when it is not accepted, or when different ones would be.
pub fn read<T: PartialEq, E>(
    text: &str,
    mut accept: impl FnMut(Value) -> Result<T, E>,
) -> Result<Read<T>, Unread<E>> {
    match json_of(text) {
        Ok(value) => plain(value, &mut accept),
        Err(error) => dug_out(text, &error, &mut accept),
    }
}

/// The JSON of an answer: without the code fence some models put around it,
/// whatever they were told.
///
/// # Errors
/// When what is left is not JSON. The message names the line and column.
pub fn json_of(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(without_fence(text))
}

/// An answer that is JSON as a whole.
fn plain<T, E>(value: Value, accept: &mut impl FnMut(Value) -> Result<T, E>) -> Result<Read<T>, Unread<E>> {
    let unwrapped = unwrapped(&value);
    let refused = match accept(value) {
        Ok(accepted) => {
            return Ok(Read {
                accepted,
                mended: None,
            });
        }
        Err(refused) => refused,
    };
    if let Some((inner, how)) = unwrapped
        && let Ok(accepted) = accept(inner)
    {
        return Ok(Read {
            accepted,
            mended: Some(how),
        });
    }
    Err(Unread::NotAccepted(refused))
}

/// The object in a list of one, or in a text.
fn unwrapped(value: &Value) -> Option<(Value, &'static str)> {
    match value {
        Value::Array(items) => match items.as_slice() {
            [only @ Value::Object(_)] => Some((only.clone(), "the object stood in a list of one")),
            _ => None,
        },
        Value::String(text) => {
            let inner = json_of(text).ok()?;
            inner
                .is_object()
                .then_some((inner, "the object stood inside a text"))
        }
        _ => None,
    }
}

/// An answer that has more than JSON in it.
fn dug_out<T: PartialEq, E>(
    text: &str,
    error: &serde_json::Error,
    accept: &mut impl FnMut(Value) -> Result<T, E>,
) -> Result<Read<T>, Unread<E>> {
    let not_json = |why: String| Err(Unread::NotJson(why));
    let Some((rest, thought)) = without_thoughts(text) else {
        return not_json("the answer ends inside the model's thoughts".to_owned());
    };
    let mut accepted: Option<T> = None;
    let mut refused = None;
    let mut mended_inside = false;
    for (value, was_mended) in objects(rest) {
        let judged = match value {
            // The brackets around an object are tried before it.
            list @ Value::Array(_) => match unwrapped(&list) {
                Some((inner, _)) => accept(inner),
                None => continue,
            },
            object => accept(object),
        };
        match judged {
            Ok(found) if accepted.as_ref().is_some_and(|before| *before != found) => {
                return not_json(
                    "the answer holds different objects that fit; answer with exactly one".to_owned(),
                );
            }
            Ok(found) => {
                accepted = Some(found);
                mended_inside |= was_mended;
            }
            Err(why) => refused = Some(why),
        }
    }
    match (accepted, refused) {
        (Some(accepted), _) => Ok(Read {
            accepted,
            mended: Some(match (thought, mended_inside) {
                (_, true) => "the object had a comma too many or a raw line break in a text",
                (true, false) => "thoughts stood before the object",
                (false, false) => "text stood around the object",
            }),
        }),
        (None, Some(why)) => Err(Unread::NotAccepted(why)),
        (None, None) => not_json(format!("the answer is not valid JSON: {error}")),
    }
}

/// How thoughts end, in the forms that models and servers mark them.
const THOUGHTS_END: [&str; 6] = [
    "</think>",
    "</thinking>",
    "</thought>",
    "[/THINK]",
    "<|channel|>final<|message|>",
    "<|end_of_thought|>",
];

/// How they begin, where the mark is enough to say so.
const THOUGHTS_BEGIN: [&str; 4] = ["<think>", "<thinking>", "<thought>", "[THINK]"];

/// What stands behind the thoughts, and whether there were any. `None`: they do not end.
fn without_thoughts(text: &str) -> Option<(&str, bool)> {
    let end = THOUGHTS_END
        .iter()
        .filter_map(|mark| text.rfind(mark).map(|at| at + mark.len()))
        .max();
    let rest = end.map_or(text, |end| text.get(end..).unwrap_or_default());
    let unended = THOUGHTS_BEGIN.iter().any(|mark| rest.contains(mark));
    (!unended).then_some((rest, end.is_some()))
}

/// The values in brackets that stand side by side in a text, each with whether it had to be mended.
fn objects(text: &str) -> Vec<(Value, bool)> {
    let mut found = Vec::new();
    let mut rest = text;
    for _ in 0..MOST_TRIES {
        let Some(at) = rest.find(['{', '[']) else { break };
        let tail = rest.get(at..).unwrap_or_default();
        let parsed = closed(tail).and_then(|end| {
            let candidate = tail.get(..end)?;
            let parse = |text: &str| serde_json::from_str::<Value>(text).ok();
            let strict = parse(candidate).map(|value| (value, false));
            let found = strict.or_else(|| parse(&mended(candidate)).map(|value| (value, true)));
            found.map(|(value, mended)| (value, mended, end))
        });
        let skipped = match parsed {
            Some((value, mended, end)) => {
                let object = value.is_object() || unwrapped(&value).is_some();
                if object {
                    found.push((value, mended));
                }
                end
            }
            None => 1,
        };
        rest = tail.get(skipped..).unwrap_or_default();
    }
    found
}

/// What stands between ``` fences, when the answer is fenced; else the answer.
fn without_fence(text: &str) -> &str {
    let text = text.trim_start_matches('\u{feff}').trim();
    let Some(opened) = text.strip_prefix("```") else {
        return text;
    };
    // The rest of the opening line is the language ("json"), unless the JSON
    // follows on the same line.
    let body = opened.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    let body = body.trim_end();
    body.strip_suffix("```").unwrap_or(body).trim()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn fences_are_taken_off_and_nothing_else() {
        for text in [
            "{\"a\":1}",
            "```json\n{\"a\":1}\n```",
            "  ```\n{\"a\":1}```  ",
            "```JSON {\"a\":1}```\n",
            "\u{feff}{\"a\":1}",
            "```json\n{\"a\":1}",
        ] {
            assert_eq!(json_of(text).unwrap(), json!({"a": 1}), "{text:?}");
        }
        assert_eq!(json_of("{\"a\":\"```\"}").unwrap(), json!({"a": "```"}));
        for bad in ["", "```", "Sure! {\"a\":1}", "{\"a\":", "``````"] {
            assert!(json_of(bad).is_err(), "{bad:?} is not JSON");
        }
    }

    /// Accepts an object with a whole number under "n" and nothing else.
    fn number(value: Value) -> Result<u64, &'static str> {
        let object = value.as_object().ok_or("not an object")?;
        match (object.len(), object.get("n").and_then(Value::as_u64)) {
            (1, Some(n)) => Ok(n),
            _ => Err("no n"),
        }
    }

    #[test]
    fn wrappings_of_every_kind_are_taken_off() {
        let good = [
            "{\"n\":7}",
            "```json\n{\"n\":7}\n```",
            "Here is `the` result:\n```json\n{\"n\": 7}\n```\nSee [docs] {note} for more [1].",
            "<think>\nmaybe {\"n\": 1}, or not\n</think>\n\n{\"n\": 7}",
            "I see {\"n\": 1} first </think> {\"n\": 7}",
            "[THINK]{\"n\":2}[/THINK]```json\n{\"n\":7}\n```",
            "<|channel|>analysis<|message|>{\"n\":3}<|end|><|start|>assistant<|channel|>final<|message|>{\"n\":7}",
            "{\"n\":7}\n{\"n\":7}",
            "{\"n\":7,}",
            "[{\"n\":7}]",
            "Answer: [{\"n\":7}]",
            "\"{\\\"n\\\": 7}\"",
            "The draft {\"m\": 1} was wrong. {\"n\": 7}",
            "{oops {\"n\":7}",
        ];
        for text in good {
            let read = read(text, number).unwrap_or_else(|why| panic!("{text:?}: {why:?}"));
            assert_eq!(read.accepted, 7, "{text:?}");
        }
    }

    #[test]
    fn nothing_is_guessed() {
        let bad = [
            "",
            "no",
            "<think>{\"n\":7}",
            "<think>{\"n\":7}</think>",
            "<think>{\"n\":7}</think> <think> {\"n\":8}",
            "{\"n\":7} {\"n\":8}",
            "[{\"n\":7},{\"n\":7}]",
            "{\"n\":7",
            "{\"n\":\"7\"}",
            "{\"result\":{\"n\":7}}",
        ];
        for text in bad {
            assert!(read(text, number).is_err(), "{text:?}");
        }
        let text = |value: Value| value["t"].as_str().map(str::to_owned).ok_or(());
        let read = read("{\"t\": \"A-17\nB\t,}\"}", text).unwrap();
        assert_eq!(read.accepted, "A-17\nB\t,}");
        assert!(read.mended.is_some());
    }

    proptest! {
        /// Any object is found in any prose without brackets, as it is; and reading never breaks down.
        #[test]
        fn an_object_in_prose_is_the_object(before in "[^{}\\[\\]<\"]{0,40}", text in ".{0,30}", after in ".{0,40}") {
            let object = json!({"n": 1, "text": text});
            let fits = |value: Value| if value == object { Ok(value) } else { Err(()) };
            let whole = format!("{before} {object}");
            prop_assert_eq!(read(&whole, fits).unwrap().accepted, object.clone());
            let _ = read(&after, fits);
        }
    }
}
