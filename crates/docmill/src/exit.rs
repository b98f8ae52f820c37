//! What the exit status says. Part of the interface: scripts depend on it.

/// An exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Something failed that none of the others says.
    Failure = 1,
    /// The command cannot be carried out as typed: options, template, source, batch.
    Usage = 2,
    /// The batch ended, and some of its documents failed.
    DocumentsFailed = 3,
    /// The budget is used up, and documents are left.
    BudgetExhausted = 4,
    /// The batch is paused, or was cancelled: by a person, or because going on would be in vain.
    Stopped = 5,
    /// The model cannot be called: key, address, name or price.
    Model = 6,
    /// The database cannot be used: read-only, full, damaged, or of a newer docmill.
    Store = 7,
    /// Interrupted twice: work was left where it stood. Nothing that was paid is lost.
    Interrupted = 130,
}

impl Exit {
    /// Every status, for the guide.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::Failure,
        Self::Usage,
        Self::DocumentsFailed,
        Self::BudgetExhausted,
        Self::Stopped,
        Self::Model,
        Self::Store,
        Self::Interrupted,
    ];

    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What it says, for the guide.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done",
            Self::Failure => "something failed that none of the others says",
            Self::Usage => "the command cannot be carried out as typed: options, template, source, batch",
            Self::DocumentsFailed => "the batch ended, and some of its documents failed",
            Self::BudgetExhausted => "the budget is used up, and documents are left",
            Self::Stopped => "the batch was paused or cancelled, or has to wait for something",
            Self::Model => "the model cannot be called: key, address, name or price",
            Self::Store => "the database cannot be used: read-only, full, damaged, or of a newer docmill",
            Self::Interrupted => "interrupted twice: work was left where it stood, nothing paid is lost",
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
