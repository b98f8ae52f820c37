//! Unconfirmed money comes back: by a provider's usage export, or because a person says so.
//! `core::reconcile` decides; this asks the store and writes the decision down.

use docmill_core::id::BatchId;
use docmill_core::money::Usd;
use docmill_core::reconcile::{self, Format, Lost, UnknownExport, Verdict};
use docmill_core::time::Timestamp;
use docmill_store::{CallShare, Reconciled, Store, StoreError, UnconfirmedCall};

/// What a reconciliation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whose export it was; `None`: a person released the money.
    pub format: Option<Format>,
    /// What became of the calls.
    pub reconciled: Reconciled,
    /// Unconfirmed calls the export does not cover, by model or by time.
    pub left: u64,
}

/// Why nothing was reconciled.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The file is no export.
    #[error("the file is not a usage export: {0}")]
    Export(#[from] UnknownExport),
    /// There is nothing to reconcile.
    #[error("no call of the batch is unconfirmed")]
    Nothing,
    /// The export is about something else.
    #[error("the export has nothing about {ours}; it has {theirs}")]
    OtherModels {
        /// What was asked.
        ours: String,
        /// What is there.
        theirs: String,
    },
    /// The export is of another time.
    #[error("the export covers another time than the {0} unconfirmed calls")]
    OtherTime(usize),
    /// Calls are in flight.
    #[error("{0} calls to {1} are in flight; their usage may be in the export already")]
    InFlight(u64, String),
    /// Somebody else used the key.
    #[error(
        "the provider counted {difference} more for {model} than docmill settled, and the unconfirmed calls cost {worst_case} at most: other programs used the same key, so the export does not tell what was lost"
    )]
    Foreign {
        /// The model.
        model: String,
        /// What cannot be accounted for.
        difference: Usd,
        /// What can have been lost.
        worst_case: Usd,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReconcileError {
    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Store(_) | Self::Nothing => return None,
            Self::Export(_) => "docs/guide/money.md says which exports are read",
            Self::OtherModels { .. } => "export the usage of the model of this batch",
            Self::OtherTime(_) => "export the days in which the batch ran",
            Self::InFlight(..) => "wait until they have ended, or pause what runs",
            Self::Foreign { .. } => {
                "export the usage of the key docmill used alone, or release the money (--release-unconfirmed)"
            }
        })
    }
}

/// Settles the unconfirmed calls of a batch by a usage export. Nothing is written unless all
/// models of the export that have unconfirmed calls come out.
///
/// # Errors
/// When the export does not decide it, or the store fails.
pub async fn by_usage(
    store: &dyn Store,
    id: BatchId,
    export: &str,
    who: &str,
    now: Timestamp,
) -> Result<Report, ReconcileError> {
    let (format, lines) = reconcile::parse(export)?;
    let price = store.batch(id).await?.plan.price;
    let calls = store.unconfirmed(id).await?;
    if calls.is_empty() {
        return Err(ReconcileError::Nothing);
    }
    let mut models: Vec<&str> = calls.iter().map(|call| call.model.as_str()).collect();
    models.sort_unstable();
    models.dedup();
    let (mut shares, mut is_known) = (Vec::new(), false);
    for model in models.iter().copied() {
        let Some(about) = reconcile::about(&lines, model, &price) else {
            continue;
        };
        is_known = true;
        let covered = |call: &&UnconfirmedCall| {
            call.model == model
                && about.from.is_none_or(|from| call.started_at >= from)
                && about.to.is_none_or(|to| call.started_at < to)
        };
        let lost: Vec<Lost<(docmill_core::Ordinal, u32)>> = calls
            .iter()
            .filter(covered)
            .map(|call| Lost {
                id: (call.document, call.attempt),
                started_at: call.started_at,
                worst_case: call.worst_case,
            })
            .collect();
        if lost.is_empty() {
            continue;
        }
        let settled = store.settled(model, about.from, about.to).await?;
        if settled.calls_in_flight > 0 {
            return Err(ReconcileError::InFlight(
                settled.calls_in_flight,
                model.to_owned(),
            ));
        }
        match reconcile::decide(&about, settled.cost, &lost) {
            Verdict::Known { shares: known, .. } => {
                shares.extend(known.into_iter().map(|((document, attempt), cost)| CallShare {
                    document,
                    attempt,
                    cost,
                }));
            }
            Verdict::Foreign {
                difference,
                worst_case,
            } => {
                return Err(ReconcileError::Foreign {
                    model: model.to_owned(),
                    difference,
                    worst_case,
                });
            }
        }
    }
    if !is_known {
        let mut theirs: Vec<&str> = lines.iter().map(|line| line.model.as_str()).collect();
        theirs.sort_unstable();
        theirs.dedup();
        return Err(ReconcileError::OtherModels {
            ours: models.join(", "),
            theirs: theirs.join(", "),
        });
    }
    if shares.is_empty() {
        return Err(ReconcileError::OtherTime(calls.len()));
    }
    let left = (calls.len() - shares.len()) as u64;
    let billed = shares
        .iter()
        .fold(Usd::ZERO, |sum, share| sum.saturating_add(share.cost));
    let reason = format!(
        "{who} reconciled {} unconfirmed calls with {}: {billed} of them was billed",
        shares.len(),
        format.as_str()
    );
    let reconciled = store.reconcile(id, shares, &reason, now).await?;
    Ok(Report {
        format: Some(format),
        reconciled,
        left,
    })
}

/// Gives the unconfirmed money of a batch back because a person says so. If the provider
/// billed the calls, the true cost is above what docmill counts, and may pass the budget.
///
/// # Errors
/// When there is none, or the store fails.
pub async fn release(
    store: &dyn Store,
    id: BatchId,
    who: &str,
    now: Timestamp,
) -> Result<Report, ReconcileError> {
    let calls = store.unconfirmed(id).await?;
    if calls.is_empty() {
        return Err(ReconcileError::Nothing);
    }
    let worst_case = calls
        .iter()
        .fold(Usd::ZERO, |sum, call| sum.saturating_add(call.worst_case));
    let reason = format!(
        "{who} released {worst_case} of {} unconfirmed calls: if the provider billed them, the true cost is up to that much above what is counted here",
        calls.len()
    );
    let share = |call: UnconfirmedCall| CallShare {
        document: call.document,
        attempt: call.attempt,
        cost: Usd::ZERO,
    };
    let shares = calls.into_iter().map(share).collect();
    let reconciled = store.reconcile(id, shares, &reason, now).await?;
    Ok(Report {
        format: None,
        reconciled,
        left: 0,
    })
}
