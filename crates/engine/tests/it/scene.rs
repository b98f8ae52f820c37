//! A folder of documents, a database, a stand-in, and an engine that joins them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use docmill_core::document::DocumentState;
use docmill_core::id::BatchId;
use docmill_core::money::{PicoPerToken, Usd};
use docmill_core::plan::{Fallback, Plan};
use docmill_core::price::Price;
use docmill_core::template::Template;
use docmill_engine::open::BatchSpec;
use docmill_engine::run::{RunEnd, Stop};
use docmill_engine::{Engine, EngineError, Parts, Providers, Resolved, Settings, SystemClock};
use docmill_llm::Provider;
use docmill_llm::compatible::{Compatible, Config};
use docmill_parse::Documents;
use docmill_parse::sandbox::{self, Sandbox};
use docmill_source::Sources;
use docmill_store::sqlite::{Options, SqliteStore};
use docmill_store::{BatchRow, DocumentDetail, DocumentQuery, DocumentRow};
use docmill_testkit::standin::{self, Behaviour, Misbehaviour, Standin};
use tokio::sync::watch;

/// Prices of both sides, in pico-dollars per token.
const INPUT_PRICE: u64 = 2_000_000;
const OUTPUT_PRICE: u64 = 8_000_000;

pub struct Scene {
    pub standin: Standin,
    pub engine: Engine,
    pub plan: Plan,
    pub budget: Option<Usd>,
    template: Template,
    folder: tempfile::TempDir,
}

/// The stand-in, and perhaps another that plays the provider of a fallback model.
struct StandIns {
    first: Arc<dyn Provider>,
    fallback: Option<Arc<dyn Provider>>,
}

/// The model that the second stand-in has.
pub const FALLBACK: &str = "other/model";

impl Providers for StandIns {
    fn resolve(&self, plan: &Plan) -> Result<Resolved, EngineError> {
        let other = self.fallback.as_ref().filter(|_| plan.model == FALLBACK);
        Ok(Resolved {
            provider: Arc::clone(other.unwrap_or(&self.first)),
            model: "gpt-4o-mini".to_owned(),
            lane: if other.is_some() { "other" } else { "stand-in" }.to_owned(),
        })
    }
}

