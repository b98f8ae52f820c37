//! Progress: what a running batch looks like at a glance, taken from where it is (so it is
//! the same for the process that works and for one that watches), and who draws it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use docmill_core::document::DocumentState;
use docmill_core::id::BatchId;
use docmill_store::{BatchRow, DocumentQuery, DocumentRow, SortBy};

use super::plain::Lines;
use super::terminal::Block;
use super::{Ui, text};
use crate::fault::Fault;
use crate::place::Place;

/// How often a running batch is looked at.
pub const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The speed shown is that of this much time.
const WINDOW: Duration = Duration::from_secs(30);

/// Failures shown.
const FAILURES: u32 = 3;

/// A batch at a glance.
#[derive(Debug, Clone)]
pub struct Glance {
    /// The batch.
    pub row: BatchRow,
    /// Documents ended per second.
    pub rate: Option<f64>,
    /// Until everything is done, at this speed.
    pub left: Option<Duration>,
    /// The last failures, newest first.
    pub failures: Vec<DocumentRow>,
}

impl Glance {
    /// Documents that are through, whatever became of them.
    pub fn done(&self) -> u64 {
        let counters = &self.row.counters;
        counters.completed + counters.failed + counters.skipped + counters.cancelled
    }
}

/// Looks at a batch again and again.
pub struct Watcher {
    place: Place,
    id: BatchId,
    samples: VecDeque<(Instant, u64)>,
    failures: Vec<DocumentRow>,
    failed: u64,
}

impl Watcher {
    /// A watcher of one batch.
    pub fn new(place: Place, id: BatchId) -> Self {
        Self {
            place,
            id,
            samples: VecDeque::new(),
            failures: Vec::new(),
            failed: 0,
        }
    }

    /// Looks once.
    pub async fn look(&mut self) -> Result<Glance, Fault> {
        let row = self.place.batch(self.id).await?;
        if row.counters.failed != self.failed {
            self.failures = self.last_failures().await?;
            self.failed = row.counters.failed;
        }
        let mut glance = Glance {
            row,
            rate: None,
            left: None,
            failures: self.failures.clone(),
        };
        let (done, now) = (glance.done(), Instant::now());
        self.samples.push_back((now, done));
        while self.samples.len() > 2
            && self
                .samples
                .front()
                .is_some_and(|(at, _)| now.duration_since(*at) > WINDOW)
        {
            self.samples.pop_front();
        }
        let open = glance.row.counters.pending + glance.row.counters.leased;
        if let Some(rate) = self.rate(now, done) {
            glance.rate = Some(rate);
            // While nothing is at work the speed of before says nothing about the end.
            glance.left = time_left(open, rate).filter(|_| glance.row.counters.leased > 0);
        }
        Ok(glance)
    }

    #[expect(clippy::cast_precision_loss, reason = "a speed for people")]
    fn rate(&self, now: Instant, done: u64) -> Option<f64> {
        let (then, before) = self.samples.front()?;
        let seconds = now.duration_since(*then).as_secs_f64();
        (seconds >= 0.5 && done > *before).then(|| (done - before) as f64 / seconds)
    }

    async fn last_failures(&self) -> Result<Vec<DocumentRow>, Fault> {
        let query = DocumentQuery {
            states: vec![DocumentState::Failed],
            sort: SortBy::Updated,
            descending: true,
            limit: FAILURES,
            ..DocumentQuery::default()
        };
        Ok(self.place.documents(self.id, query).await?.rows)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a time for people")]
fn time_left(open: u64, rate: f64) -> Option<Duration> {
    // Nobody plans by the millisecond.
    let seconds = (open as f64 / rate).ceil();
    Duration::try_from_secs_f64(seconds).ok()
}

/// Who draws progress: a block that is drawn again on a terminal, a line now and then in
/// a pipe, nobody when it should be quiet.
pub enum Reporter {
    /// On a terminal.
    Terminal(Block),
    /// In a pipe or a file.
    Plain(Lines),
    /// Not at all.
    Silent,
}

impl Reporter {
    /// The one that fits where standard error goes.
    pub fn new(ui: &Ui) -> Self {
        match (ui.quiet, ui.terminal_err) {
            (true, _) => Self::Silent,
            (false, true) => Self::Terminal(Block::new(ui.color_err)),
            (false, false) => Self::Plain(Lines::new()),
        }
    }

    /// Draws a batch.
    pub fn batch(&mut self, glance: &Glance) {
        match self {
            Self::Terminal(block) => block.batch(glance),
            Self::Plain(lines) => lines.batch(glance),
            Self::Silent => {}
        }
    }

    /// Draws something that is counted: `reading 412 of 10,000 documents`.
    pub fn counting(&mut self, what: &str, number: u64, total: Option<u64>) {
        match self {
            Self::Terminal(block) => block.counting(what, number, total),
            Self::Plain(lines) => lines.counting(what, number, total),
            Self::Silent => {}
        }
    }

    /// A line that stays, above what is drawn.
    pub fn note(&mut self, line: &str) {
        let line = text::clean(line);
        match self {
            Self::Terminal(block) => block.note(&line),
            Self::Plain(lines) => lines.note(&line),
            Self::Silent => {}
        }
    }

    /// Takes away what was drawn.
    pub fn clear(&mut self) {
        if let Self::Terminal(block) = self {
            block.clear();
        }
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.clear();
    }
}
