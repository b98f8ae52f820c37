//! What providers say about their limits, in every form they say it:
//! `x-ratelimit-*` headers whose resets are durations ("6m0s"), seconds or
//! points in time, and "not before" as `retry-after-ms`, `retry-after` in
//! seconds, as an HTTP date, or in the body.

use std::time::{Duration, SystemTime};

/// What the provider says about its limits, when it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signals {
    /// Requests allowed per minute.
    pub requests_limit: Option<u64>,
    /// Requests left in the window.
    pub requests_remaining: Option<u64>,
    /// Until the window is full again.
    pub requests_reset: Option<Duration>,
    /// Tokens allowed per minute.
    pub tokens_limit: Option<u64>,
    /// Tokens left in the window.
    pub tokens_remaining: Option<u64>,
    /// Until the window is full again.
    pub tokens_reset: Option<Duration>,
    /// "Not before": from `retry-after` in any of its forms.
    pub retry_after: Option<Duration>,
}

/// Nobody means to keep a caller away for longer than this; a value beyond it
/// is a point in time or a mistake.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

impl Signals {
    /// Reads the headers of a response. `header` looks one up by its
    /// lower-case name; `now` turns points in time into spans.
    pub fn from_headers<'a>(header: impl Fn(&str) -> Option<&'a str>, now: SystemTime) -> Self {
        let number = |name: &str| header(name).and_then(count);
        let reset = |name: &str| header(name).and_then(|text| span(text, now));
        // Anthropic counts tokens in and out apart; what goes in is what binds.
        let anthropic = |part: &str| {
            ["tokens", "input-tokens"]
                .into_iter()
                .find_map(|kind| header(&format!("anthropic-ratelimit-{kind}-{part}")))
        };
        if header("anthropic-ratelimit-requests-limit").is_some() || anthropic("limit").is_some() {
            return Self {
                requests_limit: number("anthropic-ratelimit-requests-limit"),
                requests_remaining: number("anthropic-ratelimit-requests-remaining"),
                requests_reset: reset("anthropic-ratelimit-requests-reset"),
                tokens_limit: anthropic("limit").and_then(count),
                tokens_remaining: anthropic("remaining").and_then(count),
                tokens_reset: anthropic("reset").and_then(|text| span(text, now)),
                retry_after: retry_after(&header, now),
            };
        }
        Self {
            requests_limit: number("x-ratelimit-limit-requests").or_else(|| number("x-ratelimit-limit")),
            requests_remaining: number("x-ratelimit-remaining-requests")
                .or_else(|| number("x-ratelimit-remaining")),
            requests_reset: reset("x-ratelimit-reset-requests").or_else(|| reset("x-ratelimit-reset")),
            tokens_limit: number("x-ratelimit-limit-tokens"),
            tokens_remaining: number("x-ratelimit-remaining-tokens"),
            tokens_reset: reset("x-ratelimit-reset-tokens"),
            retry_after: retry_after(&header, now),
        }
    }

    /// The same without the counts of requests: for providers that count them
    /// per day (Groq), where they say nothing about pace.
    #[must_use]
    pub fn without_requests(self) -> Self {
        Self {
            requests_limit: None,
            requests_remaining: None,
            requests_reset: None,
            ..self
        }
    }
}

/// The most exact form that is there: milliseconds, then seconds, then a date.
fn retry_after<'a>(header: impl Fn(&str) -> Option<&'a str>, now: SystemTime) -> Option<Duration> {
    let exact = header("retry-after-ms")
        .and_then(decimal)
        .and_then(|ms| seconds(ms / 1000.0));
    exact.or_else(|| header("retry-after").and_then(|text| span(text, now)))
}

/// A count. Azure says −1 for "not known".
fn count(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// A span of time in any form: plain seconds ("30", "1.5"), a duration
/// ("12ms", "6m0s", "1h2m3.5s", "2d"), an HTTP date, seconds or milliseconds
/// since 1970. What lies in the past is zero.
#[must_use]
pub fn span(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Some(number) = decimal(text) {
        return number_span(number, now);
    }
    duration(text).or_else(|| {
        let when = httpdate::parse_http_date(text).ok().or_else(|| rfc_3339(text))?;
        Some(when.duration_since(now).unwrap_or_default())
    })
}

/// A point in time as Anthropic writes it: "2026-03-14T10:00:00Z". Whole
/// seconds; what is behind them is rounded up.
fn rfc_3339(text: &str) -> Option<SystemTime> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, by: char| -> Option<[u64; 3]> {
        let parts: Vec<u64> = text
            .split(by)
            .map(|part| part.parse().ok())
            .collect::<Option<_>>()?;
        parts.try_into().ok()
    };
    let (whole, fraction) = time.split_once('.').unwrap_or((time, ""));
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(whole, ':')?;
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days since 1970, with years that begin in March so that the leap day is the last.
    let (shifted_year, shifted_month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * shifted_year + shifted_year / 4 - shifted_year / 100
        + shifted_year / 400
        + (153 * shifted_month + 2) / 5
        + day;
    let days = days.checked_sub(719_469)?;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second + u64::from(!fraction.is_empty());
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// A bare number: seconds, or a point in time when it is too large for that.
fn number_span(number: f64, now: SystemTime) -> Option<Duration> {
    const YEAR_2001_SECONDS: f64 = 1e9;
    const YEAR_2001_MS: f64 = 1e12;
    let since_1970 = if number >= YEAR_2001_MS {
        seconds_unlimited(number / 1000.0)?
    } else if number >= YEAR_2001_SECONDS {
        seconds_unlimited(number)?
    } else {
        return seconds(number);
    };
    let when = SystemTime::UNIX_EPOCH.checked_add(since_1970)?;
    let left = when.duration_since(now).unwrap_or_default();
    (left <= LONGEST).then_some(left)
}

/// Numbers with units in a row: "1h2m3.5s", "250ms".
fn duration(text: &str) -> Option<Duration> {
    let mut total = 0.0f64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_end);
        total += decimal(number)? * unit_seconds(unit.trim())?;
        rest = next;
    }
    if text.is_empty() { None } else { seconds(total) }
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" | "sec" | "second" | "seconds" => 1.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    })
}

