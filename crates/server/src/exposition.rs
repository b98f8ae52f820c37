//! The text format of Prometheus, version 0.0.4: a family has one name, one help and one kind, its
//! samples stand together, and a label's value cannot end the line it stands on.

use std::fmt::{Display, Write as _};

/// What a family's samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only grows, until the process or the database begins anew. Its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by upper ends.
    Histogram,
}

/// A text that grows family by family.
#[derive(Debug, Default)]
pub(crate) struct Exposition(String);

impl Exposition {
    /// Begins a family; its samples follow.
    pub(crate) fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let word = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {word}");
        Family {
            text: &mut self.0,
            name,
        }
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

/// A family that is being written.
pub(crate) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Family<'_> {
    /// A sample with these labels.
    pub(crate) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.line("", labels, value);
    }

    /// A histogram: how many were at most each end, in the unit of the ends; all; their sum.
    pub(crate) fn histogram(
        &mut self,
        labels: &[(&str, &str)],
        buckets: &[(f64, u64)],
        count: u64,
        sum: f64,
    ) {
        let mut so_far = 0;
        for (end, here) in buckets {
            so_far += here;
            let end = end.to_string();
            self.line("_bucket", &[labels, &[("le", &end)]].concat(), so_far);
        }
        self.line("_bucket", &[labels, &[("le", "+Inf")]].concat(), count);
        self.line("_sum", labels, sum);
        self.line("_count", labels, count);
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let Self { text, name } = self;
        let _ = write!(text, "{name}{suffix}");
        for (at, (label, said)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            let _ = write!(text, "{before}{label}=\"{}\"", escaped(said));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(text, "{end} {value}");
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_inside_its_quotes_and_a_histogram_adds_up() {
        let mut text = Exposition::default();
        text.family("docmill_a", Kind::Gauge, "A thing.")
            .sample(&[("name", "x\"} 1\ny \\")], 2.5);
        text.family("docmill_b_seconds", Kind::Histogram, "Another.")
            .histogram(&[("m", "z")], &[(0.05, 1), (0.1, 2)], 4, 7.5);
        assert_eq!(
            text.finish(),
            "# HELP docmill_a A thing.\n# TYPE docmill_a gauge\ndocmill_a{name=\"x\\\"} 1\\ny \\\\\"} 2.5\n\
             # HELP docmill_b_seconds Another.\n# TYPE docmill_b_seconds histogram\n\
             docmill_b_seconds_bucket{m=\"z\",le=\"0.05\"} 1\n\
             docmill_b_seconds_bucket{m=\"z\",le=\"0.1\"} 3\n\
             docmill_b_seconds_bucket{m=\"z\",le=\"+Inf\"} 4\n\
             docmill_b_seconds_sum{m=\"z\"} 7.5\ndocmill_b_seconds_count{m=\"z\"} 4\n"
        );
    }
}
