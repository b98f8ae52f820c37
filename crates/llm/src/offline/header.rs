//! Who issued a document, and where they are: what stands at the top of its first page.

use super::ids;
use super::lines::{Cell, Found, Line};

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
    "a.g.",
    "e.v.",
    "eg",
    "se",
    "s/b",
    "pvt. ltd.",
    "private limited",
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
    "account",
    "number",
    "rooms",
    "rate",
    "amount",
    "description",
    "summary",
    "details",
    "payment",
    "total",
    "qty",
    "quantity",
    "price",
    "email",
    "phone",
    "terms",
    "attn",
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

/// How names of streets end where they are one word.
const STREET_ENDINGS: &[&str] = &[
    "straße", "strasse", "str", "weg", "platz", "gasse", "allee", "straat", "laan", "plein",
];

/// Words that begin what follows the address.
const AFTER_ADDRESS: &[&str] = &[
    "tel", "phone", "fax", "email", "e-mail", "www", "gst", "reg", "co.", "invoice", "receipt", "tax",
    "date", "datum", "bill", "cashier", "table", "order", "steuer", "ust", "siret", "tva", "vat", "hp",
    "customer", "rechnung", "facture", "doc", "member",
];

/// Lines at the head of the first page among which the name is looked for.
const HEAD: usize = 24;

/// Lines at its foot, where companies print who they are.
const FOOT: usize = 10;

/// Cells of a line that are looked at: a head has few, a table without end has thousands.
const CELLS: usize = 12;

/// Lines that are asked whether they speak of a name, too.
const NEAR: usize = 1000;

/// Words that stand before or above whom a document is for.
const ADDRESSEE: &[&str] = &[
    "attn",
    "attention",
    "bill to",
    "billed to",
    "ship to",
    "sold to",
    "deliver to",
    "invoice to",
    "customer",
    "client",
    "buyer",
    "recipient",
    "guest",
    "an",
    "herrn",
    "herr",
    "frau",
    "kunde",
    "käufer",
    "rechnungsempfänger",
    "lieferadresse",
    "rechnungsadresse",
    "destinataire",
    "acheteur",
    "facturé à",
    "livré à",
];

/// The name of the business that issued it: of the names at the head of the first page the one
/// for which most speaks.
pub(super) fn company(lines: &[Line]) -> Option<Found<String>> {
    let page = lines.first()?.page;
    let first = lines.iter().take_while(|line| line.page == page).count();
    let head = || {
        lines[..first]
            .iter()
            .enumerate()
            .filter(|(index, _)| *index < HEAD || index + FOOT >= first)
    };
    let mut heights: Vec<f32> = head()
        .flat_map(|(_, line)| line.cells.iter().map(|cell| cell.height))
        .collect();
    heights.sort_by(f32::total_cmp);
    let usual = heights.get(heights.len() / 2).copied().unwrap_or(1.0);
    let sites = sites(lines);
    let mut best: Option<(i32, Found<String>)> = None;
    for (index, line) in head() {
        for cell in line.cells.iter().take(CELLS) {
            let name = name_of(line.said(cell));
            let Some(score) = score(lines, index, cell, name, &sites) else {
                continue;
            };
            let score = score + if cell.height > usual * 1.4 { 15 } else { 0 };
            if best.as_ref().is_none_or(|(known, _)| score > *known) {
                let whole = with_its_form(lines, line, cell, name);
                best = Some((score, Found::new(spelled(&whole), line, name)));
            }
        }
    }
    best.filter(|(score, _)| *score > 0).map(|(_, found)| found)
}

/// A name with what of it stands on the line above or below: long names are broken before their
/// legal form.
pub(super) fn with_its_form(lines: &[Line], line: &Line, cell: &Cell, name: &str) -> String {
    let Some(index) = lines.iter().position(|other| std::ptr::eq(other, line)) else {
        return name.to_owned();
    };
    let near = |index: Option<usize>| {
        let other = lines.get(index?).filter(|other| other.page == line.page)?;
        Some(name_of(other.said(other.in_column(cell)?)))
    };
    let said = Line::new(1, name);
    let is_part = |part: &&str| {
        let part_line = Line::new(1, part);
        part_line.letters() >= 4
            && !says(&part_line, NOT_A_NAME)
            && !is_address(&part_line)
            && !part.contains([':', '@'])
    };
    if !ends_in_suffix(&said) {
        let below =
            near(Some(index + 1)).filter(|below| is_part(below) && ends_in_suffix(&Line::new(1, below)));
        return below.map_or_else(|| name.to_owned(), |below| format!("{name} {below}"));
    }
    // One word and a form are rarely a whole name.
    let words = name
        .split_whitespace()
        .filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 3);
    let above = near(index.checked_sub(1)).filter(|above| words.count() <= 1 && is_part(above));
    above.map_or_else(|| name.to_owned(), |above| format!("{above} {name}"))
}

