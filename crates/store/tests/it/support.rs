//! Batches, documents and calls for tests, with everything that does not matter filled in.

use std::sync::Arc;

use docmill_core::attempt::AnswerKey;
use docmill_core::batch::BatchEvent;
use docmill_core::document::Kind;
use docmill_core::extraction::Extraction;
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::id::{BatchId, ContentHash, DocumentId, Ordinal, WorkerId};
use docmill_core::money::Usd;
use docmill_core::plan::Plan;
use docmill_core::price::Price;
use docmill_core::template::Template;
use docmill_core::time::Timestamp;
use docmill_core::usage::Usage;
use docmill_store::{
    Begun, Bill, Claimed, Commit, Committed, LeasedDocument, NewBatch, NewDocument, Next, Settlement, Start,
    Store, WorkerRow,
};
use uuid::Uuid;

/// A store to test, how to open it a second time, and what must outlive it.
pub struct Fixture {
    pub store: Arc<dyn Store>,
    pub again: Box<dyn Fn() -> Arc<dyn Store> + Send + Sync>,
}

pub const NOW: Timestamp = Timestamp(1_700_000_000_000);

pub fn usd(nanos: i64) -> Usd {
    Usd::from_nanos(nanos)
}

pub fn failure(code: FailureCode) -> Failure {
    Failure::new(code, format!("it was {code}"))
}

pub fn plan() -> Plan {
    Plan {
        model: "sim/test".to_owned(),
        base_url: None,
        base_url_by_admin: false,
        price: Price::free("test"),
        concurrency: None,
        max_output_tokens: 100,
        reuse_answers: true,
        ocr: false,
        max_document_bytes: None,
        weight: None,
        limits: docmill_core::pacing::Limits::default(),
        sim_speed_milli: None,
        fallbacks: Vec::new(),
        between: None,
        timeout_seconds: None,
        hedge: false,
    }
}

pub fn template() -> Template {
    serde_json::from_value(serde_json::json!({
        "name": "test", "schema": {"type": "object", "properties": {"total": {"type": "number"}}}
    }))
    .unwrap()
}

pub fn document(key: &str) -> NewDocument {
    NewDocument {
        key: key.to_owned(),
        name: key.to_owned(),
        bytes: 1000,
        kind: Kind::Pdf,
        content_hash: Some(ContentHash::of(key.as_bytes())),
        skip: None,
    }
}

pub fn extraction(total: i64) -> Extraction {
    Extraction {
        data: serde_json::json!({ "total": total }),
        evidence: Vec::new(),
        ungrounded: Vec::new(),
        findings: Vec::new(),
        risk: 7,
        simulated: false,
    }
}

pub fn used(input_tokens: u64) -> Usage {
    Usage {
        input_tokens,
        output_tokens: 10,
        ..Usage::default()
    }
}

/// A batch, and one worker that works on it.
#[derive(Clone)]
pub struct World {
    pub store: Arc<dyn Store>,
    pub batch: BatchId,
    pub worker: WorkerId,
}

impl World {
    /// A running batch of documents `1.pdf`, `2.pdf`, …
    pub async fn running(store: &Arc<dyn Store>, documents: u64, budget: Option<i64>) -> Self {
        let world = Self::draft(store, budget).await;
        world.add(1..=documents).await;
        world.on(BatchEvent::Start).await;
        world
    }

    /// A batch without documents.
    pub async fn draft(store: &Arc<dyn Store>, budget: Option<i64>) -> Self {
        let batch = BatchId(Uuid::now_v7());
        let new = NewBatch {
            id: batch,
            name: format!("batch {batch}"),
            template: template(),
            plan: plan(),
            budget: budget.map(usd),
            sources: vec!["folder".to_owned()],
            owner: String::new(),
        };
        store.create_batch(new, NOW).await.unwrap();
        let worker = register(store).await;
        Self {
            store: Arc::clone(store),
            batch,
            worker,
        }
    }

