//! Waiting for a condition with a deadline, instead of sleeping and hoping.

use std::time::{Duration, Instant};

/// Time between two looks.
const STEP: Duration = Duration::from_millis(10);

/// The deadline has passed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} did not happen within {limit:?}")]
pub struct DeadlinePassed {
    /// What was waited for.
    pub what: String,
    /// For how long.
    pub limit: Duration,
}

/// Looks every 10 ms until `condition` gives something.
///
/// # Errors
/// When it gives nothing before the deadline.
pub fn wait_until<T>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> Result<T, DeadlinePassed> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = condition() {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            return Err(passed(what, limit));
        }
        std::thread::sleep(STEP);
    }
}

/// The same on a runtime; follows a paused clock.
///
/// # Errors
/// When it gives nothing before the deadline.
pub async fn wait_until_async<T, F: Future<Output = Option<T>>>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> F,
) -> Result<T, DeadlinePassed> {
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        if let Some(found) = condition().await {
            return Ok(found);
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(passed(what, limit));
        }
        tokio::time::sleep(STEP).await;
    }
}

fn passed(what: &str, limit: Duration) -> DeadlinePassed {
    DeadlinePassed {
        what: what.to_owned(),
        limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_for_the_condition_and_no_longer_than_the_deadline() {
        let mut looks = 0;
        let found = wait_until("the third look", Duration::from_secs(10), || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(found, Ok(3));
        let never = wait_until("nothing", Duration::ZERO, || None::<()>);
        assert_eq!(
            never.unwrap_err().to_string(),
            "nothing did not happen within 0ns"
        );
    }
}