/// A plain decimal number; not "1e9", not "inf".
fn decimal(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if plain { text.parse().ok() } else { None }
}

fn seconds(number: f64) -> Option<Duration> {
    seconds_unlimited(number).filter(|span| *span <= LONGEST)
}

fn seconds_unlimited(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok()
}

/// The delay a provider writes into its sentence or its details: "Please try
/// again in 1.2s", `"retryDelay": "34s"`.
#[must_use]
pub fn delay_in_text(text: &str) -> Option<Duration> {
    [
        "try again in ",
        "retry in ",
        "retry after ",
        "retryDelay\":\"",
        "retryDelay\": \"",
    ]
    .iter()
    .find_map(|lead| {
        let at = text.find(lead)? + lead.len();
        leading_duration(text.get(at..)?)
    })
}

/// The duration a text begins with: "6m0s. Visit …", "20 seconds".
fn leading_duration(text: &str) -> Option<Duration> {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == ' '))
        .unwrap_or(text.len());
    let words = text.get(..end)?.trim_end_matches(['.', ' ']);
    let first = words.split(' ').next()?.trim_end_matches('.');
    let unit = words.split(' ').nth(1).unwrap_or_default().trim_end_matches('.');
    duration(first).or_else(|| seconds(decimal(first)? * unit_seconds(unit).unwrap_or(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn spans_are_read_in_every_form() {
        let now = at(784_111_770); // Sun, 06 Nov 1994 08:49:30 GMT
        let cases = [
            ("30", Some(30_000)),
            ("1.5", Some(1500)),
            ("0", Some(0)),
            ("12ms", Some(12)),
            ("1s", Some(1000)),
            ("6m0s", Some(360_000)),
            ("1h2m3.5s", Some(3_723_500)),
            ("2d", Some(172_800_000)),
            ("2m59.56s", Some(179_560)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7000)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(7000)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("1994-11-06T08:49:37Z", Some(7000)),
            ("1994-11-06T08:49:36.2Z", Some(7000)),
            ("1994-13-06T08:49:37Z", None),
            ("", None),
            ("-1", None),
            ("soon", None),
            ("1x", None),
            ("inf", None),
            ("1e3", None),
            ("99999999999999999999999", None),
            (".", None),
        ];
        for (text, ms) in cases {
            assert_eq!(span(text, now), ms.map(Duration::from_millis), "{text:?}");
        }
    }

    #[test]
    fn large_numbers_are_points_in_time() {
        let now = at(1_800_000_000);
        assert_eq!(span("1800000042", now), Some(Duration::from_secs(42)));
        assert_eq!(span("1800000042000", now), Some(Duration::from_secs(42)));
        assert_eq!(span("1700000000", now), Some(Duration::ZERO));
    }

    #[test]
    fn the_most_exact_retry_after_wins() {
        let headers = |pairs: &'static [(&'static str, &'static str)]| {
            move |name: &str| {
                pairs
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| *value)
            }
        };
        let now = at(784_111_770);
        let both = headers(&[("retry-after-ms", "1250"), ("retry-after", "2")]);
        assert_eq!(
            Signals::from_headers(both, now).retry_after,
            Some(Duration::from_millis(1250))
        );
        let date = headers(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]);
        assert_eq!(
            Signals::from_headers(date, now).retry_after,
            Some(Duration::from_secs(7))
        );
        let broken = headers(&[("retry-after-ms", "-5"), ("retry-after", "3")]);
        assert_eq!(
            Signals::from_headers(broken, now).retry_after,
            Some(Duration::from_secs(3))
        );
    }

    #[test]
    fn limits_are_read_and_unknown_ones_left_out() {
        let pairs = [
            ("x-ratelimit-limit-requests", "500"),
            ("x-ratelimit-remaining-requests", "-1"),
            ("x-ratelimit-reset-requests", "120ms"),
            ("x-ratelimit-limit-tokens", "200000"),
            ("x-ratelimit-remaining-tokens", "199000"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ];
        let header = |name: &str| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| *value)
        };
        let signals = Signals::from_headers(header, at(0));
        assert_eq!(
            signals,
            Signals {
                requests_limit: Some(500),
                requests_remaining: None,
                requests_reset: Some(Duration::from_millis(120)),
                tokens_limit: Some(200_000),
                tokens_remaining: Some(199_000),
                tokens_reset: Some(Duration::from_secs(360)),
                retry_after: None,
            }
        );
        assert_eq!(signals.without_requests().requests_limit, None);
    }

    #[test]
    fn delays_are_found_in_sentences() {
        let cases = [
            (
                "Rate limit reached. Please try again in 1.2s. Visit the page.",
                Some(1200),
            ),
            ("Please try again in 6m0s.", Some(360_000)),
            ("Please try again in 20ms", Some(20)),
            ("Please retry after 20 seconds.", Some(20_000)),
            ("Please retry in 34.074824224s.", Some(34_074)),
            (r#"{"retryDelay": "34s"}"#, Some(34_000)),
            ("Please try again later", None),
            ("try again in ", None),
        ];
        for (text, ms) in cases {
            let found = delay_in_text(text).map(|delay| delay.as_millis());
            assert_eq!(found, ms, "{text:?}");
        }
    }
}
