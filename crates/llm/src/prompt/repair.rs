//! What the model is told after a bad answer.

/// The message that follows the answer that was not accepted.
#[must_use]
pub fn repair(problems: &str) -> String {
    format!(
        "That answer was not accepted:\n{}\n\nRead the document again and answer with the whole corrected \
         JSON object, nothing else. Change only what was wrong. Use null for what the document does not say.",
        problems.trim()
    )
}
