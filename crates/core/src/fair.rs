//! Fair shares: which batch's turn it is.
//!
//! Stride scheduling: each queue has a *pass*, the virtual time at which it is due.
//! The queue that is due first goes, and its pass moves on by a stride that is the
//! shorter the greater its weight. Over time the shares are as the weights, and a
//! queue that comes new is due at once: it waits for nobody who has had a turn
//! since it came. A queue that had nothing to do saves up no turns.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::document::UnknownName;
use crate::named_enum;

/// A stride of a queue of weight 1. Divisible by the weights people use, so that shares are exact.
const STRIDE: u64 = 5_040_000;

/// A queue that has something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queue<K> {
    /// Which.
    pub key: K,
    /// Its share, in proportion to the others; 0 counts as 1.
    pub weight: u32,
}

named_enum! {
    /// How urgent a batch is beside others that want the same limit.
    Priority, "priority" {
        /// Four times the share of a normal one.
        High = "high",
        /// What a batch has unless somebody says otherwise.
        Normal = "normal",
        /// A quarter of the share of a normal one.
        Low = "low",
    }
}

impl Priority {
    /// Its share, in proportion to the others.
    #[must_use]
    pub const fn weight(self) -> u32 {
        match self {
            Self::High => 16,
            Self::Normal => 4,
            Self::Low => 1,
        }
    }

    /// The priority with the share that is nearest to this.
    #[must_use]
    pub const fn of_weight(weight: u32) -> Self {
        match weight {
            0..=2 => Self::Low,
            3..=8 => Self::Normal,
            _ => Self::High,
        }
    }
}

/// Whose turn it was.
#[derive(Debug, Clone)]
pub struct Turns<K> {
    passes: BTreeMap<K, u64>,
    now: u64,
}

impl<K: Ord + Copy> Default for Turns<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord + Copy> Turns<K> {
    /// Nobody had a turn yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            passes: BTreeMap::new(),
            now: 0,
        }
    }
}

/// Whose turn it is among the queues that have something to do; `None` when none has.
/// Of queues due at the same time the one with the greater weight goes first, then
/// the smaller key.
pub fn next<K: Ord + Copy>(turns: &mut Turns<K>, queues: &[Queue<K>]) -> Option<K> {
    // Who left is forgotten once its turns are paid for; who only pauses for a moment
    // must not come back as a newcomer.
    let now = turns.now;
    turns
        .passes
        .retain(|key, pass| *pass > now || queues.iter().any(|queue| queue.key == *key));
    let due = |turns: &Turns<K>, queue: &Queue<K>| {
        turns
            .passes
            .get(&queue.key)
            .copied()
            .unwrap_or(turns.now)
            .max(turns.now)
    };
    let first = queues
        .iter()
        .min_by_key(|queue| (due(turns, queue), std::cmp::Reverse(queue.weight), queue.key))?;
    let pass = due(turns, first);
    let stride = STRIDE / u64::from(first.weight.max(1));
    turns.passes.insert(first.key, pass.saturating_add(stride.max(1)));
    // Everyone here was due no earlier than this; nobody who comes later is, either.
    turns.now = pass;
    for queue in queues {
        turns.passes.entry(queue.key).or_insert(pass);
    }
    Some(first.key)
}
