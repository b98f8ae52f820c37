//! How long calls take, as a histogram that can be added up: percentiles of an
//! hour are those of its minutes together, which stored percentiles would not be.

use std::time::Duration;

/// Buckets per doubling: a percentile is right to within 19 %.
const PER_DOUBLING: u32 = 4;

/// Buckets up to 2^24 ms, which is more than four hours.
const BUCKETS: usize = (24 * PER_DOUBLING) as usize;

/// Calls that say how slow a model is.
const FEW: u64 = 20;

/// Calls that say what the slowest thousandth takes.
const MANY: u64 = 1000;

/// A call's time while the model's is not known.
const FIRST_PATIENCE: Duration = Duration::from_secs(600);

/// No call is given up earlier.
const LEAST_PATIENCE: Duration = Duration::from_secs(30);

/// Nor waited for longer.
const MOST_PATIENCE: Duration = Duration::from_secs(1800);

/// Counts of calls by how long they took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    counts: [u32; BUCKETS],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; BUCKETS] }
    }
}

impl Histogram {
    /// Counts one call.
    pub fn record(&mut self, ms: u32) {
        let bucket = &mut self.counts[bucket_of(ms)];
        *bucket = bucket.saturating_add(1);
    }

    /// Adds the calls of another.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*theirs);
        }
    }

    /// Calls counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// So many per thousand of the calls took no longer than this; `None` without calls.
    #[must_use]
    pub fn permille(&self, permille: u64) -> Option<Duration> {
        let total = self.count();
        if total == 0 {
            return None;
        }
        let rank = (total * permille.min(1000)).div_ceil(1000).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= rank {
                return Some(Duration::from_millis(upper_edge(bucket)));
            }
        }
        None
    }

    /// How long a call may take before it is given up, by what others took: eight times the slowest
    /// hundredth, half a minute at least, half an hour at most. Ten minutes while too few are
    /// known: a model that thinks before it answers takes minutes.
    #[must_use]
    pub fn patience(&self) -> Duration {
        match self.permille(990) {
            Some(slow) if self.count() >= FEW => slow.saturating_mul(8).clamp(LEAST_PATIENCE, MOST_PATIENCE),
            _ => FIRST_PATIENCE,
        }
    }

    /// After how long a call hangs beyond nearly all others (the 99.9th percentile); `None` while too
    /// few calls are known to tell.
    #[must_use]
    pub fn hang(&self) -> Option<Duration> {
        (self.count() >= MANY).then(|| self.permille(999)).flatten()
    }

    /// For the database: pairs of bucket (one byte) and count (four bytes, little-endian), empty ones left out.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (bucket, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            bytes.push(u8::try_from(bucket).unwrap_or(u8::MAX));
            bytes.extend(count.to_le_bytes());
        }
        bytes
    }

    /// From the database. What makes no sense is left out: it is a chart, not an account.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut histogram = Self::default();
        for entry in bytes.chunks_exact(5) {
            let count = u32::from_le_bytes([entry[1], entry[2], entry[3], entry[4]]);
            if let Some(bucket) = histogram.counts.get_mut(usize::from(entry[0])) {
                *bucket = bucket.saturating_add(count);
            }
        }
        histogram
    }
}

/// The bucket of a time: its binary exponent, and the next two bits of it.
fn bucket_of(ms: u32) -> usize {
    let ms = ms.max(1);
    let doublings = ms.ilog2();
    // The two bits below the highest one; small numbers have fewer, which leaves buckets empty.
    let quarter = (u64::from(ms) << 2 >> doublings) & 3;
    let bucket = u64::from(doublings * PER_DOUBLING) + quarter;
    usize::try_from(bucket).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The longest time that falls into a bucket, in milliseconds.
fn upper_edge(bucket: usize) -> u64 {
    let bucket = bucket as u64 + 1;
    let (doublings, quarter) = (bucket / u64::from(PER_DOUBLING), bucket % u64::from(PER_DOUBLING));
    (((4 + quarter) << doublings) >> 2).saturating_sub(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ms: u32, calls: u32) -> Histogram {
        let mut histogram = Histogram::default();
        (0..calls).for_each(|_| histogram.record(ms));
        histogram
    }

    #[test]
    fn patience_follows_the_model() {
        assert_eq!(of(300, 19).patience(), FIRST_PATIENCE);
        assert_eq!(of(300, 20).patience(), LEAST_PATIENCE, "a fast model");
        let slow = of(60_000, 20).patience();
        assert!(
            slow >= Duration::from_secs(480) && slow < Duration::from_secs(600),
            "{slow:?}"
        );
        assert_eq!(of(900_000, 20).patience(), MOST_PATIENCE);
    }

    #[test]
    fn only_many_calls_tell_what_hangs() {
        assert_eq!(of(300, 999).hang(), None);
        let mut known = of(300, 2000);
        known.record(20_000);
        let hang = known.hang().unwrap();
        assert!(
            hang >= Duration::from_millis(300) && hang < Duration::from_secs(1),
            "{hang:?}"
        );
    }
}
