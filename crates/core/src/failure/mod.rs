//! Everything that can go wrong with a document, in one table: a stable code,
//! its class, and what to tell the person. And what to do about it: [`decide`]
//! for one document, [`Breaker`] for a batch whose calls all fail alike.

mod breaker;
mod decide;
mod policy;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::document::UnknownName;

pub use breaker::Breaker;
pub use decide::{Billing, Decision, History, LONGEST_RETRY, decide};
pub use policy::Policy;

/// What kind of failure it is; decides what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The provider wants us slower: wait, then try again.
    SpeedLimit,
    /// A limit that resets tomorrow: pause until then.
    DailyLimit,
    /// The account is empty or a spend limit was met: pause the batch.
    Money,
    /// Wrong key, unknown model, refused request shape: every call would fail alike, pause the batch.
    Configuration,
    /// Overload, 5xx, timeout, broken connection: back off and try again.
    Transient,
    /// An answer that is not what was asked for: repair once, then fail.
    BadAnswer,
    /// The answer was cut off: split or raise the limit; never repeat unchanged.
    Truncated,
    /// The model declined.
    Refusal,
    /// Nothing wrong with us or the provider: the document cannot be processed.
    BadDocument,
    /// Our own fault.
    Bug,
}

impl FailureClass {
    /// The name in the docs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SpeedLimit => "speed_limit",
            Self::DailyLimit => "daily_limit",
            Self::Money => "money",
            Self::Configuration => "configuration",
            Self::Transient => "transient",
            Self::BadAnswer => "bad_answer",
            Self::Truncated => "truncated",
            Self::Refusal => "refusal",
            Self::BadDocument => "bad_document",
            Self::Bug => "bug",
        }
    }
}

macro_rules! failure_codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $class:ident, $hint:literal;)+) => {
        /// Stable code of a failure: the same in database, API, screens and docs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FailureCode { $($(#[$doc])* $variant,)+ }

        impl FailureCode {
            /// Every code, in the order of the table in the docs.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// What kind of failure it is.
            #[must_use]
            pub const fn class(self) -> FailureClass {
                match self { $(Self::$variant => FailureClass::$class,)+ }
            }

            /// What the person can do about it.
            #[must_use]
            pub const fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)+ }
            }
        }
    };
}

failure_codes! {
    /// The file is encrypted and no password fits.
    PasswordRequired = "password_required", BadDocument, "give the password with --password or --passwords FILE, then retry";
    /// The content is broken.
    CorruptDocument = "corrupt_document", BadDocument, "open the file in its own program and save it again";
    /// The same content as another document of the batch.
    Duplicate = "duplicate", BadDocument, "nothing to do: its original is processed";
    /// No reader for this type.
    UnsupportedType = "unsupported_type", BadDocument, "convert it to PDF, an image, a spreadsheet, DOCX, HTML or text";
    /// Zero bytes, or nothing but white space.
    EmptyDocument = "empty_document", BadDocument, "check that the file was copied whole";
    /// A scan, and no text recognition.
    OcrUnavailable = "ocr_unavailable", BadDocument, "install tesseract (docmill doctor says how) or choose a model that sees images";
    /// A picture in which no text was found.
    NoText = "no_text", BadDocument, "choose a model that sees images, with reading = \"vision\"";
    /// Reading took longer than allowed.
    ParseTimeout = "parse_timeout", BadDocument, "the file asks for too much work; split it or save it again";
    /// Reading took more memory or output than allowed.
    ParseLimit = "parse_limit", BadDocument, "the file unpacks to more than docmill allows; split it";
    /// The reader died on it.
    ParseCrash = "parse_crash", BadDocument, "the file breaks its reader; save it again from its own program";
    /// Its reader was killed from outside, again and again.
    ReaderKilled = "reader_killed", Transient, "something on this machine kills docmill's readers, perhaps for want of memory: see the system's log, then docmill retry";
    /// Larger than allowed.
    TooLarge = "too_large", BadDocument, "split the file, or raise --max-document-bytes";
    /// The source no longer gives the document.
    SourceUnreadable = "source_unreadable", BadDocument, "check that the file still exists and may be read, then retry";
    /// Not the bytes that were added to the batch.
    SourceChanged = "source_changed", BadDocument, "retry takes the document as it is now";
    /// The prompt does not fit the model, even split.
    PromptTooLong = "prompt_too_long", BadDocument, "choose a model with a larger context";
    /// 429 for requests or tokens per minute.
    RateLimited = "rate_limited", SpeedLimit, "nothing to do: docmill slows down by itself";
    /// 503 of a server that is loading its model.
    ModelLoading = "model_loading", SpeedLimit, "nothing to do: docmill waits for the server";
    /// 429 for a daily quota.
    DailyQuota = "daily_quota", DailyLimit, "resume after the provider's reset";
    /// Balance or spend limit at the provider.
    BalanceExhausted = "balance_exhausted", Money, "top up the provider account, then resume the batch";
    /// 401 or 403.
    KeyRefused = "key_refused", Configuration, "check the API key in the environment";
    /// An address this server may not be made to call.
    AddressRefused = "address_refused", Configuration, "let an admin choose this address, or start docmill serve with --model-address URL";
    /// The provider does not know the model.
    UnknownModel = "unknown_model", Configuration, "check the model's name with the provider";
    /// 400: the request's shape is refused.
    RequestRefused = "request_refused", Configuration, "see the provider's message; the template's schema may use what it does not support";
    /// 5xx or 529.
    ProviderError = "provider_error", Transient, "retry later";
    /// No answer in time.
    CallTimeout = "call_timeout", Transient, "retry later, or raise --timeout";
    /// Connection refused, DNS failure, reset.
    ConnectionFailed = "connection_failed", Transient, "check the network and the base URL";
    /// Not JSON, or not what the schema asks for.
    InvalidAnswer = "invalid_answer", BadAnswer, "look at the raw answer; a stronger model or a simpler schema helps";
    /// Finished for length.
    AnswerTruncated = "answer_truncated", Truncated, "raise --max-output-tokens or choose a model with a longer answer";
    /// Stopped by the provider's content filter.
    ContentFiltered = "content_filtered", Refusal, "try another model";
    /// The model declined.
    Refused = "refused", Refusal, "try another model";
    /// One call alone would not fit into the whole budget.
    OverBudget = "over_budget", BadDocument, "raise the budget";
    /// Too many attempts in total.
    AttemptsExhausted = "attempts_exhausted", Transient, "look at the attempts, then retry";
    /// The actual cost was above the reserved worst case.
    Overrun = "overrun", Bug, "the price or the token bound was wrong; the batch is paused so that it cannot go on";
    /// Our own fault.
    Internal = "internal", Bug, "please report it with the log";
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for FailureCode {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == name)
            .ok_or_else(|| UnknownName {
                what: "failure code",
                name: name.to_owned(),
            })
    }
}

/// What went wrong with one document, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The stable code.
    pub code: FailureCode,
    /// What happened, as a sentence without a full stop at its end.
    pub message: String,
}

impl Failure {
    /// A failure with its message.
    #[must_use]
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
