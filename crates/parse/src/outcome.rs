//! What reading one format gave, before it is put together with what is known about
//! the document as a whole.

use docmill_core::page::Page;

/// Pages and what is to be said about them.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) pages: Vec<Page>,
    /// Pages the document has, when that is more than could be read.
    pub(crate) page_count: Option<u32>,
    pub(crate) notes: Vec<String>,
    pub(crate) partial: bool,
    /// Pages are dense or many: dearer than usual.
    pub(crate) complex: bool,
    /// Pages that are pictures.
    pub(crate) scanned: usize,
}

impl Outcome {
    /// One page of text.
    pub(crate) fn of_text(text: String) -> Self {
        let mut text = text;
        let cut = crate::text::bound(&mut text);
        let mut outcome = Self {
            pages: vec![crate::text::page(1, None, text)],
            ..Self::default()
        };
        if cut {
            outcome.missing("Reading stopped: the document holds too much text.".to_owned());
        }
        outcome
    }

    /// Something is missing.
    pub(crate) fn missing(&mut self, note: impl Into<String>) {
        self.partial = true;
        // A thousand broken pages need no thousand notes.
        if self.notes.len() < 20 {
            self.notes.push(note.into());
        }
    }
}
