//! How much anybody may hold at once: requests being answered, and streams.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;

use crate::access::caller::Caller;
use crate::problem::Problem;

/// Streams at once, all viewers together: each costs some 20 KiB and a handle of the system.
const STREAMS: usize = 2048;

/// Streams of one key at once. A browser has one for each page that is open.
const STREAMS_OF_ONE: usize = 128;

/// Requests being answered at once, all together: what comes after that is answered that it must wait.
const REQUESTS: usize = 1024;

/// Requests of one key being answered at once: more than any browser or command makes.
const REQUESTS_OF_ONE: usize = 128;

/// The limits of a server. Cheap to clone.
#[derive(Clone)]
pub struct Limits {
    pub(crate) streams: Places,
    pub(crate) requests: Places,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            streams: Places::new("streams", STREAMS, STREAMS_OF_ONE),
            requests: Places::new("requests", REQUESTS, REQUESTS_OF_ONE),
        }
    }
}

/// Places, so many in all and so many for each caller.
#[derive(Clone)]
pub(crate) struct Places {
    what: &'static str,
    most: usize,
    most_of_one: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by: HashMap<String, usize>,
}

/// A place that was taken, given back when dropped.
pub(crate) struct Place {
    places: Places,
    by: String,
}

impl Places {
    fn new(what: &'static str, most: usize, most_of_one: usize) -> Self {
        Self {
            what,
            most,
            most_of_one,
            taken: Arc::default(),
        }
    }

    /// Takes a place for a caller.
    ///
    /// # Errors
    /// When there is none left.
    pub(crate) fn enter(&self, caller: &Caller) -> Result<Place, Problem> {
        let by = caller.account();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.most {
            let detail = format!("{} {} are open, and more are not taken", self.most, self.what);
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(5));
        }
        let own = taken.by.entry(by.clone()).or_default();
        if *own >= self.most_of_one {
            let detail = format!(
                "{} {} of {} are open already",
                self.most_of_one, self.what, caller.name
            );
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many", detail)
                .hint("close some of them; a key of one's own has room of its own")
                .retry_after(5));
        }
        *own += 1;
        taken.all += 1;
        Ok(Place {
            places: self.clone(),
            by,
        })
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(own) = taken.by.get_mut(&self.by) {
            *own -= 1;
            if *own == 0 {
                taken.by.remove(&self.by);
            }
        }
    }
}
