//! A rate that nobody told, found out from refusals.
//!
//! Whatever way a server counts (a bucket, a window, a minute on the clock), at two refusals it
//! had taken all it would: so what it took between them, divided by the time between them, is its
//! rate, exactly. A burst before the first refusal says nothing, as a bucket may have been full.
//! So the first refusal is followed by a short rest and a careful search, which ends at the
//! second; from then on calls leave at just under the rate, and refusals, which are rare then,
//! make it more exact. Without any for a while, it is raised a little: limits change.
//!
//! One refusal alone is no limit: servers refuse by mistake, too. At a limit, what left right
//! behind a refused call is refused with it.

use crate::time::Timestamp;

/// Rates are per minute and in thousandths, so that slow ones are exact.
const PER_MINUTE: i64 = 60_000 * 1_000;
/// How long everything rests after the first refusal, so that there is something to measure.
const REST_MS: i64 = 500;
/// The search begins at this part of the rate at which calls left before.
const SEARCH_FROM: u64 = 16;
/// While searching, the rate doubles in this time at first; in twice the time after each search
/// that ended too soon, so that slow limits are met after enough calls, too.
const SEARCH_DOUBLES_MS: i64 = 1_000;
/// The longest of these times.
const SEARCH_DOUBLES_MOST_MS: i64 = 64_000;
/// A rate from fewer calls than this is not exact enough to be kept.
const ENOUGH: u64 = 30;
/// Share of the found rate that is used, in thousandths.
const USED: u64 = 990;
/// After a refusal at a rate that is known, everything rests for as long as so many calls take, and
/// those that left before it was heard: what has come back by then makes up for calls that arrive
/// unevenly, as they do from far away.
const CUSHION: u64 = 4;
/// That rest at most.
const CUSHION_MOST_MS: i64 = 2_000;
/// Without a refusal for this long, the rate is raised.
const QUIET_MS: i64 = 20_000;
/// The first step, in thousandths; steps double until the next refusal.
const FIRST_STEP: u64 = 3;
/// The largest of these steps, in thousandths.
const LARGEST_STEP: u64 = 100;
/// Refusals after few calls, one soon after the other, that are a limit whatever else was seen.
const SOON: u32 = 2;

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct FoundRate {
    phase: Phase,
    /// Calls taken since `since`, refused ones not counted.
    taken: u64,
    since: Option<Timestamp>,
    /// Refusals that came soon after the one before.
    soon: u32,
    suspicion: Option<Suspicion>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    /// No limit was met.
    #[default]
    Free,
    /// A limit was met, its rate is not known. Rates in thousandths of calls per minute.
    Searching {
        from: u64,
        started: Timestamp,
        doubles_ms: i64,
    },
    /// The rate is known.
    Found {
        rate: u64,
        quiet_since: Timestamp,
        step: u64,
    },
}

/// A refusal, and what became of the calls that left right behind it.
#[derive(Debug, Clone, Copy)]
struct Suspicion {
    left: Timestamp,
    known: Timestamp,
    behind: u64,
    refused: u64,
    /// The rate at which calls left before.
    rate: u64,
}

impl FoundRate {
    /// The rate at which calls should leave, in thousandths of calls per minute.
    pub(super) fn rate(&self, now: Timestamp) -> Option<u64> {
        match self.phase {
            Phase::Free => None,
            Phase::Searching {
                from,
                started,
                doubles_ms,
            } => {
                let ms = now.since_ms(started).clamp(0, 20 * doubles_ms);
                let doublings = u32::try_from(ms / doubles_ms).unwrap_or(0);
                let part = (ms % doubles_ms).unsigned_abs();
                let base = from.saturating_mul(1 << doublings);
                Some(base.saturating_add(base.saturating_mul(part) / doubles_ms.unsigned_abs()))
            }
            Phase::Found { rate, .. } => Some(rate.max(1)),
        }
    }

    /// The rate in calls per minute, once it is known.
    pub(super) fn found(&self) -> Option<u64> {
        match self.phase {
            Phase::Found { rate, .. } => Some((rate / 1_000).max(1)),
            Phase::Free | Phase::Searching { .. } => None,
        }
    }

    /// The rate in thousandths of calls per minute, once it is known.
    pub(super) fn known(&self) -> Option<u64> {
        match self.phase {
            Phase::Found { rate, .. } => Some(rate),
            Phase::Free | Phase::Searching { .. } => None,
        }
    }

    /// Takes a rate that was found before.
    pub(super) fn recall(&mut self, now: Timestamp, rate: u64) {
        self.found_at(now, rate);
    }

    /// A call left.
    pub(super) fn left(&mut self, now: Timestamp) {
        self.since.get_or_insert(now);
        self.taken += 1;
    }

