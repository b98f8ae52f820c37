//! The pilot: a small sample with every kind of document in it.

use std::collections::BTreeMap;

use crate::document::Class;
use crate::id::Ordinal;

/// Chooses `count` documents: at least one of every class (as far as `count` goes),
/// the rest in proportion, by chance. The same documents, count and seed give the
/// same pilot. The choice is in the order of the documents.
#[must_use]
pub fn choose(documents: &[(Ordinal, Class)], count: usize, seed: u64) -> Vec<Ordinal> {
    let mut classes: BTreeMap<Class, Vec<(u64, Ordinal)>> = BTreeMap::new();
    for (ordinal, class) in documents {
        let lot = shuffle_key(seed, ordinal.0);
        classes.entry(*class).or_default().push((lot, *ordinal));
    }
    let mut queues: Vec<Vec<Ordinal>> = classes
        .into_values()
        .map(|mut lots| {
            // The smallest lots are drawn first: from the end.
            lots.sort_unstable_by(|a, b| b.cmp(a));
            lots.into_iter().map(|(_, ordinal)| ordinal).collect()
        })
        .collect();
    // The larger classes first, in case `count` does not reach all.
    queues.sort_by_key(|queue| std::cmp::Reverse(queue.len()));
    let sizes: Vec<usize> = queues.iter().map(Vec::len).collect();
    let mut taken = vec![0_usize; queues.len()];
    let mut chosen = Vec::with_capacity(count.min(documents.len()));
    while chosen.len() < count {
        let Some(next) = most_behind(&sizes, &taken, documents.len(), chosen.len()) else {
            break;
        };
        let (Some(queue), Some(taken)) = (queues.get_mut(next), taken.get_mut(next)) else {
            break;
        };
        let Some(ordinal) = queue.pop() else { break };
        chosen.push(ordinal);
        *taken += 1;
    }
    chosen.sort_unstable();
    chosen
}

/// The class that has none yet, else the one furthest behind its share.
fn most_behind(sizes: &[usize], taken: &[usize], total: usize, chosen: usize) -> Option<usize> {
    let open = |index: &usize| sizes.get(*index) > taken.get(*index);
    let none_yet = (0..sizes.len())
        .filter(open)
        .find(|index| taken.get(*index) == Some(&0));
    none_yet.or_else(|| {
        (0..sizes.len()).filter(open).max_by_key(|index| {
            let (size, taken) = (sizes.get(*index).copied(), taken.get(*index).copied());
            let share = size.unwrap_or(0) as i128 * (chosen as i128 + 1);
            (
                share - taken.unwrap_or(0) as i128 * total as i128,
                std::cmp::Reverse(*index),
            )
        })
    })
}

/// SplitMix64 of seed and number: the lot a document draws.
fn shuffle_key(seed: u64, number: u64) -> u64 {
    let mut z = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