/// What speaks for a name that stands in a cell of a line, and against it; `None`: it is no name.
fn score(lines: &[Line], index: usize, cell: &Cell, name: &str, sites: &[String]) -> Option<i32> {
    let said = Line::new(1, name);
    if said.letters() < 4 || said.letters() <= said.digits() * 2 || name.contains('@') {
        return None;
    }
    let compact: String = said.folded.iter().filter(|c| c.is_alphanumeric()).collect();
    let has_form = ends_in_suffix(&said) && !says(&said, &["thank", "invoice to", "bill to"]);
    let has_site = sites
        .iter()
        .any(|site| site.len() >= 4 && (compact.contains(site) || site.contains(&compact)));
    let is_repeated = lines
        .iter()
        .skip(index + 1)
        .take(NEAR)
        .any(|line| line.text.contains(name));
    let above = index.checked_sub(1).and_then(|above| lines.get(above));
    let above = above.and_then(|above| Some(Line::new(1, above.said(above.in_column(cell)?))));
    let begins = |line: &Line| {
        ADDRESSEE
            .iter()
            .any(|word| line.find(word).is_some_and(|(at, _)| at == 0))
    };
    let is_addressee = begins(&said) || above.as_ref().is_some_and(begins);
    let place = (30 - i32::try_from(index).unwrap_or(30) * 2).max(-5);
    let parts = [
        (has_form, 45),
        (has_site, 30),
        (is_repeated, 10),
        (is_addressee, -60),
        (says(&said, NOT_A_NAME), -45),
        (is_address(&said), -50),
        (name.contains(':'), -30),
        (name.chars().count() > 60, -20),
        (name.chars().next().is_some_and(char::is_lowercase), -12),
    ];
    Some(
        place
            + parts
                .iter()
                .filter(|(speaks, _)| *speaks)
                .map(|(_, weight)| weight)
                .sum::<i32>(),
    )
}

/// The names of sites and mail servers that the document speaks of, without their endings.
fn sites(lines: &[Line]) -> Vec<String> {
    let mut sites = Vec::new();
    for line in lines.iter().take(NEAR) {
        let found = [
            ids::first(&ids::EMAIL, &line.text),
            ids::first(&ids::URL, &line.text),
        ];
        for site in found.into_iter().flatten() {
            let site = site.rsplit('@').next().unwrap_or(site).to_lowercase();
            let site = site.trim_start_matches("https://").trim_start_matches("http://");
            let host = site
                .trim_start_matches("www.")
                .split(['/', '?'])
                .next()
                .unwrap_or_default();
            let name = host.rsplit('.').nth(1).unwrap_or_default();
            let name: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
            // Mail of everybody says nothing.
            if !["gmail", "hotmail", "yahoo", "outlook", "gmx", "web", "com", "co"].contains(&name.as_str()) {
                sites.push(name);
            }
        }
    }
    sites
}

/// A name with its legal form as it is written where text recognition read it nearly right.
fn spelled(name: &str) -> String {
    let mut name = name.to_owned();
    for (read, meant) in [
        ("SON BHD", "SDN BHD"),
        ("SON. BHD", "SDN. BHD"),
        ("SDN BIID", "SDN BHD"),
        ("5/B", "S/B"),
    ] {
        if name.ends_with(read) {
            name.replace_range(name.len() - read.len().., meant);
        }
    }
    name
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

/// Words of lines between the name and the address: numbers of the company.
const NOT_AN_ADDRESS: &[&str] = &[
    "tel",
    "fax",
    "phone",
    "reg no",
    "reg. no",
    "registration",
    "company no",
    "co. no",
    "co no",
    "co. reg",
    "gst",
    "gst id",
    "gst no",
    "roc",
    "vat",
    "ust",
];

/// The address of the business: the lines below its name, as far as they look like one.
pub(super) fn address(lines: &[Line]) -> Option<Found<String>> {
    let company = company(lines);
    let start = company
        .as_ref()
        .and_then(|company| lines.iter().position(|line| line.text.contains(&company.quote)))
        .map_or(0, |at| at + 1);
    let mut parts: Vec<&Line> = Vec::new();
    for line in lines.iter().skip(start).take(10) {
        let street = is_address(line);
        if parts.is_empty() {
            if street && !says(line, NOT_AN_ADDRESS) {
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
            || (!street && ends_address(&parts) && !is_region(line))
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

/// Whether a line reads like a part of an address.
pub(super) fn is_address(line: &Line) -> bool {
    let street = says(line, STREET)
        || line.text.split_whitespace().any(|word| {
            let word = word.trim_end_matches(['.', ',']).to_lowercase();
            STREET_ENDINGS.iter().any(|ending| word.ends_with(ending))
        });
    let postcode = line
        .text
        .split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() == 5)
        && line.letters() >= 3;
    let numbered = line.text.contains(',') && line.digits() > 0 && line.letters() > line.digits();
    street && line.digits() > 0 || postcode || numbered
}

/// A line that only names a state or country, below the post code.
fn is_region(line: &Line) -> bool {
    let words = line.text.split_whitespace().count();
    words <= 3 && line.digits() == 0 && says(line, REGIONS)
}

/// States and countries.
const REGIONS: &[&str] = &[
    "johor",
    "selangor",
    "malaysia",
    "kuala lumpur",
    "penang",
    "perak",
    "melaka",
    "kedah",
    "pahang",
    "sabah",
    "sarawak",
    "darul ehsan",
    "singapore",
    "deutschland",
    "germany",
    "österreich",
    "austria",
    "schweiz",
    "switzerland",
    "france",
    "italia",
    "italy",
    "españa",
    "spain",
    "nederland",
    "netherlands",
    "united kingdom",
    "england",
    "ireland",
    "usa",
];

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
