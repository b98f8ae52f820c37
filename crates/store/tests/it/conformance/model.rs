//! Whatever happens in whatever order, the store says what a simple model says: states and
//! counters from a list of documents, money from core's ledger of every reservation.

use docmill_core::batch::{BatchEvent, BatchState};
use docmill_core::document::DocumentState;
use docmill_core::failure::FailureCode;
use docmill_core::id::WorkerId;
use docmill_core::ledger::{Ledger, Posted, Posting, Standing};
use docmill_core::money::Usd;
use docmill_store::{Begun, Bill, Claimed, Counters, Next, RetrySelection};
use proptest::prelude::*;

use crate::support::{Fixture, NOW, World, extraction, failure, register, settlement, usd, used};

const DOCUMENTS: u64 = 6;

/// Something that happens. Numbers are reduced to what there is.
#[derive(Debug, Clone)]
pub enum Op {
    Claim {
        worker: usize,
        limit: u32,
    },
    Begin {
        worker: usize,
        document: u64,
        amount: i64,
    },
    End {
        worker: usize,
        document: u64,
        attempt: u32,
        bill: u8,
        cost: i64,
        next: u8,
    },
    Die {
        worker: usize,
        retires: bool,
    },
    SetBudget(Option<i64>),
    Retry {
        cancelled: bool,
    },
    Event(BatchEvent),
}

/// Any row of happenings.
pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    let worker = 0..2_usize;
    let document = 1..=DOCUMENTS;
    let op = prop_oneof![
        4 => (worker.clone(), 1..4_u32).prop_map(|(worker, limit)| Op::Claim { worker, limit }),
        8 => (worker.clone(), document.clone(), 0..60_i64)
            .prop_map(|(worker, document, amount)| Op::Begin { worker, document, amount }),
        10 => (worker.clone(), document, 1..4_u32, 0..4_u8, 0..70_i64, 0..7_u8)
            .prop_map(|(worker, document, attempt, bill, cost, next)| Op::End {
                worker, document, attempt, bill, cost, next
            }),
        1 => (worker, any::<bool>()).prop_map(|(worker, retires)| Op::Die { worker, retires }),
        1 => proptest::option::of(0..300_i64).prop_map(Op::SetBudget),
        1 => any::<bool>().prop_map(|cancelled| Op::Retry { cancelled }),
        1 => prop_oneof![
            3 => Just(BatchEvent::Resume),
            1 => Just(BatchEvent::Pause),
            1 => Just(BatchEvent::Cancel),
            1 => Just(BatchEvent::FinishWithFailures),
            1 => Just(BatchEvent::ExhaustBudget),
        ].prop_map(Op::Event),
    ];
    proptest::collection::vec(op, 1..60)
}

struct Document {
    state: DocumentState,
    holder: Option<WorkerId>,
    attempts: u32,
    cost: Usd,
}

struct Model {
    state: BatchState,
    documents: Vec<Document>,
    ledger: Ledger,
}

fn reservation(document: u64, attempt: u32) -> u64 {
    document * 1000 + u64::from(attempt)
}

impl Model {
    fn document(&mut self, ordinal: u64) -> &mut Document {
        &mut self.documents[ordinal as usize - 1]
    }

    fn counters(&self) -> Counters {
        let count = |state| self.documents.iter().filter(|it| it.state == state).count() as u64;
        Counters {
            pending: count(DocumentState::Pending),
            leased: count(DocumentState::Leased),
            completed: count(DocumentState::Completed),
            failed: count(DocumentState::Failed),
            cancelled: count(DocumentState::Cancelled),
            skipped: count(DocumentState::Skipped),
        }
    }

    fn in_flight(&self) -> u64 {
        let reserved = |(_, standing): &&(Usd, Standing)| *standing == Standing::Reserved;
        self.ledger.reservations().values().filter(reserved).count() as u64
    }

    /// Where a document goes that is given back.
    fn queue(&self) -> DocumentState {
        match self.state {
            BatchState::Cancelled => DocumentState::Cancelled,
            _ => DocumentState::Pending,
        }
    }

    /// Whose reservation it was is in `holder` no more: every one of the worker's documents.
    fn dies(&mut self, worker: WorkerId, calls: &[(u64, u32, WorkerId)]) {
        for (document, attempt, caller) in calls {
            if *caller == worker {
                let id = reservation(*document, *attempt);
                self.ledger.post(Posting::Unconfirm { id }).unwrap();
            }
        }
        let queue = self.queue();
        for document in &mut self.documents {
            if document.holder == Some(worker) {
                document.state = queue;
                document.holder = None;
            }
        }
    }
}

