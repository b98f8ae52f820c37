//! Progress in a pipe or a file: one line now and then.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::live::Glance;
use super::terminal::speed;
use super::text::{count, counted, duration, percent, spent};

/// A line at most this often.
const EVERY: Duration = Duration::from_secs(5);

/// The lines written so far.
pub struct Lines {
    written_at: Instant,
    last: String,
}

impl Lines {
    /// The first line comes after a while: short work needs none.
    pub fn new() -> Self {
        Self {
            written_at: Instant::now(),
            last: String::new(),
        }
    }

    /// A line about a batch, when it is time for one.
    pub fn batch(&mut self, glance: &Glance) {
        if self.written_at.elapsed() < EVERY {
            return;
        }
        let (done, total) = (glance.done(), glance.row.counters.total());
        let mut line = format!(
            "{} of {} done ({})",
            count(done),
            counted(total, "document"),
            percent(done, total)
        );
        if glance.row.counters.failed > 0 {
            line.push_str(&format!(", {} failed", count(glance.row.counters.failed)));
        }
        let balance = &glance.row.balance;
        if balance.settled.nanos() > 0 || balance.budget.is_some() {
            line.push_str(&format!(", {}", spent(balance.settled, balance.budget)));
        }
        if let Some(rate) = glance.rate {
            line.push_str(&format!(", {}", speed(rate)));
        }
        if let Some(left) = glance.left {
            line.push_str(&format!(", about {} left", duration(left)));
        }
        self.write(line);
    }

    /// A line about something that is counted, when it is time for one.
    pub fn counting(&mut self, what: &str, number: u64, total: Option<u64>) {
        if self.written_at.elapsed() < EVERY {
            return;
        }
        let line = match total {
            Some(total) => format!("{what} {} of {}", count(number), count(total)),
            None => format!("{what} {}", count(number)),
        };
        self.write(line);
    }

    /// A line now.
    pub fn note(&mut self, line: &str) {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    fn write(&mut self, line: String) {
        if line != self.last {
            self.note(&line);
            self.last = line;
        }
        self.written_at = Instant::now();
    }
}
