//! Who issued a document, and where they are: what stands at the top of its first page.

use super::lines::{Found, Line};

/// Words that end the names of companies, in several languages.
pub(super) const SUFFIXES: &[&str] = &[
    "sdn bhd",
    "sdn. bhd.",
    "sdn.bhd",
    "bhd",
    "gmbh",
    "gmbh & co. kg",
    "ag",
    "kg",
    "ohg",
    "ug",
    "e.k.",
    "ltd",
    "limited",
    "llc",
    "llp",
    "inc",
    "inc.",
    "incorporated",
    "corp",
    "corp.",
    "corporation",
    "company",
    "co.",
    "plc",
    "s.a.",
    "sa",
    "sarl",
    "sas",
    "s.a.r.l.",
    "bv",
    "b.v.",
    "nv",
    "srl",
    "s.p.a.",
    "spa",
    "oy",
    "ab",
    "aps",
    "pty",
    "enterprise",
    "enterprises",
    "trading",
    "restaurant",
    "hotel",
    "store",
    "mart",
    "supermarket",
    "cafe",
    "bakery",
];

/// Words that no name of a company stands beside at the top of a document.
const NOT_A_NAME: &[&str] = &[
    "invoice",
    "receipt",
    "tax",
    "rechnung",
    "facture",
    "date",
    "datum",
    "tel",
    "fax",
    "page",
    "cash",
    "bill",
    "copy",
    "no.",
    "gst",
    "reg",
    "welcome",
    "thank",
    "www",
    "http",
    "order",
    "table",
    "cashier",
    "member",
    "customer",
    "original",
    "duplicate",
    "seite",
    "kunde",
    "avoir",
    "gutschrift",
    "quittung",
    "statement",
];

/// Words of addresses.
const STREET: &[&str] = &[
    "jalan",
    "jln",
    "lot",
    "no.",
    "no",
    "taman",
    "street",
    "st",
    "road",
    "rd",
    "avenue",
    "ave",
    "lane",
    "drive",
    "blvd",
    "suite",
    "floor",
    "level",
    "straße",
    "strasse",
    "str",
    "weg",
    "platz",
    "allee",
    "rue",
    "place",
    "quai",
    "boulevard",
    "bandar",
    "kampung",
    "persiaran",
    "lorong",
    "square",
    "p.o",
    "box",
    "jaya",
    "selangor",
    "johor",
    "kuala",
];

/// Words that begin what follows the address.
const AFTER_ADDRESS: &[&str] = &[
    "tel", "phone", "fax", "email", "e-mail", "www", "gst", "reg", "co.", "invoice", "receipt", "tax",
    "date", "datum", "bill", "cashier", "table", "order", "steuer", "ust", "siret", "tva", "vat", "hp",
    "customer", "rechnung", "facture", "doc", "member",
];

/// The name of the business that issued it.
pub(super) fn company(lines: &[Line]) -> Option<Found<String>> {
    let head = || {
        lines
            .iter()
            .take_while(|line| line.page == lines[0].page)
            .take(14)
    };
    let named = head()
        .take(10)
        .find(|line| line.letters() >= 4 && ends_in_suffix(line) && !says(line, &["thank"]));
    let chosen = named.or_else(|| {
        head()
            .find(|line| line.letters() >= 4 && line.letters() > line.digits() * 2 && !says(line, NOT_A_NAME))
    })?;
    let name = name_of(&chosen.text);
    (!name.is_empty()).then(|| Found::new(name.to_owned(), chosen, name))
}

/// Without what is printed beside the name: a registration number in brackets, a second column.
fn name_of(text: &str) -> &str {
    let column = text
        .split("   ")
        .find(|part| part.chars().any(char::is_alphabetic))
        .unwrap_or(text);
    let end = column
        .match_indices('(')
        .find(|(at, _)| column[*at..].chars().filter(char::is_ascii_digit).count() >= 4)
        .map_or(column.len(), |(at, _)| at);
    column[..end].trim_matches(|c: char| c.is_whitespace() || "|*-_~=:,;'\"`#".contains(c))
}

