//! How far a document is: its parts, which of them were answered, repaired, cut in
//! two or given up.
//!
//! Nothing of this is stored as such. The attempts are stored, with the key of what
//! was asked and the answer as it came, and [`Progress::rebuild`] follows them: each
//! stored answer is weighed again and moves its part on, exactly as it did when it
//! came. So whoever takes a document up (after a crash, a pause, a failure that
//! passes) asks only for what was never answered, and nothing is paid twice.
//!
//! ```text
//!                 ┌─ accepted ─→ Accepted
//! Open ─ answer ──┼─ repair ───→ Open, with the bad answer and what is wrong with it
//!                 ├─ split ────→ (gone; its pieces are Open)
//!                 └─ given up ─→ Lost; an answer from before a person's retry: Open again
//! ```

use crate::attempt::{AnswerKey, Attempt, AttemptOutcome};
use crate::failure::Failure;

/// Names a part for as long as its document is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartId(pub u32);

/// An answer that was no good, to be sent back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The answer as it came.
    pub answer: String,
    /// What is wrong with it, for the model.
    pub problems: String,
}

/// Where a part stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing<A> {
    /// To be asked.
    Open {
        /// The answer to send back, when the last one was no good.
        repair: Option<Rejected>,
    },
    /// Answered.
    Accepted(A),
    /// Given up: the result will say that it is missing.
    Lost(Failure),
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf<P, A> {
    /// Its name.
    pub id: PartId,
    /// What it holds.
    pub part: P,
    /// Answers of it that were sent back.
    pub repairs: u32,
    /// Times the part it comes from was cut.
    pub splits: u32,
    /// Where it stands.
    pub standing: Standing<A>,
}

impl<P, A> Leaf<P, A> {
    fn open(id: PartId, part: P, splits: u32) -> Self {
        Self {
            id,
            part,
            repairs: 0,
            splits,
            standing: Standing::Open { repair: None },
        }
    }

    /// Whether it is to be asked.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.standing, Standing::Open { .. })
    }
}

/// What an answer does to its part.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect<P, A> {
    /// It is what was asked for.
    Accepted(A),
    /// It goes back with what is wrong.
    Repair(Rejected),
    /// It was cut off: these pieces are asked instead, in the order of the document.
    Split(Vec<P>),
    /// Nothing more can be done for the part.
    Lost(Failure),
}

/// The parts of a document, in reading order.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress<P, A> {
    leaves: Vec<Leaf<P, A>>,
    next_id: u32,
}

impl<P, A> Progress<P, A> {
    /// A document of which nothing was asked yet.
    #[must_use]
    pub fn new(parts: Vec<P>) -> Self {
        let leaves: Vec<_> = (0..)
            .zip(parts)
            .map(|(id, part)| Leaf::open(PartId(id), part, 0))
            .collect();
        Self {
            next_id: u32::try_from(leaves.len()).unwrap_or(u32::MAX),
            leaves,
        }
    }

    /// Its parts, in reading order.
    #[must_use]
    pub fn leaves(&self) -> &[Leaf<P, A>] {
        &self.leaves
    }

    /// The same, to be taken apart.
    #[must_use]
    pub fn into_leaves(self) -> Vec<Leaf<P, A>> {
        self.leaves
    }

    /// One part.
    #[must_use]
    pub fn leaf(&self, id: PartId) -> Option<&Leaf<P, A>> {
        self.leaves.iter().find(|leaf| leaf.id == id)
    }