    pub async fn add(&self, numbers: std::ops::RangeInclusive<u64>) {
        let documents = numbers.map(|number| document(&format!("{number}.pdf"))).collect();
        self.store
            .enqueue_chunk(self.batch, documents, NOW)
            .await
            .unwrap();
    }

    pub async fn on(&self, event: BatchEvent) {
        self.store
            .transition(self.batch, event, "the test says so", NOW)
            .await
            .unwrap()
            .unwrap();
    }

    pub fn id(&self, ordinal: u64) -> DocumentId {
        DocumentId {
            batch: self.batch,
            ordinal: Ordinal(ordinal),
        }
    }

    pub async fn claim(&self, limit: u32) -> Vec<LeasedDocument> {
        match self
            .store
            .claim(self.batch, self.worker, limit, NOW)
            .await
            .unwrap()
        {
            Claimed::Documents(documents) => documents,
            other => panic!("nothing claimed: {other:?}"),
        }
    }

    /// The intent of a call whose answer is decided by `key`.
    pub fn start(&self, ordinal: u64, key: &str, reserve: i64) -> Start {
        Start {
            document: self.id(ordinal),
            worker: self.worker,
            model: "sim/test".to_owned(),
            part: 0,
            answer_key: AnswerKey::of(&[key.as_bytes()]),
            reserve: usd(reserve),
            reuse: true,
            now: NOW,
        }
    }

    /// Begins a call that nothing was stored for.
    pub async fn begin(&self, ordinal: u64, reserve: i64) -> Begun {
        let key = format!("{}/{ordinal}/{}", self.batch, Uuid::now_v7());
        self.store
            .begin(self.start(ordinal, &key, reserve))
            .await
            .unwrap()
    }

    /// As [`World::begin`], and the money is there.
    pub async fn started(&self, ordinal: u64, reserve: i64) -> u32 {
        match self.begin(ordinal, reserve).await {
            Begun::Started { attempt } => attempt,
            other => panic!("not started: {other:?}"),
        }
    }

    pub fn commit(&self, ordinal: u64, settlement: Option<Settlement>, next: Next) -> Commit {
        Commit {
            document: self.id(ordinal),
            worker: self.worker,
            settlement,
            next,
            facts: None,
            now: NOW,
        }
    }

    pub async fn end(&self, ordinal: u64, settlement: Option<Settlement>, next: Next) -> Committed {
        self.store
            .commit(self.commit(ordinal, settlement, next).into())
            .await
            .unwrap()
    }

    /// Claims, calls and completes one document.
    pub async fn complete_next(&self, cost: i64) -> u64 {
        let ordinal = self.claim(1).await[0].id.ordinal.0;
        let attempt = self.started(ordinal, cost).await;
        let next = Next::Completed(Box::new(extraction(cost)));
        assert!(self.end(ordinal, Some(paid(attempt, cost)), next).await.applied);
        ordinal
    }

    /// Claims one document and lets it fail.
    pub async fn fail_next(&self, code: FailureCode) -> u64 {
        let ordinal = self.claim(1).await[0].id.ordinal.0;
        self.end(ordinal, None, Next::Failed(failure(code))).await;
        ordinal
    }
}

pub async fn register(store: &Arc<dyn Store>) -> WorkerId {
    let id = WorkerId(Uuid::now_v7());
    let row = WorkerRow {
        id,
        label: "test".to_owned(),
        started_at: NOW,
        heartbeat_at: NOW,
    };
    store.register_worker(row).await.unwrap();
    id
}

pub fn settlement(attempt: u32, bill: Bill) -> Settlement {
    Settlement {
        attempt,
        bill,
        latency_ms: 5,
        request_id: Some("request".to_owned()),
        raw_answer: None,
        failure: None,
    }
}

/// A good answer that cost so much.
pub fn paid(attempt: u32, cost: i64) -> Settlement {
    let bill = Bill::Actual {
        usage: used(100),
        cost: usd(cost),
    };
    Settlement {
        raw_answer: Some(format!("{{\"total\": {cost}}}")),
        ..settlement(attempt, bill)
    }
}
