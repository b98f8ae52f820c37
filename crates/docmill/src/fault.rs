//! What ends a command early: what happened, what to do next, and the exit status.

use std::io;

use docmill_core::template::TemplateError;
use docmill_engine::EngineError;
use docmill_engine::export::ExportError;
use docmill_engine::reconcile::ReconcileError;
use docmill_store::{StoreError, TransitionRefused};

use crate::exit::Exit;

/// What ends a command early.
#[derive(Debug)]
pub struct Fault {
    /// What happened, as a sentence without a full stop.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The exit status.
    pub exit: Exit,
    /// Whoever read our output went away: no message, and no failure.
    pub is_broken_pipe: bool,
}

impl Fault {
    /// A fault that none of the special ones fits.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            exit,
            is_broken_pipe: false,
        }
    }

    /// The command cannot be carried out as typed.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// With what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Standard output cannot be written.
    pub fn output(error: &io::Error) -> Self {
        let mut fault = Self::new(
            Exit::Failure,
            format!("standard output cannot be written: {error}"),
        );
        fault.is_broken_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        fault
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::output(&error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::ReadOnly { .. } => Self::new(Exit::Store, message)
                .hint("make the file and its folder writable, or choose another folder with --data-dir"),
            StoreError::DiskFull { .. } | StoreError::WriteFailed { .. } => Self::new(Exit::Store, message)
                .hint("make room, or choose a folder on another disk with --data-dir"),
            StoreError::NewerVersion { .. } => {
                Self::new(Exit::Store, message).hint("or choose another folder with --data-dir")
            }
            StoreError::Unusable { .. } => Self::new(Exit::Store, message)
                .hint("docmill restore FILE puts a backup in its place; --data-dir chooses another folder"),
            StoreError::Damaged { .. } => Self::new(Exit::Store, message)
                .hint("docmill restore FILE puts a backup in its place, and keeps what is there beside it"),
            StoreError::Behind { .. } => Self::new(Exit::Store, message)
                .hint("put back what was there, or a backup with docmill restore FILE; docmill restore --as-is goes on with what is left"),
            StoreError::Gone { .. } => Self::new(Exit::Store, message)
                .hint("put it back and start again, or a backup with docmill restore FILE; docmill restore --as-is begins anew"),
            StoreError::Busy => Self::new(Exit::Store, message),
            StoreError::NoSuchBatch(_) => Self::usage(message)
                .hint("docmill status lists the batches; a batch is named by its id, name or “last”"),
            StoreError::AtWork(_) => {
                Self::usage(message).hint("docmill pause BATCH stops it; wait for its calls to end")
            }
            StoreError::NoSuchDocument(id) => {
                Self::usage(format!("the batch has no document {}", id.ordinal))
                    .hint("docmill list BATCH lists its documents")
            }
            _ => Self::new(Exit::Store, message),
        }
    }
}

impl From<TransitionRefused> for Fault {
    fn from(refused: TransitionRefused) -> Self {
        Self::usage(refused.to_string()).hint("docmill status shows where each batch stands")
    }
}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Self {
        let hint = error.hint().map(str::to_owned);
        let message = error.to_string();
        let exit = match error {
            EngineError::Store(error) => return error.into(),
            EngineError::Refused(refused) => return refused.into(),
            EngineError::Source(_) | EngineError::NotRunnable(_) | EngineError::Template(_) => Exit::Usage,
            EngineError::Model { .. } => Exit::Model,
            EngineError::Folder { .. } => {
                return Self::new(Exit::Store, message)
                    .hint("make the folder writable, or choose another with --data-dir");
            }
            _ => Exit::Failure,
        };
        Self {
            hint,
            ..Self::new(exit, message)
        }
    }
}

impl From<ReconcileError> for Fault {
    fn from(error: ReconcileError) -> Self {
        let (message, hint) = (error.to_string(), error.hint());
        if let ReconcileError::Store(error) = error {
            return error.into();
        }
        let fault = Self::usage(message);
        match hint {
            Some(hint) => fault.hint(hint),
            None => fault,
        }
    }
}

impl From<ExportError> for Fault {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            error => {
                let exit = match error {
                    ExportError::UnknownFormat(_) | ExportError::WrongPlace { .. } => Exit::Usage,
                    _ => Exit::Failure,
                };
                let mut fault = Self::new(exit, error.to_string());
                fault.hint = error.hint().map(str::to_owned);
                fault.is_broken_pipe = error.is_broken_pipe();
                fault
            }
        }
    }
}

impl From<TemplateError> for Fault {
    fn from(error: TemplateError) -> Self {
        Self::usage(format!("the template cannot be used: {error}"))
    }
}