    /// A call that left was not made after all.
    pub(super) fn took_back(&mut self) {
        self.taken = self.taken.saturating_sub(1);
    }

    /// A call was answered.
    pub(super) fn answered(&mut self, now: Timestamp) {
        if let Phase::Found {
            rate,
            quiet_since,
            step,
        } = &mut self.phase
            && now.since_ms(*quiet_since) >= QUIET_MS
        {
            *rate = rate.saturating_add((rate.saturating_mul(*step) / 1_000).max(1));
            *step = (*step * 2).min(LARGEST_STEP);
            *quiet_since = now;
        }
    }

    /// A call that left before the last refusal was known was refused, too.
    pub(super) fn refused_behind(&mut self, now: Timestamp, left: Timestamp) {
        self.took_back();
        let Some(suspicion) = &mut self.suspicion else {
            return;
        };
        if suspicion.left <= left && left <= suspicion.known {
            suspicion.refused += 1;
        }
        let Suspicion {
            behind,
            refused,
            rate,
            ..
        } = *suspicion;
        if self.phase == Phase::Free && refused >= 2 && refused * 2 >= behind {
            self.search(now, rate / SEARCH_FROM, SEARCH_DOUBLES_MS);
        }
    }

    /// A call was refused that left at `left`; so many left behind it. How long everything rests
    /// when the server does not say.
    pub(super) fn refused(&mut self, now: Timestamp, left: Timestamp, behind: u64) -> i64 {
        self.took_back();
        let took_ms = self.since.map_or(0, |since| now.since_ms(since)).max(1);
        let rate = self.taken.saturating_mul(PER_MINUTE.unsigned_abs()) / took_ms.unsigned_abs();
        let is_exact = self.taken >= ENOUGH;
        self.soon = if is_exact { 0 } else { self.soon.saturating_add(1) };
        // A few calls after the refusal before say nothing about the rate at which they left.
        let before = self.suspicion.filter(|_| !is_exact).map_or(0, |it| it.rate);
        let rate_before = rate.max(before);
        self.suspicion = Some(Suspicion {
            left,
            known: now,
            behind,
            refused: 0,
            rate: rate_before,
        });
        let rest = REST_MS << self.soon.saturating_sub(1).min(6);
        self.taken = 0;
        self.since = Some(now);
        match self.phase {
            Phase::Free if self.soon > SOON => {
                self.search(now, rate_before / SEARCH_FROM, SEARCH_DOUBLES_MS);
            }
            Phase::Free => {}
            // The search began too fast.
            Phase::Searching { from, doubles_ms, .. } if !is_exact => {
                self.search(now, from / 2, (doubles_ms * 2).min(SEARCH_DOUBLES_MOST_MS))
            }
            Phase::Searching { .. } => self.found_at(now, rate.saturating_mul(USED) / 1_000),
            Phase::Found { rate: known, .. } if is_exact && rate >= known / 10 * 9 => {
                // Not far down at once: a refusal without reason says nothing.
                let exact = rate.saturating_mul(USED) / 1_000;
                self.found_at(now, exact.max(known.saturating_mul(970) / 1_000));
            }
            // Far below what was known: the limit has changed, and what was left of the old one
            // hides how far.
            Phase::Found { rate: known, .. } => self.search(now, known / 4, SEARCH_DOUBLES_MS),
        }
        rest
    }

    /// How long everything rests after a refusal at a rate that is known, whatever the server says.
    pub(super) fn cushion_ms(&self) -> i64 {
        match self.phase {
            Phase::Found { rate, .. } => {
                let calls = CUSHION + self.suspicion.map_or(0, |suspicion| suspicion.behind);
                let ms = calls.saturating_mul(PER_MINUTE.unsigned_abs()) / rate.max(1);
                i64::try_from(ms).unwrap_or(i64::MAX).min(CUSHION_MOST_MS)
            }
            Phase::Free | Phase::Searching { .. } => 0,
        }
    }

    /// A rest first, so that there is something to measure.
    fn search(&mut self, now: Timestamp, from: u64, doubles_ms: i64) {
        self.phase = Phase::Searching {
            from: from.max(1_000),
            started: now.plus_ms(REST_MS),
            doubles_ms,
        };
        self.taken = 0;
        self.since = Some(now);
    }

    /// Until when everything rests before the search.
    pub(super) fn resting_until(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Searching { started, .. } => Some(started),
            Phase::Free | Phase::Found { .. } => None,
        }
    }

    fn found_at(&mut self, now: Timestamp, rate: u64) {
        self.phase = Phase::Found {
            rate: rate.max(1),
            quiet_since: now,
            step: FIRST_STEP,
        };
    }
}
