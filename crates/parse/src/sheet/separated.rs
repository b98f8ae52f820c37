//! Separated values: CSV and its relatives.

use crate::detect::Format;
use crate::encoding;
use crate::limits;
use crate::outcome::Outcome;
use crate::table::Table;

/// Reads separated values.
pub(crate) fn separated(content: &[u8], format: Format) -> Outcome {
    let decoded = encoding::decode(content, None);
    let text = decoded.text.trim_start_matches('\u{feff}');
    let (declared, text) = declared_delimiter(text);
    let delimiter = declared.unwrap_or_else(|| match format {
        Format::Tsv => b'\t',
        _ => best_delimiter(text).unwrap_or(b','),
    });
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut outcome = Outcome::default();
    let mut table = Table::new();
    let mut cells = 0_usize;
    for record in reader.records() {
        match record {
            Ok(record) => {
                cells += record.len();
                table.push(record.iter().map(str::to_owned));
            }
            Err(error) => outcome.missing(format!("A row could not be read: {error}.")),
        }
        if cells > limits::SHEET_CELLS {
            outcome.limit(format!(
                "Only the first {} rows were read: at most {} values are read of one file. Split it to have all of them.",
                table.len(),
                limits::SHEET_CELLS
            ));
            break;
        }
    }
    outcome.push(None, table.markdown());
    if let Some(doubt) = decoded.doubt {
        outcome.doubt(doubt);
    }
    outcome
}

/// Excel writes `sep=;` as a first line to say which it is.
fn declared_delimiter(text: &str) -> (Option<u8>, &str) {
    let Some(rest) = text.strip_prefix("sep=") else {
        return (None, text);
    };
    let mut bytes = rest.bytes();
    match (bytes.next(), rest.find('\n')) {
        (Some(delimiter), Some(end)) if delimiter.is_ascii() && end <= 3 => {
            (Some(delimiter), &rest[end + 1..])
        }
        _ => (None, text),
    }
}

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The delimiter that splits the first lines most evenly, if any splits them at all.
fn best_delimiter(text: &str) -> Option<u8> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(20)
        .collect();
    let score = |delimiter: u8| {
        let counts: Vec<usize> = lines.iter().map(|line| outside_quotes(line, delimiter)).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        let like_the_most = counts.iter().filter(|count| **count == most && most > 0).count();
        (like_the_most, most)
    };
    let best = DELIMITERS.into_iter().max_by_key(|delimiter| score(*delimiter))?;
    (score(best).1 > 0).then_some(best)
}

fn outside_quotes(line: &str, delimiter: u8) -> usize {
    let mut quoted = false;
    line.bytes()
        .filter(|byte| {
            quoted ^= *byte == b'"';
            !quoted && *byte == delimiter
        })
        .count()
}

/// Whether an unnamed text is separated values: at least three lines, nearly all
/// with the same number of the same delimiter. Commas also stand in prose, so they
/// need more of both.
pub(crate) fn looks_separated(head: &str) -> Option<Format> {
    let lines: Vec<&str> = head
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(20)
        .collect();
    // The last line of a head may be cut.
    let lines = if lines.len() > 3 {
        &lines[..lines.len() - 1]
    } else {
        &lines[..]
    };
    if lines.len() < 3 {
        return None;
    }
    for (delimiter, least) in [(b'\t', 1), (b';', 1), (b'|', 2), (b',', 2)] {
        let first = outside_quotes(lines[0], delimiter);
        let alike = lines
            .iter()
            .filter(|line| outside_quotes(line, delimiter) == first)
            .count();
        if first >= least && alike * 10 >= lines.len() * 9 {
            return Some(if delimiter == b'\t' {
                Format::Tsv
            } else {
                Format::Csv
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_found() {
        let text = |content: &str| separated(content.as_bytes(), Format::Csv).pages[0].text.clone();
        assert_eq!(
            text("a;b\n\"1,5\";2\n"),
            "| a | b |\n| --- | --- |\n| 1,5 | 2 |\n"
        );
        assert_eq!(text("sep=|\na|b\n1|2\n"), "| a | b |\n| --- | --- |\n| 1 | 2 |\n");
        assert_eq!(
            text("a,b\n1\n1,2,3\n"),
            "| a | b |  |\n| --- | --- | --- |\n| 1 |  |  |\n| 1 | 2 | 3 |\n"
        );
    }

    #[test]
    fn prose_is_not_a_table() {
        assert_eq!(
            looks_separated("Dear all, please note, that\nwe meet, on Monday\nYours, A.\nP.S., bring it\n"),
            None
        );
    }
}
