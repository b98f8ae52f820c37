//! Complete: are all rows there? What long documents need beside their first parts is
//! decided here, from nothing but the answers so far: whoever takes the document up after a
//! crash comes to the same parts. No I/O.

use docmill_core::failure::FailureClass;
use docmill_core::progress::{PartId, Standing};
use docmill_core::rows::{Gap, Placements, missing};
use docmill_core::split;

use crate::pipeline::Job;
use crate::pipeline::progress::{Leaf, Prompts};

/// Times that rows which are missing are asked for again; each time there must be fewer of them.
const MOST_ROUNDS: u32 = 6;

/// A part is cut unasked when it holds nine tenths of one whose answer was cut off.
const AS_LARGE: (u64, u64) = (9, 10);

/// Adds or cuts parts by what the answers taught; returns whether there is anything new to ask.
/// `asked`: the parts that are being asked about.
pub(crate) fn follow(job: &Job, prompts: &mut Prompts, asked: &[PartId]) -> bool {
    let cut = cut_unasked(prompts, asked);
    let again = asked.is_empty() && prompts.progress.is_ended() && ask_again(job, prompts);
    cut || again
}

/// Cuts the parts that are as large as one whose answer was cut off, before they are paid for.
fn cut_unasked(prompts: &mut Prompts, asked: &[PartId]) -> bool {
    let too_large = prompts
        .progress
        .leaves()
        .iter()
        .filter_map(|leaf| leaf.part.half_of);
    let Some(too_large) = too_large.min() else {
        return false;
    };
    let (tenths, of) = AS_LARGE;
    prompts.progress.split_open(
        |id| asked.contains(&id),
        |leaf| {
            let is_large = leaf.part.half_of.is_none() && leaf.part.weight * of >= too_large * tenths;
            let halves = is_large.then(|| leaf.part.halves()).flatten()?;
            Some(halves.into_iter().map(Into::into).collect())
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
    let parts = whole.again(&stretches);
    prompts.progress.add(parts.into_iter().map(Into::into));
    true
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

/// Whether the rows of a part should be in the answers. A part that was given up is named as such;
/// only one whose answers were no good may be worth asking about in other pieces.
fn is_expected(leaf: &Leaf) -> bool {
    match &leaf.standing {
        Standing::Accepted(_) => !leaf.part.rows_only,
        Standing::Lost(failure) => !leaf.part.rows_only && failure.code.class() == FailureClass::BadAnswer,
        Standing::Open { .. } => false,
    }
}
