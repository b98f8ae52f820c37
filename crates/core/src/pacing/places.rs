//! How many calls may be in flight: all that are wanted, until the server is overloaded.
//!
//! A single error among many good answers says nothing about the pace, and changes nothing. A
//! server in trouble shows in several failures close together. Then the number falls, once for
//! all calls that were in flight: to seven tenths when some still get through, to a single probe
//! when hardly any does. What got through of those in flight is what the server can take: up to
//! there the number grows again fourfold a round trip, beyond it slowly first and then faster,
//! until everything that is wanted is in flight again or trouble comes back.

use crate::time::Timestamp;

/// Calls are counted in thousandths, so that their number can grow slowly.
const ONE_CALL: u64 = 1_000;
/// Outcomes that are looked at.
const RECENT: u32 = 64;
/// So many failures of these are trouble. At 2 % errors that comes by chance in none of 200 simulated
/// runs of 50,000 calls; eight came in one of five.
const TROUBLE: u32 = 10;
/// So many failures in a row are, too,
const IN_A_ROW: u32 = 4;
/// when they are at least this part of the calls in flight.
const PART_IN_A_ROW: usize = 8;
/// Calls that find out whether trouble is over.
const PROBES: usize = 4;
/// How long everything waits after an overload that does not say how long; doubled while it lasts.
const FIRST_HOLD_MS: i64 = 100;
/// The longest of these waits: recovery is noticed within this time.
const LONGEST_HOLD_MS: i64 = 1_500;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// Calls in flight at most, in thousandths.
    size: u64,
    /// Calls in flight that are wanted.
    wanted: u64,
    /// Up to here the number grows fast, in thousandths.
    threshold: u64,
    /// Growth a round trip beyond the threshold, in thousandths; grows itself by half each time.
    growth: u64,
    grown_at: Option<Timestamp>,
    /// The last outcomes, newest in the lowest bit; set: failed.
    recent: u64,
    seen: u32,
    /// Good ones since the last slowing down, as far as they matter.
    answers: u32,
    /// The last slowing down.
    slowed_at: Option<Timestamp>,
    /// The number of calls that was too much then, in thousandths.
    tried: u64,
    /// Calls that were in flight then and got through.
    got_through: u64,
    /// No call that left after the slowing down was answered yet.
    is_probing: bool,
    trouble_since: Option<Timestamp>,
    hold_ms: i64,
}

impl Places {
    pub(super) fn new(wanted: u64) -> Self {
        Self {
            size: wanted * ONE_CALL,
            wanted,
            threshold: u64::MAX,
            growth: ONE_CALL,
            grown_at: None,
            recent: 0,
            seen: 0,
            answers: 0,
            slowed_at: None,
            tried: 0,
            got_through: 0,
            is_probing: false,
            trouble_since: None,
            hold_ms: FIRST_HOLD_MS,
        }
    }

    /// Calls in flight that are allowed.
    pub(super) fn allowed(&self) -> u64 {
        (self.size / ONE_CALL).max(1)
    }

    /// Calls that may have left since the last slowing down and are not back yet; `None`: any
    /// number.
    pub(super) fn probes(&self) -> Option<(Timestamp, usize)> {
        self.slowed_at.filter(|_| self.is_probing).map(|at| (at, PROBES))
    }

    /// Since when the server is in trouble, when nothing got through since.
    pub(super) fn trouble_since(&self) -> Option<Timestamp> {
        self.trouble_since
    }

    /// Another number of calls is wanted. What was found to be too much stays so; what was never
    /// tried is tried.
    pub(super) fn want(&mut self, wanted: u64) {
        let untouched = self.size >= self.wanted * ONE_CALL;
        self.wanted = wanted;
        let most = wanted * ONE_CALL;
        self.size = if untouched { most } else { self.size.min(most) };
    }

    /// A call was answered.
    pub(super) fn answered(&mut self, now: Timestamp, admitted_at: Option<Timestamp>, round_trip_ms: i64) {
        self.note(false);
        self.answers = (self.answers + 1).min(RECENT);
        if self.is_old(admitted_at) {
            self.got_through += 1;
            // At least half of what was tried: what was in flight may have had bad luck.
            self.threshold = (self.got_through * ONE_CALL).max(self.tried / 2);
            return;
        }
        self.is_probing = false;
        self.trouble_since = None;
        self.hold_ms = FIRST_HOLD_MS;
        let most = self.wanted * ONE_CALL;
        if self.size >= most {
            return;
        }
        if self.size < self.threshold {
            self.size = (self.size + 3 * ONE_CALL).min(self.threshold).min(most);
            return;
        }
        if self.grown_at.is_none_or(|at| now.since_ms(at) >= round_trip_ms) {
            self.grown_at = Some(now);
            self.size = (self.size + self.growth).min(most);
            self.growth = (self.growth.saturating_mul(3) / 2).min(most);
        }
    }

    /// A call failed for an overload. How long everything waits, when that is called for.
    /// `in_flight`: calls that are still out.
    pub(super) fn overloaded(
        &mut self,
        now: Timestamp,
        admitted_at: Option<Timestamp>,
        in_flight: usize,
    ) -> Option<i64> {
        self.note(true);
        // Those that left before the slowing down fail for the reason that is known.
        if self.is_old(admitted_at) || !(self.is_probing || self.is_trouble(in_flight)) {
            return None;
        }
        let hardly_any_gets_through = self.recent.count_ones() * 2 >= self.seen;
        if !self.is_probing {
            // An outage says nothing about how much is too much: back to where it was, unless
            // what is in flight says otherwise.
            (self.tried, self.threshold, self.got_through) = (self.size, self.size, 0);
        }
        self.size = if hardly_any_gets_through || self.is_probing {
            ONE_CALL
        } else {
            (self.size * 7 / 10).max(ONE_CALL)
        };
        self.growth = (self.tried / 20).max(ONE_CALL / 10);
        self.slowed_at = Some(now);
        self.is_probing = true;
        self.trouble_since.get_or_insert(now);
        (self.recent, self.seen, self.answers) = (0, 0, 0);
        let hold = self.hold_ms;
        self.hold_ms = (hold * 2).min(LONGEST_HOLD_MS);
        Some(hold)
    }

    fn is_old(&self, admitted_at: Option<Timestamp>) -> bool {
        match (admitted_at, self.slowed_at) {
            (Some(admitted), Some(slowed)) => admitted <= slowed,
            _ => false,
        }
    }

    fn note(&mut self, failed: bool) {
        self.recent = self.recent << 1 | u64::from(failed);
        self.seen = (self.seen + 1).min(RECENT);
    }

    /// Errors come back sooner than answers: at the start, only they are seen for a while. So a
    /// few in a row are trouble only when they are a good part of what is in flight.
    fn is_trouble(&self, in_flight: usize) -> bool {
        let row = self.recent.trailing_ones().min(self.seen);
        let many = self.answers >= RECENT && self.recent.count_ones() >= TROUBLE;
        many || (row >= IN_A_ROW && row as usize * PART_IN_A_ROW >= in_flight)
    }
}
