//! A document: what it is, what it is likely to cost, and where it stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::batch::UnknownState;

/// Where a document stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentState {
    /// Waits for a worker, or for the time of its next attempt.
    Pending,
    /// A worker holds it.
    Leased,
    /// Its extraction is stored.
    Completed,
    /// Ended without an extraction; the failure says why.
    Failed,
    /// Its batch was cancelled before its turn.
    Cancelled,
    /// Never processed: duplicate content, unsupported type, or empty.
    Skipped,
}

/// What can happen to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentEvent {
    /// A worker takes it.
    Lease,
    /// The worker gives it back untouched, or its lease ran out.
    Release,
    /// Its extraction was accepted.
    Complete,
    /// It ended without one.
    Fail,
    /// The batch was cancelled.
    Cancel,
    /// It need not be processed.
    Skip,
    /// A person wants it tried again.
    Retry,
}

impl DocumentState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Leased,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Skipped,
    ];

    /// The next state; `None` when this state does not take the event.
    #[must_use]
    pub fn on(self, event: DocumentEvent) -> Option<Self> {
        use DocumentEvent as E;
        match (self, event) {
            (Self::Pending, E::Lease) => Some(Self::Leased),
            (Self::Leased, E::Release) => Some(Self::Pending),
            (Self::Leased, E::Complete) => Some(Self::Completed),
            (Self::Leased, E::Fail) => Some(Self::Failed),
            (Self::Pending, E::Cancel) => Some(Self::Cancelled),
            // A person may say that a failed one is not worth another thought.
            (Self::Pending | Self::Leased | Self::Failed | Self::Cancelled, E::Skip) => Some(Self::Skipped),
            (Self::Failed | Self::Cancelled, E::Retry) => Some(Self::Pending),
            _ => None,
        }
    }

    /// Whether nothing more will happen to it by itself.
    #[must_use]
    pub const fn is_ended(self) -> bool {
        !matches!(self, Self::Pending | Self::Leased)
    }

    /// The name in the database, the API and the docs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Leased => "leased",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for DocumentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DocumentState {
    type Err = UnknownState;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == name)
            .ok_or_else(|| UnknownState(name.to_owned()))
    }
}

/// An enum whose values have names that are the same in code, database, API and docs.
#[macro_export]
macro_rules! named_enum {
    ($(#[$meta:meta])* $name:ident, $what:literal { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in the database, the API and the docs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
                    .ok_or_else(|| UnknownName { what: $what, name: name.to_owned() })
            }
        }
    };
}

/// A name that stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a {what}")]
pub struct UnknownName {
    /// What was looked for.
    pub what: &'static str,
    /// What was given.
    pub name: String,
}

named_enum! {
    /// What a document is, by its content.
    Kind, "kind of document" {
        /// Portable Document Format.
        Pdf = "pdf",
        /// PNG, JPEG, TIFF, WebP, BMP.
        Image = "image",
        /// XLSX, XLS, XLSB, ODS, CSV, TSV.
        Spreadsheet = "spreadsheet",
        /// DOCX, PPTX, ODT, RTF and their old binary forms.
        Office = "office",
        /// HTML and MHTML.
        Html = "html",
        /// EML, MSG.
        Email = "email",
        /// Plain text, Markdown, JSON, XML.
        Text = "text",
        /// Nothing docmill reads.
        Unknown = "unknown",
    }
}

named_enum! {
    /// Complexity class: what a document is likely to cost.
    Class, "complexity class" {
        /// A PDF with a text layer, few pages.
        SimplePdf = "simple_pdf",
        /// A PDF with a text layer and many pages or dense tables.
        ComplexPdf = "complex_pdf",
        /// A PDF whose pages are pictures.
        ScannedPdf = "scanned_pdf",
        /// A picture.
        Image = "image",
        /// A spreadsheet.
        Spreadsheet = "spreadsheet",
        /// A word-processor document or a presentation.
        Office = "office",
        /// A web page.
        Html = "html",
        /// An e-mail.
        Email = "email",
        /// Plain text.
        Text = "text",
        /// Not read yet, or nothing docmill reads.
        Unknown = "unknown",
    }
}
