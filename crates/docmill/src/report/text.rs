//! Words and numbers for people.

pub use docmill_server::views::words::{count, counted};
use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Local, Utc};
use docmill_core::escape;
use docmill_core::money::Usd;
use docmill_core::time::Timestamp;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A text from outside on one line: whatever could steer a terminal becomes `\u{fffd}`,
/// line ends and tabs become blanks.
pub fn clean(text: &str) -> Cow<'_, str> {
    escape::line(text)
}

/// The same for texts of several lines: line feeds stay.
pub fn clean_lines(text: &str) -> Cow<'_, str> {
    escape::lines(text)
}

/// Columns a clean text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The beginning of a clean text, at most so many columns, `…` where it was cut.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut left = columns.saturating_sub(1);
    let mut kept = String::new();
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if wide > left {
            break;
        }
        left -= wide;
        kept.push(c);
    }
    if columns > 0 {
        kept.push('…');
    }
    Cow::Owned(kept)
}

/// `42 s`, `7m 50s`, `3h 05m`, `2d 4h`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// `just now`, `7m 50s ago`.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    match u64::try_from(now.since_ms(then)) {
        Ok(ms) if ms >= 1000 => format!("{} ago", duration(Duration::from_millis(ms))),
        _ => "just now".to_owned(),
    }
}

/// `3.4 MB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut unit = 0;
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or("B");
    if unit == 0 || tenths >= 1000 {
        format!("{} {name}", tenths / 10)
    } else {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    }
}

/// `42%`; 100% only when it is all.
pub fn percent(part: u64, whole: u64) -> String {
    match (u128::from(part) * 100).checked_div(u128::from(whole)) {
        Some(percent) => format!("{percent}%"),
        None => "0%".to_owned(),
    }
}

/// What was spent of what may be: `$3.10 of $25.00`, `$3.10`.
pub fn spent(spent: Usd, budget: Option<Usd>) -> String {
    match budget {
        Some(budget) => format!("{spent} of {budget}"),
        None => spent.to_string(),
    }
}

/// The time of day here, for logs: `14:03:07`.
pub fn time_of_day(at: Timestamp) -> String {
    match local(at) {
        Some(at) => at.format("%H:%M:%S").to_string(),
        None => "--:--:--".to_owned(),
    }
}

/// Day and time here: `2026-11-23 14:03`.
pub fn day_and_time(at: Timestamp) -> String {
    match local(at) {
        Some(at) => at.format("%Y-%m-%d %H:%M").to_string(),
        None => String::new(),
    }
}

fn local(at: Timestamp) -> Option<DateTime<Local>> {
    DateTime::<Utc>::from_timestamp_millis(at.0).map(|at| at.with_timezone(&Local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_texts_cannot_steer_a_terminal() {
        assert_eq!(
            clean("a\u{1b}[2Jb\u{9b}c\u{202e}d\ne"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d e"
        );
        assert_eq!(clean_lines("a\r\nb\u{7}"), "a\nb\u{fffd}");
        assert!(matches!(clean("Käse 1,50 €"), Cow::Borrowed(_)));
    }

    #[test]
    fn texts_are_cut_by_columns_not_letters() {
        assert_eq!(cut("invoice.pdf", 20), "invoice.pdf");
        assert_eq!(cut("invoice.pdf", 8), "invoice…");
        assert_eq!(cut("請求書請求書", 7), "請求書…");
        assert_eq!(width(&cut("請求書請求書", 6)), 5);
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(counted(1, "document"), "1 document");
        assert_eq!(counted(10_000, "document"), "10,000 documents");
        assert_eq!(duration(Duration::from_secs(470)), "7m 50s");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(3_400_000), "3.4 MB");
        assert_eq!(bytes(340_000_000), "340 MB");
        assert_eq!(percent(9_999, 10_000), "99%");
        assert_eq!(percent(0, 0), "0%");
    }
}
