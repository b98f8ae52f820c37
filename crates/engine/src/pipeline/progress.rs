//! What the steps of a document's way hand to each other: its parts and how far each
//! is ([`Prompts`]), and a prompt that was measured ([`Prompt`]).

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use docmill_core::attempt::{AnswerKey, Attempt};
use docmill_core::extraction::{Evidence, Finding};
use docmill_core::failure::Failure;
use docmill_core::money::Usd;
use docmill_core::page::{Page, PageImage, ParsedDocument};
use docmill_core::price::{CallBound, Price};
use docmill_core::progress::{self, PartId, Standing};
use docmill_core::rows::Placements;
use docmill_core::split;
use docmill_core::time::Timestamp;
use docmill_llm::{Provider, Repair, Request};
use serde_json::Value;

use crate::EngineError;
use crate::pipeline::parts::Whole;
use crate::pipeline::route::Route;
use crate::pipeline::{Job, Setup};

/// One part: some pages, as text or pictures.
pub(crate) struct Part {
    pub(crate) pages: Arc<Vec<Page>>,
    pub(crate) images: Vec<PageImage>,
    pub(crate) text: String,
    /// What of the document it holds.
    pub(crate) cut: split::Part,
    pub(crate) whole: Arc<Whole>,
    pub(super) weight: OnceLock<u64>,
    /// The weight of the part it was cut from, whose answer was cut off.
    pub(crate) half_of: Option<u64>,
    /// It asks for rows that are missing in other answers, and for nothing else.
    pub(crate) rows_only: bool,
}

/// An accepted answer of one part.
pub(crate) struct Accepted {
    pub(crate) data: Value,
    /// What is missing or was taken out, when no model could be asked to mend it.
    pub(crate) shortfalls: Vec<Finding>,
    /// How the object had to be found in the answer, when it was not all of it.
    pub(crate) mended: Option<&'static str>,
    /// Where the rows of its lists stand.
    pub(crate) placements: Placements,
    pub(crate) hints: Vec<Evidence>,
}

/// The parts of a document and how far each is.
pub(crate) type Progress = progress::Progress<Arc<Part>, Accepted>;

/// One of them.
pub(crate) type Leaf = progress::Leaf<Arc<Part>, Accepted>;

/// What an answer does to its part.
pub(crate) type Effect = progress::Effect<Arc<Part>, Accepted>;

/// A prompt that was measured: the only thing [`crate::pipeline::reserve::reserve`] takes.
#[derive(Clone)]
pub(crate) struct Prompt {
    pub(crate) request: Request,
    pub(crate) part: PartId,
    pub(crate) bound: CallBound,
    pub(crate) worst_case: Usd,
    /// Its tokens as counted here, once it was fitted.
    pub(crate) counted: u64,
    pub(crate) answer_key: AnswerKey,
    /// Of which model it is asked.
    pub(crate) route: Route,
}

/// What is asked about a document.
pub(crate) struct Prompts {
    pub(crate) reading: ParsedDocument,
    pub(crate) progress: Progress,
    /// Its calls so far, oldest first.
    pub(crate) past: Vec<Attempt>,
    pub(crate) asks: Asks,
    /// The same for each fallback model.
    pub(crate) fallback_asks: Vec<Asks>,
    /// Parts that the first model did not answer, and the model they are asked of.
    pub(crate) routes: BTreeMap<PartId, usize>,
    /// Whether the document was too long for one prompt from the start.
    pub(crate) in_parts: bool,
    /// Rows that were asked for again.
    pub(crate) again: Again,
    /// Parts that met trouble since the document was taken up, while others went on.
    pub(crate) troubles: BTreeMap<PartId, Troubles>,
}

/// What a part met since its document was taken up.
#[derive(Clone, Copy, Default)]
pub(crate) struct Troubles {
    pub(crate) failures: u32,
    pub(crate) waits: u32,
    /// It is not asked again before this time.
    pub(crate) until: Timestamp,
}

/// How often rows that are missing were asked for, and which the last time.
#[derive(Default)]
pub(crate) struct Again {
    pub(crate) rounds: u32,
    pub(crate) lines: usize,
}

/// How a part becomes a prompt.
pub(crate) struct Asks {
    pub(crate) request: Request,
    pub(crate) price: Price,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) base: AnswerBase,
}

