//! The first call of a model and template goes alone, where the provider keeps
//! marked prefixes: what it writes to the cache the others read at a tenth of
//! the price, instead of all writing it at once. No call is made for this that
//! would not be made anyway.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// Nobody waits longer than this for the first answer.
const LONGEST: Duration = Duration::from_secs(20);

/// Prefixes shorter than this are kept by no provider.
pub(super) const LEAST_TOKENS: u64 = 1024;

type Key = (String, String);

/// Which prefixes were written.
#[derive(Debug, Default)]
pub(super) struct Warmth(Mutex<HashMap<Key, Arc<watch::Sender<bool>>>>);

/// The first call; the others go on when it is dropped.
pub(super) struct First(Arc<watch::Sender<bool>>);

impl Drop for First {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

impl Warmth {
    /// Returns at once for the first, and for all others when the first has its answer.
    pub(super) async fn turn(&self, model: &str, template: &str) -> Option<First> {
        let key = (model.to_owned(), template.to_owned());
        let known = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match all.get(&key) {
                Some(known) => Arc::clone(known),
                None => {
                    let first = Arc::new(watch::Sender::new(false));
                    all.insert(key, Arc::clone(&first));
                    return Some(First(first));
                }
            }
        };
        let mut done = known.subscribe();
        // Whatever became of the first, nobody is held up for ever.
        let _ = tokio::time::timeout(LONGEST, done.wait_for(|done| *done)).await;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_others_wait_for_the_first_and_for_nobody_else() {
        let warmth = Arc::new(Warmth::default());
        let first = warmth.turn("m", "t").await;
        assert!(first.is_some());
        let waiting = tokio::spawn({
            let warmth = Arc::clone(&warmth);
            async move { warmth.turn("m", "t").await.is_none() }
        });
        assert!(warmth.turn("m", "other").await.is_some());
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(!waiting.is_finished());
        drop(first);
        assert!(waiting.await.unwrap());
        assert!(warmth.turn("m", "t").await.is_none(), "at once from now on");
    }
}