/// Does everything in the store and in the model, and compares after each.
pub async fn follow(fixture: &Fixture, ops: &[Op]) {
    let world = World::running(&fixture.store, DOCUMENTS, Some(150)).await;
    let mut workers = [world.worker, register(&fixture.store).await];
    let mut calls: Vec<(u64, u32, WorkerId)> = Vec::new();
    let mut model = Model {
        state: BatchState::Running,
        documents: (0..DOCUMENTS)
            .map(|_| Document {
                state: DocumentState::Pending,
                holder: None,
                attempts: 0,
                cost: Usd::ZERO,
            })
            .collect(),
        ledger: Ledger::new(Some(usd(150))),
    };
    for op in ops {
        match op {
            Op::Claim { worker, limit } => claim(&world, &mut model, workers[*worker], *limit).await,
            Op::Begin {
                worker,
                document,
                amount,
            } => {
                let world = world.with(workers[*worker]);
                if let Some(attempt) = begin(&world, &mut model, *document, *amount).await {
                    calls.push((*document, attempt, workers[*worker]));
                }
            }
            Op::End {
                worker,
                document,
                attempt,
                bill,
                cost,
                next,
            } => {
                let world = world.with(workers[*worker]);
                let attempts = model.document(*document).attempts;
                let attempt = (attempts > 0).then(|| (attempt - 1) % attempts + 1);
                end(&world, &mut model, *document, attempt, (*bill, usd(*cost)), *next).await;
            }
            Op::Die { worker, retires } => {
                let gone = workers[*worker];
                if *retires {
                    world.store.retire_worker(gone, NOW).await.unwrap();
                } else {
                    world.store.recover(vec![gone], NOW).await.unwrap();
                }
                model.dies(gone, &calls);
                workers[*worker] = register(&fixture.store).await;
            }
            Op::SetBudget(budget) => {
                let before = model.ledger.account().budget;
                let budget = budget.map(usd);
                model.ledger.post(Posting::SetBudget(budget)).unwrap();
                let raised = before.is_some_and(|from| budget.is_none_or(|to| to > from));
                if raised && model.state == BatchState::BudgetExhausted {
                    model.state = BatchState::Running;
                }
                let state = world.store.set_budget(world.batch, budget, NOW).await.unwrap();
                assert_eq!(state, model.state);
            }
            Op::Retry { cancelled } => retry(&world, &mut model, *cancelled).await,
            Op::Event(event) => transition(&world, &mut model, *event).await,
        }
        compare(&world, &model, op).await;
    }
    compare_documents(&world, &mut model).await;
}

impl World {
    fn with(&self, worker: WorkerId) -> Self {
        Self {
            worker,
            ..self.clone()
        }
    }
}

async fn claim(world: &World, model: &mut Model, worker: WorkerId, limit: u32) {
    let claimed = world.store.claim(world.batch, worker, limit, NOW).await.unwrap();
    match claimed {
        Claimed::NotRunning(state) => assert!(state == model.state && state != BatchState::Running),
        Claimed::NoDocuments { next_at, leased } => {
            assert_eq!((next_at, leased), (None, model.counters().leased));
            assert_eq!((model.state, model.counters().pending), (BatchState::Running, 0));
        }
        Claimed::Documents(documents) => {
            assert_eq!(model.state, BatchState::Running);
            let pending = model.counters().pending;
            assert_eq!(documents.len() as u64, pending.min(u64::from(limit)));
            for leased in documents {
                let document = model.document(leased.id.ordinal.0);
                assert_eq!(document.state, DocumentState::Pending);
                document.state = DocumentState::Leased;
                document.holder = Some(worker);
            }
        }
    }
}

async fn begin(world: &World, model: &mut Model, ordinal: u64, amount: i64) -> Option<u32> {
    let begun = world.begin(ordinal, amount).await;
    let (state, in_flight) = (model.state, model.in_flight());
    let account = model.ledger.account();
    let document = model.document(ordinal);
    if state != BatchState::Running {
        assert_eq!(begun, Begun::NotRunning(state));
    } else if document.holder != Some(world.worker) {
        assert_eq!(begun, Begun::LeaseLost);
    } else if account.reserve(usd(amount)).is_err() {
        let expected = Begun::NoBudget {
            available: account.available(),
            calls_in_flight: in_flight,
        };
        assert_eq!(begun, expected);
    } else {
        document.attempts += 1;
        let attempt = document.attempts;
        assert_eq!(begun, Begun::Started { attempt });
        let id = reservation(ordinal, attempt);
        let amount = usd(amount);
        model.ledger.post(Posting::Reserve { id, amount }).unwrap();
        return Some(attempt);
    }
    None
}

