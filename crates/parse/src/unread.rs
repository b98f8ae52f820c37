//! Pages that are pictures and stayed unread: one sentence for each reason, however
//! many pages it holds for.

use std::fmt::Write as _;

use crate::outcome::Outcome;

/// Collects pages by the reason they were not read.
#[derive(Default)]
pub(crate) struct Unread {
    reasons: Vec<(String, Vec<u32>)>,
}

impl Unread {
    /// This page was not read. Pages come in order.
    pub(crate) fn add(&mut self, page: u32, reason: &str) {
        match self.reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, pages)) => pages.push(page),
            None => self.reasons.push((reason.to_owned(), vec![page])),
        }
    }

    /// Says so in the document's notes.
    pub(crate) fn tell(self, outcome: &mut Outcome) {
        for (reason, pages) in self.reasons {
            let (noun, verb) = if pages.len() == 1 {
                ("Page", "is a picture and was")
            } else {
                ("Pages", "are pictures and were")
            };
            outcome.missing(format!("{noun} {} {verb} not read: {reason}.", ranges(&pages)));
        }
    }
}

/// "1–3, 7": page numbers as a person writes them.
fn ranges(pages: &[u32]) -> String {
    let mut text = String::new();
    for run in pages.chunk_by(|one, next| one.checked_add(1) == Some(*next)) {
        let separator = if text.is_empty() { "" } else { ", " };
        let _ = match run {
            [first, .., last] => write!(text, "{separator}{first}–{last}"),
            [only] => write!(text, "{separator}{only}"),
            [] => Ok(()),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_told_once() {
        let mut unread = Unread::default();
        for page in [1, 2, 3, 7] {
            unread.add(page, "tesseract is not installed");
        }
        unread.add(9, "it has no size");
        let mut outcome = Outcome::default();
        unread.tell(&mut outcome);
        assert!(outcome.is_partial());
        let told: Vec<&str> = outcome.findings.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(
            told,
            [
                "Pages 1–3, 7 are pictures and were not read: tesseract is not installed.",
                "Page 9 is a picture and was not read: it has no size."
            ]
        );
    }
}
