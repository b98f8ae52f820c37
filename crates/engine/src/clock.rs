//! The one place the engine learns the time from.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use docmill_core::time::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock, never going back within a process.
///
/// A clock that is set back must not stop what waits: pacing, retries and the order of what is
/// written all compare times. So after a step back time goes on from where it was, at the
/// speed of the monotonic clock, and follows the machine's again when that has caught up or
/// the process starts anew. A step forward is followed at once: it may be a laptop that slept.
#[derive(Debug)]
pub struct SystemClock<W = fn() -> Duration> {
    wall: W,
    last: Mutex<Option<(Instant, Duration)>>,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::over(since_epoch)
    }
}

impl<W: Fn() -> Duration> SystemClock<W> {
    /// A clock over another wall clock: time since 1970.
    pub fn over(wall: W) -> Self {
        Self {
            wall,
            last: Mutex::new(None),
        }
    }
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl<W: Fn() -> Duration + Send + Sync> Clock for SystemClock<W> {
    fn now(&self) -> Timestamp {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (wall, ticks) = ((self.wall)(), Instant::now());
        let now = match *last {
            Some((then, told)) => wall.max(told.saturating_add(ticks.saturating_duration_since(then))),
            None => wall,
        };
        *last = Some((ticks, now));
        Timestamp(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const DAY: u64 = 86_400;

    #[test]
    fn a_clock_set_back_goes_on_and_one_set_forward_is_followed() {
        let wall = Arc::new(AtomicU64::new(100 * DAY));
        let seen = Arc::clone(&wall);
        let clock = SystemClock::over(move || Duration::from_secs(seen.load(Ordering::Relaxed)));
        let start = clock.now();
        wall.store(99 * DAY, Ordering::Relaxed);
        let after = clock.now();
        assert!(after >= start && after.since_ms(start) < 1000 * i64::try_from(DAY).unwrap());
        wall.store(102 * DAY, Ordering::Relaxed);
        assert_eq!(clock.now(), Timestamp(i64::try_from(102 * DAY * 1000).unwrap()));
    }
}