    /// Whether nothing is left to be asked.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        !self.leaves.iter().any(Leaf::is_open)
    }

    /// Moves a part on. A part that is not open stays as it is: the first end wins.
    pub fn apply(&mut self, id: PartId, effect: Effect<P, A>) {
        let Some(at) = self
            .leaves
            .iter()
            .position(|leaf| leaf.id == id && leaf.is_open())
        else {
            return;
        };
        if let Effect::Split(pieces) = effect {
            self.split(at, pieces);
            return;
        }
        let Some(leaf) = self.leaves.get_mut(at) else {
            return;
        };
        match effect {
            Effect::Accepted(accepted) => leaf.standing = Standing::Accepted(accepted),
            Effect::Lost(failure) => leaf.standing = Standing::Lost(failure),
            Effect::Repair(rejected) => {
                leaf.repairs += 1;
                leaf.standing = Standing::Open {
                    repair: Some(rejected),
                };
            }
            Effect::Split(_) => {}
        }
    }

    /// How many parts may be asked at once, of `most`. After an answer was cut off, its
    /// pieces go one by one until one of them is answered: when smaller pieces do not help,
    /// that is learned from one row of calls and not from all.
    #[must_use]
    pub fn side_by_side(&self, most: usize) -> usize {
        if self.has_hope() { most } else { 1 }
    }

    /// Gives up all open parts for the reason one was given up for, when nothing speaks for
    /// a better end of the others: it was a piece of a cut answer, and no piece was answered.
    pub fn give_up_hopeless(&mut self, failure: &Failure) {
        if self.has_hope() {
            return;
        }
        for leaf in self.leaves.iter_mut().filter(|leaf| leaf.is_open()) {
            leaf.standing = Standing::Lost(failure.clone());
        }
    }

    /// More parts, behind the others.
    pub fn add(&mut self, parts: impl IntoIterator<Item = P>) {
        for part in parts {
            self.leaves.push(Leaf::open(PartId(self.next_id), part, 0));
            self.next_id = self.next_id.saturating_add(1);
        }
    }

    /// Opens the parts again that were given up for such a reason: somebody else can be asked.
    /// Returns which.
    pub fn reopen(&mut self, may_be_asked: impl Fn(&Failure) -> bool) -> Vec<PartId> {
        let mut opened = Vec::new();
        for leaf in &mut self.leaves {
            if matches!(&leaf.standing, Standing::Lost(failure) if may_be_asked(failure)) {
                leaf.standing = Standing::Open { repair: None };
                opened.push(leaf.id);
            }
        }
        opened
    }

    /// Cuts open parts that were not asked about, because others like them were cut off; returns
    /// whether there were any. `pieces` says into what, `None` for those that stay.
    pub fn split_open(
        &mut self,
        is_asked: impl Fn(PartId) -> bool,
        pieces: impl Fn(&Leaf<P, A>) -> Option<Vec<P>>,
    ) -> bool {
        let untouched = |leaf: &&Leaf<P, A>| {
            matches!(leaf.standing, Standing::Open { repair: None }) && !is_asked(leaf.id)
        };
        let cut: Vec<(PartId, Vec<P>)> = self
            .leaves
            .iter()
            .filter(untouched)
            .filter_map(|leaf| Some((leaf.id, pieces(leaf)?)))
            .collect();
        let any = !cut.is_empty();
        for (id, pieces) in cut {
            self.apply(id, Effect::Split(pieces));
        }
        any
    }

    fn has_hope(&self) -> bool {
        let accepted = |leaf: &Leaf<P, A>| matches!(leaf.standing, Standing::Accepted(_));
        self.leaves.iter().all(|leaf| leaf.splits == 0) || self.leaves.iter().any(accepted)
    }

    fn split(&mut self, at: usize, pieces: Vec<P>) {
        let splits = self.leaves.get(at).map_or(0, |leaf| leaf.splits) + 1;
        let mut fresh = Vec::with_capacity(pieces.len());
        for piece in pieces {
            fresh.push(Leaf::open(PartId(self.next_id), piece, splits));
            self.next_id = self.next_id.saturating_add(1);
        }
        self.leaves.splice(at..=at, fresh);
    }

    /// Follows the stored attempts, oldest first. `key` says what would be asked for a
    /// part as it stands; `weigh` says what a stored answer does to its part. A part that
    /// was given up by an attempt up to number `retried_after` is asked afresh: a person
    /// wanted that. Returns how many stored answers were used.
    pub fn rebuild(
        &mut self,
        past: &[Attempt],
        retried_after: u32,
        key: impl Fn(&Leaf<P, A>) -> AnswerKey,
        weigh: impl Fn(&Leaf<P, A>, &Attempt) -> Effect<P, A>,
    ) -> usize {
        let mut keys: Vec<AnswerKey> = self.leaves.iter().map(&key).collect();
        let mut used = 0;
        let answered =
            |attempt: &&Attempt| attempt.outcome == AttemptOutcome::Answered && attempt.raw_answer.is_some();
        for attempt in past.iter().filter(answered) {
            let found = self
                .leaves
                .iter()
                .zip(&keys)
                .position(|(leaf, key)| leaf.is_open() && *key == attempt.answer_key);
            let Some((at, leaf)) = found.and_then(|at| Some((at, self.leaves.get(at)?))) else {
                continue;
            };
            used += 1;
            let (id, before) = (leaf.id, self.leaves.len());
            match weigh(leaf, attempt) {
                Effect::Lost(_) if attempt.number <= retried_after => self.reset(at),
                effect => self.apply(id, effect),
            }
            // Only what changed is hashed again: a document may have hundreds of parts.
            let pieces = self.leaves.len() + 1 - before;
            let fresh = self.leaves.iter().skip(at).take(pieces).map(&key);
            let fresh: Vec<AnswerKey> = fresh.collect();
            keys.splice(at..=at, fresh);
        }
        used
    }

    fn reset(&mut self, at: usize) {
        if let Some(leaf) = self.leaves.get_mut(at) {
            leaf.repairs = 0;
            leaf.standing = Standing::Open { repair: None };
        }
    }
}

/// How often calls for this part failed or were told to wait: a document of a hundred
/// parts must not be given up for the sum of what each of them met.
#[must_use]
pub fn troubles_of(past: &[Attempt], part: PartId) -> u32 {
    let failed = past
        .iter()
        .filter(|attempt| attempt.part == part.0 && attempt.failure.is_some());
    u32::try_from(failed.count()).unwrap_or(u32::MAX)
}
