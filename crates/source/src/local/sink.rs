//! The producer's end of discovery: what a blocking walk hands over, one by one.

use std::ops::ControlFlow;

use tokio::sync::mpsc::Sender;

use super::files::Files;
use crate::filter::Filter;
use crate::port::{Discovered, Found, SourceError};
use crate::spec::Prefix;

/// One thing a walk found.
pub(crate) enum Step {
    /// Something to hand on as it is.
    Yield(Result<Discovered, SourceError>),
    /// A cloud place named in a list; who pulls looks it up.
    Remote {
        /// Where it was named ("line 3 of list.txt").
        origin: String,
        /// What was named.
        prefix: Prefix,
    },
}

/// Where a walk puts what it finds. `Break` means that nobody listens any more.
pub(crate) struct Sink<'a> {
    sender: &'a Sender<Step>,
    filter: &'a Filter,
    files: &'a Files,
    follows_links: bool,
}

impl<'a> Sink<'a> {
    pub fn new(sender: &'a Sender<Step>, filter: &'a Filter, files: &'a Files, follows_links: bool) -> Self {
        Self {
            sender,
            filter,
            files,
            follows_links,
        }
    }

    /// Where files may be opened.
    pub fn files(&self) -> &'a Files {
        self.files
    }

    /// Whether links to folders elsewhere are followed.
    pub fn follows_links(&self) -> bool {
        self.follows_links
    }

    /// What is wanted, and what is never opened.
    pub fn filter(&self) -> &Filter {
        self.filter
    }

    /// Hands on a document, if the user wants it.
    pub fn document(&self, found: Found) -> ControlFlow<()> {
        if !self.wants(&found.name) {
            return ControlFlow::Continue(());
        }
        self.send(Step::Yield(Ok(Discovered::Document(found))))
    }

    /// Tells the person something.
    pub fn notice(&self, sentence: String) -> ControlFlow<()> {
        self.send(Step::Yield(Ok(Discovered::Notice(sentence))))
    }

    /// Ends discovery with an error.
    pub fn error(&self, error: SourceError) -> ControlFlow<()> {
        self.send(Step::Yield(Err(error)))
    }

    /// Hands on a cloud place named in a list.
    pub fn remote(&self, origin: String, prefix: Prefix) -> ControlFlow<()> {
        self.send(Step::Remote { origin, prefix })
    }

    /// Whether the user wants a document of this name.
    pub fn wants(&self, name: &str) -> bool {
        self.filter.accepts(name)
    }

    /// Whether a folder (or what has its name) is left out as a whole.
    pub fn excludes(&self, name: &str) -> bool {
        self.filter.excludes(name)
    }

    fn send(&self, step: Step) -> ControlFlow<()> {
        match self.sender.blocking_send(step) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}
