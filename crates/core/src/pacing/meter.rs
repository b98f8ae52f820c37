//! One limited thing: requests, or tokens of one kind.

use std::collections::VecDeque;

use super::WINDOW_MS;
use crate::time::Timestamp;

/// How far a call may leave before its time, to make up for timers that ring late.
const SLACK_NS: i128 = 60_000_000;

/// Takes of the past minute are added up per this many milliseconds: a minute at any rate is at
/// most six hundred entries.
const GRAIN_MS: i64 = 100;

/// A rate, kept in two ways at once: *smooth* (each unit is due at a time of its own) and, while
/// `counts_window` is set, *window* (in the past minute never more than the limit).
#[derive(Debug, Clone, Default)]
pub(super) struct Meter {
    /// Units per minute, as told.
    limit: Option<u64>,
    /// When the next unit is due, in nanoseconds.
    due_ns: Option<i128>,
    /// What was taken in the past minute, oldest first.
    taken: VecDeque<(Timestamp, u64)>,
    sum: u64,
    /// Takes before this are not held against the window.
    window_from: Option<Timestamp>,
    /// In the window, but before `window_from`.
    excused: u64,
}

impl Meter {
    pub(super) fn with_limit(limit: Option<u64>) -> Self {
        Self {
            limit: limit.filter(|limit| *limit > 0),
            ..Self::default()
        }
    }

    pub(super) fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Units taken in the past minute.
    pub(super) fn sum(&self) -> u64 {
        self.sum
    }

    /// Takes a limit that was told. What was taken under another limit is excused: most servers
    /// let a bucket run down and do not look back; one that does says so by refusing
    /// ([`Meter::look_back`]).
    pub(super) fn learn(&mut self, now: Timestamp, limit: Option<u64>) {
        let Some(limit) = limit.filter(|limit| *limit > 0) else {
            return;
        };
        if self.limit != Some(limit) {
            self.limit = Some(limit);
            self.window_from = Some(now);
            self.excused = self.sum;
            // What is due under the old limit is due under the new one.
            self.due_ns = self.due_ns.map(|due| due.min(nanos(now)));
        }
    }

    /// The server counts what was taken in the past minute, whatever the limit was then.
    pub(super) fn look_back(&mut self) {
        self.window_from = None;
        self.excused = 0;
    }

    /// Forgets what has left the window.
    pub(super) fn forget(&mut self, now: Timestamp) {
        while let Some((at, taken)) = self.taken.front().copied() {
            if now.since_ms(at) < WINDOW_MS + GRAIN_MS {
                break;
            }
            self.taken.pop_front();
            self.sum = self.sum.saturating_sub(taken);
            self.excused = self.excused.saturating_sub(taken);
        }
    }

    /// When so much may be taken.
    pub(super) fn free_at(&mut self, now: Timestamp, amount: u64) -> Timestamp {
        self.forget(now);
        let Some(limit) = self.limit else {
            return now;
        };
        self.smooth(now).max(self.in_window(now, amount, limit))
    }

    fn smooth(&self, now: Timestamp) -> Timestamp {
        match self.due_ns {
            Some(due) if due - SLACK_NS > nanos(now) => {
                let ms = (due - SLACK_NS).div_euclid(1_000_000) + 1;
                Timestamp(i64::try_from(ms).unwrap_or(i64::MAX))
            }
            _ => now,
        }
    }

    /// When enough has left the window. More than the whole limit waits for an empty one.
    fn in_window(&self, now: Timestamp, amount: u64, limit: u64) -> Timestamp {
        let mut sum = self.sum.saturating_sub(self.excused);
        let mut free = now;
        for (at, taken) in &self.taken {
            if sum.saturating_add(amount) <= limit {
                break;
            }
            if self.window_from.is_some_and(|from| *at < from) {
                continue;
            }
            sum = sum.saturating_sub(*taken);
            free = at.plus_ms(WINDOW_MS + GRAIN_MS);
        }
        free
    }

    /// Takes so much, at this share of the limit (in thousandths).
    pub(super) fn take(&mut self, now: Timestamp, amount: u64, share: u64) {
        if let Some(limit) = self.limit {
            let from = self.due_ns.unwrap_or_default().max(nanos(now));
            self.due_ns = Some(from + duration_ns(amount, limit, share));
        }
        self.sum = self.sum.saturating_add(amount);
        match self.taken.back_mut() {
            Some((at, taken)) if now.since_ms(*at) < GRAIN_MS => *taken = taken.saturating_add(amount),
            _ => self.taken.push_back((now, amount)),
        }
    }

    /// Gives back what was taken last and not used after all.
    pub(super) fn give_back(&mut self, amount: u64, share: u64) {
        let Some((_, taken)) = self.taken.back_mut().filter(|(_, taken)| *taken >= amount) else {
            return;
        };
        *taken -= amount;
        self.sum = self.sum.saturating_sub(amount);
        if let (Some(limit), Some(due)) = (self.limit, self.due_ns) {
            self.due_ns = Some(due - duration_ns(amount, limit, share));
        }
    }
}

pub(super) fn nanos(at: Timestamp) -> i128 {
    i128::from(at.0) * 1_000_000
}

/// How long so much takes at this share (in thousandths) of a limit per minute.
fn duration_ns(amount: u64, limit: u64, share: u64) -> i128 {
    let numerator = i128::from(amount) * i128::from(WINDOW_MS) * 1_000_000 * 1_000;
    numerator / (i128::from(limit) * i128::from(share)).max(1)
}
