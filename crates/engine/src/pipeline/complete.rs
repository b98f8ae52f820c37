//! Complete: are all rows there? What long documents need beside their first parts is
//! decided here, from nothing but the answers so far: whoever takes the document up after a
//! crash comes to the same parts. No I/O.

use std::collections::HashSet;
use std::sync::Arc;

use docmill_core::attempt::AnswerKey;
use docmill_core::failure::{Failure, FailureClass};
use docmill_core::progress::{PartId, Standing};
use docmill_core::rows::{Gap, Placements, missing};
use docmill_core::split;

use crate::pipeline::Job;
use crate::pipeline::progress::{Leaf, Part, Prompts};

/// Times that rows which are missing are asked for again; each time there must be fewer of them.
const MOST_ROUNDS: u32 = 6;

/// Parts within a tenth of each other are of one size.
const SAME_SIZE: (u64, u64) = (9, 10);

/// One answer may be cut off for a reason of its own.
const MOST_BY_CHANCE: usize = 2;

/// Adds or cuts parts by what the answers taught; returns whether there is anything new to ask.
/// `asked`: the parts that are being asked about.
pub(crate) fn follow(job: &Job, prompts: &mut Prompts, asked: &[PartId]) -> bool {
    let cut = cut_unasked(prompts, asked);
    let again = asked.is_empty() && prompts.progress.is_ended() && ask_again(job, prompts);
    cut || again
}

/// Cuts the parts that are as large as those whose answers were cut off, before they are paid for:
/// when more answers of that size were cut off than came whole.
fn cut_unasked(prompts: &mut Prompts, asked: &[PartId]) -> bool {
    let leaves = prompts.progress.leaves();
    let Some(too_large) = leaves.iter().filter_map(|leaf| leaf.part.half_of).min() else {
        return false;
    };
    let (of, tenths) = SAME_SIZE;
    let is_large = |part: &Part| part.weight() * tenths >= too_large * of;
    // Each that was cut off left two halves, at least.
    let halves = leaves.iter().filter(|leaf| leaf.part.half_of.is_some()).count();
    let whole = leaves
        .iter()
        .filter(|leaf| matches!(leaf.standing, Standing::Accepted(_)) && is_large(&leaf.part))
        .count();
    let cut_off = halves / 2;
    if cut_off < MOST_BY_CHANCE || cut_off <= whole {
        return false;
    }
    prompts.progress.split_open(
        |id| asked.contains(&id),
        |leaf| {
            let is_new = leaf.part.half_of.is_none() && is_large(&leaf.part);
            is_new.then(|| halves_of(leaf)).flatten()
        },
    )
}

fn halves_of(leaf: &Leaf) -> Option<Vec<Arc<Part>>> {
    let halves = leaf.part.halves()?;
    Some(halves.into_iter().map(Arc::new).collect())
}

/// Cuts the open parts of whose halves one was asked before: whoever had the document then had
/// cut them unasked. Returns whether there were any.
pub(crate) fn cut_as_before(prompts: &mut Prompts) -> bool {
    let Prompts {
        progress, past, asks, ..
    } = prompts;
    let asked: HashSet<AnswerKey> = past.iter().map(|attempt| attempt.answer_key).collect();
    progress.split_open(
        |_| false,
        |leaf| {
            let halves = halves_of(leaf)?;
            let was_asked = halves.iter().any(|half| asked.contains(&asks.key_of(half)));
            was_asked.then_some(halves)
        },
    )
}

/// Asks for the rows that are missing, as long as there are fewer each time: the same question
/// is not asked twice.
fn ask_again(job: &Job, prompts: &mut Prompts) -> bool {
    let gaps = gaps(job, prompts);
    let lines = gaps.iter().map(|gap| gap.lines.len()).sum();
    let again = &mut prompts.again;
    let is_new = again.rounds == 0 || lines < again.lines;
    if lines == 0 || !is_new || again.rounds >= MOST_ROUNDS {
        return false;
    }
    let Some(whole) = prompts
        .progress
        .leaves()
        .first()
        .map(|leaf| leaf.part.whole.clone())
    else {
        return false;
    };
    again.rounds += 1;
    again.lines = lines;
    let mut stretches: Vec<split::Stretch> =
        gaps.iter().flat_map(|gap| gap.stretches(&whole.pages)).collect();
    stretches.sort_by_key(|stretch| (stretch.page, stretch.start));
    let mut parts = whole.again(&stretches);
    // The same question would get the same answer.
    let leaves = prompts.progress.leaves();
    parts.retain(|part| {
        !leaves
            .iter()
            .any(|leaf| leaf.part.cut.stretches == part.cut.stretches)
    });
    let any = !parts.is_empty();
    prompts.progress.add(parts.into_iter().map(Arc::new));
    any
}

/// The rows that are missing in the answers so far.
pub(crate) fn gaps(job: &Job, prompts: &Prompts) -> Vec<Gap> {
    let leaves = prompts.progress.leaves();
    let Some(whole) = leaves.first().map(|leaf| &leaf.part.whole) else {
        return Vec::new();
    };
    if !job.setup.capabilities.asks_a_model || leaves.iter().any(|leaf| !leaf.part.images.is_empty()) {
        return Vec::new();
    }
    let answers: Vec<&Placements> = leaves
        .iter()
        .filter_map(|leaf| match &leaf.standing {
            Standing::Accepted(accepted) => Some(&accepted.placements),
            Standing::Open { .. } | Standing::Lost(_) => None,
        })
        .collect();
    let asked: Vec<&split::Part> = leaves
        .iter()
        .filter(|leaf| is_expected(leaf))
        .map(|leaf| &leaf.part.cut)
        .collect();
    missing(&answers, &asked, &whole.pages)
}

/// Whether other pieces of a part that was given up may get a better answer.
pub(crate) fn is_worth_asking(failure: &Failure) -> bool {
    matches!(
        failure.code.class(),
        FailureClass::BadAnswer | FailureClass::Truncated
    )
}

/// Whether the rows of a part should be in the answers. A part that was given up is named as such;
/// only one whose answers were no good may be worth asking about in other pieces.
fn is_expected(leaf: &Leaf) -> bool {
    match &leaf.standing {
        Standing::Accepted(_) => !leaf.part.rows_only,
        Standing::Lost(failure) => !leaf.part.rows_only && is_worth_asking(failure),
        Standing::Open { .. } => false,
    }
}
