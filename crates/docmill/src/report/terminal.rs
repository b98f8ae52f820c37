//! Progress on a terminal: a few lines on standard error that are drawn again in place.
//! Only carriage returns, "up" and "erase" are used, and the cursor is never hidden: a
//! process that is killed leaves the terminal as it was.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use docmill_core::batch::BatchState;

use super::live::Glance;
use super::text::{clean, count, cut, duration, percent, spent};
use super::{Style, paint};

/// Drawn at most this often.
const REDRAW: Duration = Duration::from_millis(100);

/// Cells of the bar.
const BAR: usize = 24;

/// The block being drawn.
pub struct Block {
    colored: bool,
    drawn: usize,
    drawn_at: Option<Instant>,
    last: Vec<String>,
}

impl Block {
    /// Nothing drawn yet.
    pub fn new(colored: bool) -> Self {
        Self {
            colored,
            drawn: 0,
            drawn_at: None,
            last: Vec::new(),
        }
    }

    /// Draws a batch.
    pub fn batch(&mut self, glance: &Glance) {
        let lines = self.batch_lines(glance);
        self.draw(lines);
    }

    fn batch_lines(&self, glance: &Glance) -> Vec<String> {
        let (done, total) = (glance.done(), glance.row.counters.total());
        let mut first = format!(
            "{} {}/{} {}",
            bar(done, total),
            count(done),
            count(total),
            paint(self.colored, Style::Bold, &percent(done, total))
        );
        if let Some(rate) = glance.rate {
            first.push_str(&format!("  {}", speed(rate)));
        }
        if let Some(left) = glance.left.filter(|_| glance.row.state == BatchState::Running) {
            first.push_str(&format!("  {} left", duration(left)));
        }
        let counters = &glance.row.counters;
        let mut parts = vec![paint(
            self.colored,
            Style::Green,
            &format!("{} completed", count(counters.completed)),
        )];
        for (number, word, style) in [
            (counters.failed, "failed", Style::Red),
            (counters.skipped, "skipped", Style::Yellow),
            (counters.cancelled, "cancelled", Style::Yellow),
        ] {
            if number > 0 {
                parts.push(paint(self.colored, style, &format!("{} {word}", count(number))));
            }
        }
        if glance.row.calls_in_flight > 0 {
            parts.push(format!("{} in flight", count(glance.row.calls_in_flight)));
        }
        if let Some(money) = money(glance) {
            parts.push(money);
        }
        let mut lines = vec![first, parts.join(" · ")];
        for failed in &glance.failures {
            let reason = failed
                .failure
                .as_ref()
                .map_or("", |failure| failure.message.as_str());
            let line = format!("{}: {}", clean(&failed.name), clean(reason));
            lines.push(format!("{} {line}", paint(self.colored, Style::Red, "✗")));
        }
        lines
    }

    /// Draws something that is counted.
    pub fn counting(&mut self, what: &str, number: u64, total: Option<u64>) {
        let line = match total {
            Some(total) => format!(
                "{} {what} {} of {}",
                bar(number, total),
                count(number),
                count(total)
            ),
            None => format!("{what} {}", count(number)),
        };
        if total == Some(number) || self.drawn_at.is_none_or(|at| at.elapsed() >= REDRAW) {
            self.draw(vec![line]);
        }
    }

    /// A line that stays, above the block.
    pub fn note(&mut self, line: &str) {
        let lines = std::mem::take(&mut self.last);
        self.clear();
        let _ = writeln!(io::stderr().lock(), "{line}");
        if !lines.is_empty() {
            self.draw(lines);
        }
    }

    /// Takes the block away.
    pub fn clear(&mut self) {
        if self.drawn > 0 {
            let up = if self.drawn > 1 {
                format!("\u{1b}[{}A", self.drawn - 1)
            } else {
                String::new()
            };
            let _ = write!(io::stderr().lock(), "\r{up}\u{1b}[J");
            self.drawn = 0;
            self.last.clear();
        }
    }

    fn draw(&mut self, lines: Vec<String>) {
        let columns =
            terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0));
        let mut out = String::from("\r");
        if self.drawn > 1 {
            out.push_str(&format!("\u{1b}[{}A", self.drawn - 1));
        }
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                out.push_str("\r\n");
            }
            out.push_str(&cut_painted(line, columns.saturating_sub(1)));
            out.push_str("\u{1b}[K");
        }
        out.push_str("\u{1b}[J");
        let mut stderr = io::stderr().lock();
        // Nobody can be told when standard error is gone; the work goes on.
        let _ = stderr.write_all(out.as_bytes()).and_then(|()| stderr.flush());
        self.drawn = lines.len();
        self.drawn_at = Some(Instant::now());
        self.last = lines;
    }
}

/// What was spent of what may be, once there is anything to say.
fn money(glance: &Glance) -> Option<String> {
    let balance = &glance.row.balance;
    if balance.settled.nanos() == 0 && balance.budget.is_none() && balance.unconfirmed.nanos() == 0 {
        return None;
    }
    let mut text = spent(balance.settled, balance.budget);
    if balance.unconfirmed.nanos() > 0 {
        text.push_str(&format!(" (+ {} unconfirmed)", balance.unconfirmed));
    }
    Some(text)
}

/// `12.3 documents/s`, `0.4 documents/s`.
pub fn speed(rate: f64) -> String {
    if rate >= 100.0 {
        format!("{rate:.0} documents/s")
    } else {
        format!("{rate:.1} documents/s")
    }
}

fn bar(done: u64, total: u64) -> String {
    let filled = (u128::from(done) * BAR as u128)
        .checked_div(u128::from(total))
        .unwrap_or(0);
    let filled = usize::try_from(filled).unwrap_or(BAR).min(BAR);
    format!("{}{}", "█".repeat(filled), "░".repeat(BAR - filled))
}

/// Cuts a painted line: escape sequences take no columns and are all kept, so that
/// what was opened is closed.
fn cut_painted(line: &str, columns: usize) -> String {
    let mut out = String::new();
    let mut left = columns;
    let mut rest = line;
    while let Some(start) = rest.find('\u{1b}') {
        let (before, escape) = rest.split_at(start);
        let kept = cut(before, left);
        left = left.saturating_sub(super::text::width(&kept));
        out.push_str(&kept);
        let end = escape.find('m').map_or(escape.len(), |at| at + 1);
        let (code, after) = escape.split_at(end);
        out.push_str(code);
        rest = after;
    }
    out.push_str(&cut(rest, left));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_full_only_at_the_end() {
        assert_eq!(bar(0, 0).matches('█').count(), 0);
        assert_eq!(bar(9_999, 10_000).matches('█').count(), BAR - 1);
        assert_eq!(bar(10, 10).matches('█').count(), BAR);
    }

    #[test]
    fn painted_lines_are_cut_by_what_is_seen() {
        let line = format!("{} and more", paint(true, Style::Red, "12345678"));
        let cut = cut_painted(&line, 10);
        assert_eq!(cut, "\u{1b}[31m12345678\u{1b}[0m …");
        assert!(cut_painted(&line, 4).ends_with("\u{1b}[0m"));
    }
}