/// What decides the answers of a whole batch.
#[derive(Clone)]
pub(crate) struct AnswerBase {
    pub(crate) model: String,
    pub(crate) base_url: String,
    pub(crate) schema: Arc<[u8]>,
}

impl Prompts {
    /// The prompt for a part, measured.
    pub(crate) fn prompt(&self, leaf: &Leaf, route: Route) -> Result<Prompt, EngineError> {
        self.asks_of(route.number).prompt(leaf, route)
    }

    /// How a part becomes a prompt for a model.
    pub(crate) fn asks_of(&self, route: usize) -> &Asks {
        let fallback = route.checked_sub(1).and_then(|at| self.fallback_asks.get(at));
        fallback.unwrap_or(&self.asks)
    }

    /// Makes ready what fallback models are asked.
    pub(crate) fn add_fallbacks(&mut self, job: &Job) {
        let setups = job.setups().skip(1);
        self.fallback_asks = setups.map(|setup| self.asks.of_setup(setup)).collect();
    }

    /// How many answers the parts sent back.
    pub(crate) fn repairs(&self) -> u32 {
        self.progress.leaves().iter().map(|leaf| leaf.repairs).sum()
    }

    /// Whether an answer about this part need not have everything: the merged whole is validated.
    pub(crate) fn is_piece(&self, leaf: &Leaf) -> bool {
        self.in_parts || leaf.splits > 0 || leaf.part.rows_only
    }

    /// The first failure of a part that was given up.
    pub(crate) fn first_loss(&self) -> Option<&Failure> {
        self.progress
            .leaves()
            .iter()
            .find_map(|leaf| match &leaf.standing {
                Standing::Lost(failure) => Some(failure),
                Standing::Open { .. } | Standing::Accepted(_) => None,
            })
    }
}

impl Asks {
    fn request(&self, leaf: &Leaf) -> Request {
        let mut request = self.request.clone();
        request.text.clone_from(&leaf.part.text);
        request.images.clone_from(&leaf.part.images);
        request.pages = Arc::clone(&leaf.part.pages);
        request.repair = match &leaf.standing {
            Standing::Open { repair: Some(bad) } => Some(Repair {
                answer: bad.answer.clone(),
                problems: bad.problems.clone(),
            }),
            _ => None,
        };
        request
    }

    /// What decides the answer for a part that was not asked about yet.
    pub(crate) fn key_of(&self, part: &Part) -> AnswerKey {
        let mut request = self.request.clone();
        request.text.clone_from(&part.text);
        request.images.clone_from(&part.images);
        self.base.key(&request)
    }

    /// What decides the answer for a part as it stands.
    pub(crate) fn key(&self, leaf: &Leaf) -> AnswerKey {
        self.base.key(&self.request(leaf))
    }

    /// The same question for the model of another setup.
    fn of_setup(&self, setup: &Setup) -> Self {
        Self {
            request: Request {
                model: setup.resolved.model.clone(),
                max_output_tokens: setup.ceiling(),
                ..self.request.clone()
            },
            price: setup.plan.price.clone(),
            provider: Arc::clone(&setup.resolved.provider),
            base: AnswerBase {
                model: setup.plan.model.clone(),
                base_url: setup.plan.base_url.clone().unwrap_or_default(),
                schema: self.base.schema.clone(),
            },
        }
    }

    fn prompt(&self, leaf: &Leaf, route: Route) -> Result<Prompt, EngineError> {
        let request = self.request(leaf);
        let answer_key = self.base.key(&request);
        let bound = self.provider.bound(&request);
        let worst_case = self
            .price
            .worst_case(&bound)
            .map_err(|error| EngineError::Bug(error.to_string()))?;
        Ok(Prompt {
            request,
            part: leaf.id,
            bound,
            worst_case,
            counted: 0,
            answer_key,
            route,
        })
    }
}

impl AnswerBase {
    /// Everything that decides the answer.
    fn key(&self, request: &Request) -> AnswerKey {
        let limit = request.max_output_tokens.to_le_bytes();
        let mut parts: Vec<&[u8]> = vec![
            self.model.as_bytes(),
            self.base_url.as_bytes(),
            request.system.as_bytes(),
            &self.schema,
            &limit,
            request.text.as_bytes(),
        ];
        parts.extend(request.images.iter().map(|image| image.png.as_slice()));
        if let Some(repair) = &request.repair {
            parts.push(repair.answer.as_bytes());
            parts.push(repair.problems.as_bytes());
        }
        AnswerKey::of(&parts)
    }
}
