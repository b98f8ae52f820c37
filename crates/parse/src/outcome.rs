//! What reading one format gave, before it is put together with what is known about
//! the document as a whole.

use docmill_core::page::{FindingKind, Page, ReadingFinding};

/// Findings of one kind that a reading carries; further ones only count.
const FINDINGS: usize = 20;

/// Pages and what is to be said about them.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) pages: Vec<Page>,
    /// Pages the document has, when that is more than could be read.
    pub(crate) page_count: Option<u32>,
    pub(crate) findings: Vec<ReadingFinding>,
    /// Pages are dense or many: dearer than usual.
    pub(crate) complex: bool,
    /// Pages that are pictures.
    pub(crate) scanned: usize,
}

impl Outcome {
    /// One page of text.
    pub(crate) fn of_text(text: String) -> Self {
        let mut outcome = Self::default();
        outcome.push(None, text);
        outcome
    }

    /// Adds a page of text without places, as far as there is room for it.
    pub(crate) fn push(&mut self, label: Option<String>, mut text: String) {
        let number = u32::try_from(self.pages.len() + 1).unwrap_or(u32::MAX);
        if crate::text::bound(&mut text) {
            self.too_much_text();
        }
        self.pages.push(crate::text::page(number, label, text));
    }

    /// There is more text than is read.
    pub(crate) fn too_much_text(&mut self) {
        self.limit(format!(
            "Reading stopped after {} MB of text, the most that is read of one document; split the document to have all of it.",
            crate::limits::TEXT_BYTES >> 20
        ));
    }

    /// Something is missing.
    pub(crate) fn missing(&mut self, message: impl Into<String>) {
        self.find(FindingKind::NotRead, None, message.into());
    }

    /// Reading stopped at a limit.
    pub(crate) fn limit(&mut self, message: impl Into<String>) {
        self.find(FindingKind::Limit, None, message.into());
    }

    /// What was read may not be what stands there.
    pub(crate) fn doubt(&mut self, message: impl Into<String>) {
        self.find(FindingKind::Doubtful, None, message.into());
    }

    /// Good to know.
    pub(crate) fn note(&mut self, message: impl Into<String>) {
        self.find(FindingKind::Note, None, message.into());
    }

    /// Takes over findings.
    pub(crate) fn found(&mut self, findings: Vec<ReadingFinding>) {
        for finding in findings {
            self.find(finding.kind, finding.page, finding.message);
        }
    }

    /// Takes over what was found in a part of the document.
    pub(crate) fn found_in(&mut self, part: &str, findings: Vec<ReadingFinding>) {
        for finding in findings {
            self.find(finding.kind, None, format!("{part}: {}", finding.message));
        }
    }

    /// The same thing is said once, and a thousand broken pages need no thousand findings.
    pub(crate) fn find(&mut self, kind: FindingKind, page: Option<u32>, message: String) {
        let alike = self.findings.iter().filter(|it| it.kind == kind);
        let told = alike.clone().any(|it| it.message == message && it.page == page);
        if !told && alike.count() < FINDINGS {
            self.findings.push(ReadingFinding { kind, page, message });
        }
    }

    /// Whether something is missing.
    #[cfg(test)]
    pub(crate) fn is_partial(&self) -> bool {
        self.findings.iter().any(|it| it.kind.is_missing())
    }
}