impl Scene {
    pub async fn new(documents: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("documents")).unwrap();
        let standin = Standin::start(standin::Config {
            input_price: INPUT_PRICE,
            output_price: OUTPUT_PRICE,
            ..standin::Config::default()
        })
        .await
        .unwrap();
        let plan = Plan {
            model: "openai/gpt-4o-mini".to_owned(),
            base_url: Some(standin.base_url()),
            base_url_by_admin: true,
            price: Price {
                input: PicoPerToken(INPUT_PRICE),
                output: PicoPerToken(OUTPUT_PRICE),
                ..Price::free("test")
            },
            concurrency: Some(8),
            max_output_tokens: 400,
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
        };
        let schema = r#"{"type": "object", "title": "purchase", "additionalProperties": false, "properties": {
            "shop": {"type": "string"}, "total": {"type": "number"},
            "items": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}}}"#;
        let scene = Self {
            engine: engine(&folder, &standin),
            standin,
            plan,
            budget: None,
            template: Template::from_text("purchase", schema).unwrap(),
            folder,
        };
        for number in 0..documents {
            let text = format!("RECEIPT {number}\nThe Corner Shop\nTOTAL {number}.50\n");
            scene.write(&format!("receipt-{number:04}.txt"), &text);
        }
        scene
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join("documents").join(name), text).unwrap();
    }

    pub fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder.path().join("documents").join(name)).unwrap();
    }

    /// A second stand-in is the fallback, at twice the price; a provider is down after 200 ms.
    pub async fn with_fallback(documents: usize) -> (Self, Standin) {
        let mut scene = Self::new(documents).await;
        let fallback = Standin::start(standin::Config {
            input_price: 2 * INPUT_PRICE,
            output_price: 2 * OUTPUT_PRICE,
            ..standin::Config::default()
        })
        .await
        .unwrap();
        scene.plan.fallbacks = vec![Fallback {
            model: FALLBACK.to_owned(),
            base_url: Some(fallback.base_url()),
            price: Price {
                input: PicoPerToken(2 * INPUT_PRICE),
                output: PicoPerToken(2 * OUTPUT_PRICE),
                ..Price::free("test")
            },
        }];
        scene.engine = engine_of(&scene.folder, &scene.standin, Some(&fallback));
        (scene, fallback)
    }

    /// The folder of the database.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Another process with the same database, as far as the engine is concerned.
    pub fn another_engine(&self) -> Engine {
        engine(&self.folder, &self.standin)
    }

    /// The batch of the folder, with its documents.
    pub async fn batch(&self, fresh: bool) -> BatchId {
        let sources = vec![self.folder.path().join("documents").to_str().unwrap().to_owned()];
        let spec = BatchSpec {
            name: None,
            sources: sources.clone(),
            template: self.template.clone(),
            plan: self.plan.clone(),
            budget: self.budget,
            owner: String::new(),
            fresh,
        };
        let opened = self.engine.open_batch(spec).await.unwrap();
        self.engine
            .ingest(opened.batch.id, &sources, &|_| {})
            .await
            .unwrap();
        opened.batch.id
    }

    pub async fn run(&self, id: BatchId) -> RunEnd {
        let (_stop, stopping) = watch::channel(Stop::No);
        self.engine.run(id, stopping).await.unwrap()
    }

    /// The whole way for the whole folder.
    pub async fn run_all(&self) -> BatchRow {
        let id = self.batch(false).await;
        self.run(id).await;
        self.row(id).await
    }

    pub async fn row(&self, id: BatchId) -> BatchRow {
        self.engine.store().batch(id).await.unwrap()
    }

    pub async fn documents(&self, id: BatchId) -> Vec<DocumentRow> {
        let query = DocumentQuery {
            limit: 1000,
            ..DocumentQuery::default()
        };
        self.engine.store().documents(id, query).await.unwrap().rows
    }

    pub async fn details(&self, id: BatchId) -> Vec<DocumentDetail> {
        let mut details = Vec::new();
        for row in self.documents(id).await {
            let id = docmill_core::id::DocumentId {
                batch: id,
                ordinal: row.ordinal,
            };
            details.push(self.engine.store().document(id).await.unwrap());
        }
        details
    }

    /// The code of the only document's failure.
    pub async fn only_failure(&self, id: BatchId) -> String {
        let documents = self.documents(id).await;
        let [document] = documents.as_slice() else {
            panic!("one document, not {}", documents.len());
        };
        assert_eq!(document.state, DocumentState::Failed);
        document.failure.as_ref().unwrap().code.to_string()
    }

    /// All calls misbehave like this.
    pub fn always(&self, kind: Misbehaviour) {
        self.standin.behave(Behaviour {
            shares: [(kind, 1.0)].into(),
            ..Behaviour::default()
        });
    }

    /// The provider's bill is within what docmill counts, whatever happened.
    pub async fn assert_money_is_right(&self, id: BatchId) {
        let row = self.row(id).await;
        let billed = i64::try_from(self.standin.totals().cost_nanos).unwrap();
        let counted = row.balance.settled.nanos() + row.balance.unconfirmed.nanos();
        assert!(billed <= counted, "billed {billed}, counted {counted}");
        assert_eq!(row.balance.reserved, Usd::ZERO, "nothing is held back at the end");
        assert_eq!(row.calls_in_flight, 0);
    }
}

fn provider(standin: &Standin) -> Arc<dyn Provider> {
    let config = Config::for_server(&standin.base_url(), |_| None).unwrap();
    Arc::new(Compatible::new(config).unwrap())
}

fn engine(folder: &tempfile::TempDir, standin: &Standin) -> Engine {
    engine_of(folder, standin, None)
}

fn engine_of(folder: &tempfile::TempDir, standin: &Standin, fallback: Option<&Standin>) -> Engine {
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    // Plain text is read in this process; nothing here starts a parse worker.
    let sandbox = Sandbox::new(sandbox::Config {
        program: PathBuf::from("/nonexistent"),
        arguments: Vec::new(),
        children: 1,
        limit: Duration::from_secs(1),
        ocr_limit: Duration::from_secs(1),
    });
    let parts = Parts {
        store: Arc::new(SqliteStore::open(&data.join("docmill.db"), &Options::default()).unwrap()),
        source: Arc::new(Sources::new(docmill_source::Options::default()).unwrap()),
        reader: Arc::new(Documents::new(sandbox)),
        providers: Arc::new(StandIns {
            first: provider(standin),
            fallback: fallback.map(provider),
        }),
        clock: Arc::new(SystemClock::default()),
    };
    let mut settings = Settings::new(data);
    // Retries come at once: what is tested is that they come, not how long they wait.
    settings.policy.backoff = Duration::from_millis(1);
    settings.policy.max_backoff = Duration::from_millis(5);
    settings.policy.down_after = Duration::from_millis(200);
    settings.store_patience = Duration::from_millis(300);
    Engine::new(parts, settings)
}
