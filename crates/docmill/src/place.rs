//! Where batches are: in the database of this machine, or at a running server. Verbs that
//! look and steer ask a place, and need not know which it is.

use std::sync::Arc;
use std::time::Duration;

use docmill_core::batch::{BatchEvent, BatchState, PAUSED_BY_PERSON};
use docmill_core::id::{BatchId, DocumentId};
use docmill_core::money::Usd;
use docmill_core::review::NEEDS_A_LOOK;
use docmill_core::spending::Limits;
use docmill_engine::reconcile::{self, ReconcileError};
use docmill_engine::spending;
use docmill_engine::values::prepare_values;
use docmill_server::views::EventView;
use docmill_store::{
    BatchQuery, BatchRow, DocumentDetail, DocumentPage, DocumentQuery, FailureGroup, LedgerRow, Matching,
    Reconciled, Store,
};

use crate::args::Context;
use crate::clock::now;
use crate::deed;
use crate::fault::Fault;
use crate::remote::Remote;
use crate::wire;

/// See the module. Cheap to clone.
#[derive(Clone)]
pub enum Place {
    /// In the database of this machine.
    Here(Arc<dyn Store>),
    /// At a running server.
    There(Remote),
}

/// What a person does to a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Start no more calls.
    Pause,
    /// Give it up.
    Cancel,
}

impl Place {
    /// To look only; `None`: nothing was ever done here.
    pub fn to_look(context: &Context) -> Result<Option<Self>, Fault> {
        match &context.server {
            Some(url) => Ok(Some(Self::There(Remote::new(url)?))),
            None => Ok(wire::store_to_look(context)?.map(Self::Here)),
        }
    }

    /// To look at something that must be there.
    pub fn with_batches(context: &Context) -> Result<Self, Fault> {
        match &context.server {
            Some(url) => Ok(Self::There(Remote::new(url)?)),
            None => Ok(Self::Here(wire::store_with_batches(context)?)),
        }
    }

    /// To change something that must be there.
    pub fn to_steer(context: &Context) -> Result<Self, Fault> {
        match &context.server {
            Some(url) => Ok(Self::There(Remote::new(url)?)),
            None => Ok(Self::Here(wire::store_to_steer(context)?)),
        }
    }

    /// All batches, newest first.
    pub async fn batches(&self) -> Result<Vec<BatchRow>, Fault> {
        match self {
            Self::Here(store) => Ok(store.batches(BatchQuery::default()).await?),
            Self::There(remote) => remote.batches().await,
        }
    }

    /// The batch a person means.
    pub async fn find_batch(&self, reference: &str) -> Result<BatchRow, Fault> {
        match self {
            Self::Here(store) => Ok(store.find_batch(reference).await?),
            Self::There(remote) => remote.find_batch(reference).await,
        }
    }

    /// A batch as it is now.
    pub async fn batch(&self, id: BatchId) -> Result<BatchRow, Fault> {
        match self {
            Self::Here(store) => Ok(store.batch(id).await?),
            Self::There(remote) => remote.batch(id).await,
        }
    }

    /// Failed documents by cause.
    pub async fn failures(&self, id: BatchId) -> Result<Vec<FailureGroup>, Fault> {
        match self {
            Self::Here(store) => Ok(store.failures(id).await?),
            Self::There(remote) => remote.failures(id).await,
        }
    }

    /// What was held back, paid and lost, by model and class of document.
    pub async fn ledger(&self, id: BatchId) -> Result<Vec<LedgerRow>, Fault> {
        match self {
            Self::Here(store) => Ok(store.ledger(id).await?),
            Self::There(remote) => remote.ledger(id).await,
        }
    }