async fn end(
    world: &World,
    model: &mut Model,
    ordinal: u64,
    attempt: Option<u32>,
    (bill, cost): (u8, Usd),
    next: u8,
) {
    let bill = match bill {
        0 => Bill::NotBilled,
        1 => Bill::Unknown,
        _ => Bill::Actual { usage: used(1), cost },
    };
    let failure = failure(FailureCode::Refused);
    let cancelled = model.state == BatchState::Cancelled;
    let queue = model.queue();
    let (next, to) = match next {
        0 => (Next::Released, Some(queue)),
        1 => (Next::Failed(failure), Some(DocumentState::Failed)),
        2 => (Next::Skipped(failure), Some(DocumentState::Skipped)),
        3 => {
            let (at, counts) = (NOW, cancelled);
            (Next::Retry { at, failure, counts }, Some(queue))
        }
        4 => (
            Next::Completed(Box::new(extraction(1))),
            Some(DocumentState::Completed),
        ),
        _ => (Next::Continue, None),
    };
    let end = attempt.map(|attempt| settlement(attempt, bill));
    let committed = world.end(ordinal, end, next).await;
    if let Some(attempt) = attempt {
        let id = reservation(ordinal, attempt);
        let standing = model.ledger.reservations()[&id].1;
        let posting = match (bill, standing) {
            (Bill::Actual { cost: actual, .. }, _) => Posting::Settle { id, actual },
            (Bill::NotBilled, Standing::Unconfirmed) => Posting::Reconcile {
                id,
                actual: Usd::ZERO,
            },
            (Bill::NotBilled, _) => Posting::Release { id },
            (Bill::Unknown, _) => Posting::Unconfirm { id },
        };
        let posted = model.ledger.post(posting).unwrap();
        let overrun = match posted {
            Posted::Applied(overrun) => overrun.map(|overrun| overrun.0),
            Posted::Unchanged => None,
        };
        assert_eq!(committed.overrun, overrun);
        if let (Posted::Applied(_), Posting::Settle { actual, .. }) = (posted, posting) {
            let document = model.document(ordinal);
            document.cost = document.cost.saturating_add(actual);
        }
    }
    let document = model.document(ordinal);
    let mine = document.holder == Some(world.worker);
    assert_eq!(committed.applied, mine);
    if mine && let Some(to) = to {
        document.state = to;
        document.holder = None;
    }
}

async fn retry(world: &World, model: &mut Model, cancelled: bool) {
    let selection = RetrySelection {
        cancelled,
        ..RetrySelection::default()
    };
    let retried = world.store.retry(world.batch, selection, NOW).await.unwrap();
    let mut expected = 0;
    for document in &mut model.documents {
        let again = document.state == DocumentState::Failed
            || (cancelled && document.state == DocumentState::Cancelled);
        if again {
            document.state = DocumentState::Pending;
            expected += 1;
        }
    }
    assert_eq!(retried, expected);
    if expected > 0 {
        model.state = model.state.on(BatchEvent::Retry).unwrap_or(model.state);
    }
}

async fn transition(world: &World, model: &mut Model, event: BatchEvent) {
    let counters = model.counters();
    let possible = match event {
        BatchEvent::FinishWithFailures => counters.pending + counters.leased == 0,
        BatchEvent::ExhaustBudget => model.in_flight() == 0,
        _ => true,
    };
    let answer = world.store.transition(world.batch, event, "", NOW).await.unwrap();
    match model.state.on(event) {
        Ok(next) if possible => {
            assert_eq!(answer, Ok(next));
            model.state = next;
        }
        _ => assert!(answer.is_err(), "{event:?}: {answer:?}"),
    }
    if event == BatchEvent::Cancel && answer.is_ok() {
        for document in &mut model.documents {
            if document.state == DocumentState::Pending {
                document.state = DocumentState::Cancelled;
            }
        }
    }
}

async fn compare(world: &World, model: &Model, op: &Op) {
    let row = world.store.batch(world.batch).await.unwrap();
    assert_eq!(row.state, model.state, "after {op:?}");
    assert_eq!(row.counters, model.counters(), "after {op:?}");
    assert_eq!(row.balance, model.ledger.account(), "after {op:?}");
    assert_eq!(row.calls, model.ledger.reservations().len() as u64);
    assert_eq!(row.calls_in_flight, model.in_flight(), "after {op:?}");
}

/// What the totals say is what the documents and their attempts say one by one.
async fn compare_documents(world: &World, model: &mut Model) {
    let mut settled = Usd::ZERO;
    for ordinal in 1..=DOCUMENTS {
        let detail = world.store.document(world.id(ordinal)).await.unwrap();
        let document = model.document(ordinal);
        assert_eq!(detail.row.state, document.state);
        assert_eq!(
            (detail.row.cost, detail.row.attempts),
            (document.cost, document.attempts)
        );
        assert_eq!(detail.attempts.len(), document.attempts as usize);
        let completed = detail.row.state == DocumentState::Completed;
        assert_eq!(
            detail.extraction.is_some(),
            completed,
            "a result if and only if completed"
        );
        let sum = detail.attempts.iter().map(|attempt| attempt.cost.nanos()).sum();
        assert_eq!(detail.row.cost, usd(sum));
        settled = settled.saturating_add(usd(sum));
    }
    assert_eq!(model.ledger.account().settled, settled);
}