fn ends_in_suffix(line: &Line) -> bool {
    let folded: String = line.folded.iter().collect();
    let words: Vec<&str> = folded.split_whitespace().collect();
    if words.len() < 2 {
        return false;
    }
    SUFFIXES
        .iter()
        .any(|suffix| line.find(suffix).is_some_and(|(start, _)| start > 0))
        && !says(line, &["invoice to", "bill to"])
}

fn says(line: &Line, words: &[&str]) -> bool {
    words.iter().any(|word| line.find(word).is_some())
}

/// The address of the business: the lines below its name, as far as they look like one.
pub(super) fn address(lines: &[Line]) -> Option<Found<String>> {
    let company = company(lines);
    let start = company
        .as_ref()
        .and_then(|company| lines.iter().position(|line| line.text.contains(&company.quote)))
        .map_or(0, |at| at + 1);
    let mut parts: Vec<&Line> = Vec::new();
    for line in lines.iter().skip(start).take(10) {
        let street = looks_like_address(line);
        if parts.is_empty() {
            if street && !says(line, &["tel", "fax", "phone"]) {
                parts.push(line);
            }
            continue;
        }
        let other = AFTER_ADDRESS
            .iter()
            .any(|word| line.find(word).is_some_and(|(start, _)| start < 4));
        if other
            || parts.len() >= 5
            || (line.letters() < 3 && line.digits() < 4)
            || (!street && ends_address(&parts))
        {
            break;
        }
        parts.push(line);
    }
    let first = parts.first()?;
    let value = parts
        .iter()
        .map(|line| line.text.trim().trim_end_matches([',', '.']))
        .collect::<Vec<_>>()
        .join(", ");
    Some(Found {
        value,
        page: first.page,
        quote: parts
            .iter()
            .map(|line| line.text.as_str())
            .collect::<Vec<_>>()
            .join("\n"),
    })
}

fn looks_like_address(line: &Line) -> bool {
    let street = says(line, STREET);
    let postcode = line
        .text
        .split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() == 5)
        && line.letters() >= 3;
    let numbered = line.text.contains(',') && line.digits() > 0 && line.letters() > line.digits();
    street && line.digits() > 0 || postcode || numbered
}

/// A post code with its town ends an address in most countries.
fn ends_address(parts: &[&Line]) -> bool {
    parts.last().is_some_and(|line| {
        line.text
            .split(|c: char| !c.is_ascii_digit())
            .any(|digits| digits.len() == 5)
    })
}

/// The document's own title: the first line that reads like one.
pub(super) fn title(lines: &[Line]) -> Option<Found<String>> {
    let line = lines.iter().take(15).find(|line| {
        let words = line.text.split_whitespace().count();
        line.letters() >= 5
            && words <= 14
            && line.letters() > line.digits() * 3
            && !line.text.ends_with([';', ','])
    })?;
    let text = line.text.trim_start_matches(['#', ' ']).trim();
    Some(Found::new(text.to_owned(), line, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Line> {
        text.lines().map(|line| Line::new(1, line)).collect()
    }

    #[test]
    fn names_and_addresses_are_found_at_the_top() {
        let lines = lines(
            "TAX INVOICE\nBLUE HERON TRADING SDN BHD (123456-X)\n12, Jalan Mawar 3\n81100 Johor Bahru\nTel: 07-1234567\n",
        );
        assert_eq!(company(&lines).unwrap().value, "BLUE HERON TRADING SDN BHD");
        assert_eq!(
            address(&lines).unwrap().value,
            "12, Jalan Mawar 3, 81100 Johor Bahru"
        );
    }

    #[test]
    fn a_name_without_suffix_is_the_first_line_that_can_be_one() {
        assert_eq!(
            company(&lines("***\nCorner Cafe\n14 Mill Street\n"))
                .unwrap()
                .value,
            "Corner Cafe"
        );
    }
}