    /// Settles the unconfirmed calls of a batch by a usage export; without one, a person says that
    /// they were not billed.
    pub async fn reconcile(&self, id: BatchId, usage: Option<&str>) -> Result<(Reconciled, u64), Fault> {
        let store = match self {
            Self::Here(store) => store.as_ref(),
            Self::There(remote) => return remote.reconcile(id, usage).await,
        };
        let who = deed::person();
        let report = match usage {
            Some(export) => reconcile::by_usage(store, id, export, &who, now()).await,
            None => reconcile::release(store, id, &who, now()).await,
        };
        match report {
            Ok(report) => Ok((report.reconciled, report.left)),
            Err(ReconcileError::Nothing) => Ok((Reconciled::default(), 0)),
            Err(error) => Err(error.into()),
        }
    }

    /// A page of documents.
    pub async fn documents(&self, id: BatchId, query: DocumentQuery) -> Result<DocumentPage, Fault> {
        match self {
            Self::Here(store) => {
                prepare_values(store.as_ref(), id, &query, Duration::MAX, now).await?;
                Ok(store.documents(id, query).await?)
            }
            Self::There(remote) => remote.documents(id, &query).await,
        }
    }

    /// How many results nobody reviewed yet and somebody should look at.
    pub async fn needs_a_look(&self, id: BatchId) -> Result<Matching, Fault> {
        let query = DocumentQuery {
            risk_at_least: Some(NEEDS_A_LOOK),
            unreviewed: true,
            limit: 1,
            ..DocumentQuery::default()
        };
        Ok(self.documents(id, query).await?.matching)
    }

    /// Everything about a document; the answers as they came only when they are asked for.
    pub async fn document(&self, id: DocumentId, raw: bool) -> Result<DocumentDetail, Fault> {
        match self {
            Self::Here(store) => Ok(store.document(id).await?),
            Self::There(remote) => remote.document(id, raw).await,
        }
    }

    /// The newest lines of the log, oldest first.
    pub async fn last_events(&self, id: BatchId, lines: u32) -> Result<Vec<EventView>, Fault> {
        match self {
            Self::Here(store) => {
                let events = store.last_events(id, lines).await?;
                Ok(events.iter().map(EventView::from).collect())
            }
            Self::There(remote) => remote.last_events(id, lines).await,
        }
    }

    /// Lines of the log after one, oldest first.
    pub async fn events_after(&self, id: BatchId, last: u64, lines: u32) -> Result<Vec<EventView>, Fault> {
        match self {
            Self::Here(store) => {
                let events = store.events_after(Some(id), last, lines).await?;
                Ok(events.iter().map(EventView::from).collect())
            }
            Self::There(remote) => remote.events_after(id, last, lines).await,
        }
    }

    /// Pauses a batch or gives it up.
    pub async fn step(&self, id: BatchId, step: Step) -> Result<(), Fault> {
        let (event, reason, name) = match step {
            Step::Pause => (BatchEvent::Pause, PAUSED_BY_PERSON, "pause"),
            Step::Cancel => (BatchEvent::Cancel, "cancelled by a person", "cancel"),
        };
        match self {
            Self::Here(store) => {
                store.transition(id, event, reason, now()).await??;
            }
            Self::There(remote) => {
                remote.steer(id, name).await?;
            }
        }
        Ok(())
    }

    /// What all batches together may spend.
    pub async fn limits(&self) -> Result<Limits, Fault> {
        match self {
            Self::Here(store) => Ok(spending::limits(store.as_ref()).await?),
            Self::There(remote) => remote.limits().await,
        }
    }

    /// Sets what all batches together may spend.
    pub async fn set_limits(&self, limits: &Limits) -> Result<(), Fault> {
        match self {
            Self::Here(store) => Ok(spending::set_limits(store.as_ref(), limits, now()).await?),
            Self::There(remote) => remote.set_limits(limits).await,
        }
    }

    /// Sets the wall; returns where that leaves the batch.
    pub async fn set_budget(&self, id: BatchId, budget: Option<Usd>) -> Result<BatchState, Fault> {
        match self {
            Self::Here(store) => Ok(store.set_budget(id, budget, now()).await?),
            Self::There(remote) => Ok(remote.set_budget(id, budget).await?.state),
        }
    }
}
