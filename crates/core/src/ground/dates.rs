//! Dates as they are printed: the year is looked for, then its neighbours must be
//! the month and the day, in any order, as numbers or names.

use crate::ground::index::{FoldedText, Place};

/// A date as ISO 8601 writes it; without a day, a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date {
    year: u16,
    month: u8,
    day: Option<u8>,
}

impl Date {
    /// Reads `2024-03-05`, `2024-03-05T…` and `2024-03`.
    pub(super) fn of(text: &str) -> Option<Self> {
        let date = text.get(..10).filter(|_| text.len() >= 10).unwrap_or(text);
        let mut parts = date.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next());
        let number = |part: &str, length: usize| {
            (part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| part.parse::<u16>().ok())
                .flatten()
        };
        let rest = text.get(date.len()..).unwrap_or_default();
        if parts.next().is_some() || !(rest.is_empty() || rest.starts_with(['T', ' '])) {
            return None;
        }
        let month = u8::try_from(number(month, 2)?)
            .ok()
            .filter(|month| (1..=12).contains(month))?;
        let day = match day {
            Some(day) => Some(
                u8::try_from(number(day, 2)?)
                    .ok()
                    .filter(|day| (1..=31).contains(day))?,
            ),
            None => None,
        };
        Some(Self {
            year: number(year, 4)?,
            month,
            day,
        })
    }

    /// Every place where the date is printed, in any form.
    pub(super) fn find(self, page: usize, folded: &FoldedText, found: &mut Vec<Place>) {
        let year = format!(" {:04} ", self.year);
        self.around_year(page, folded, year.as_bytes(), found);
        if let Some(day) = self.day {
            let short = format!(" {:02} ", self.year % 100);
            self.around_year(page, folded, short.as_bytes(), found);
            self.without_marks(page, folded, day, found);
        }
    }

    fn around_year(self, page: usize, folded: &FoldedText, year: &[u8], found: &mut Vec<Place>) {
        for at in overlapping(&folded.bytes, year) {
            let Some(token) = folded.tokens_in(at + 1, at + 2).next() else {
                continue;
            };
            let range = self.before(folded, token).or_else(|| self.after(folded, token));
            if let Some((first, last)) = range
                && let (Some(first), Some(last)) = (folded.tokens.get(first), folded.tokens.get(last))
                // Words far apart are not one date.
                && last.end - first.start <= 40
            {
                found.push(Place {
                    page,
                    start: first.start as usize,
                    end: last.end as usize,
                    rank: 2,
                });
            }
        }
    }

    /// `5 March 2024`, `March 5th, 2024`, `05.03.24`, `5 de marzo de 2024`.
    fn before(self, folded: &FoldedText, year: usize) -> Option<(usize, usize)> {
        let mut words = (year.saturating_sub(6)..year)
            .rev()
            .filter(|index| !is_filler(folded.word(*index)));
        let near = words.next()?;
        if self.day.is_none() {
            return self.is_month(folded.word(near)).then_some((near, year));
        }
        let far = words.next()?;
        self.day_and_month(folded.word(far), folded.word(near))
            .then_some((far, year))
    }

    /// `2024-03-05`, `2024 March 5`, `2024年3月5日`.
    fn after(self, folded: &FoldedText, year: usize) -> Option<(usize, usize)> {
        let mut words = (year + 1..year + 6).filter(|index| !is_filler(folded.word(*index)));
        let near = words.next()?;
        if self.day.is_none() {
            return self.is_month(folded.word(near)).then_some((year, near));
        }
        let far = words.next()?;
        self.day_and_month(folded.word(far), folded.word(near))
            .then_some((year, far))
    }

    fn day_and_month(self, one: &[u8], other: &[u8]) -> bool {
        (self.is_day(one) && self.is_month(other)) || (self.is_month(one) && self.is_day(other))
    }

    fn is_day(self, word: &[u8]) -> bool {
        self.day.is_some() && small_number(word) == self.day
    }

    fn is_month(self, word: &[u8]) -> bool {
        small_number(word).or_else(|| month_named(word)) == Some(self.month)
    }

    /// `20240305`, `05032024`.
    fn without_marks(self, page: usize, folded: &FoldedText, day: u8, found: &mut Vec<Place>) {
        let (year, month) = (self.year, self.month);
        for digits in [
            format!(" {year:04}{month:02}{day:02} "),
            format!(" {day:02}{month:02}{year:04} "),
            format!(" {month:02}{day:02}{year:04} "),
        ] {
            for at in memchr::memmem::find_iter(&folded.bytes, digits.as_bytes()) {
                if let Some(token) = folded
                    .tokens_in(at + 1, at + 2)
                    .next()
                    .and_then(|index| folded.tokens.get(index))
                {
                    found.push(Place {
                        page,
                        start: token.start as usize,
                        end: token.end as usize,
                        rank: 2,
                    });
                }
            }
        }
    }
}

/// Words between the parts of a date.
fn is_filler(word: &[u8]) -> bool {
    matches!(
        word,
        b"of"
            | b"de"
            | b"del"
            | b"di"
            | b"du"
            | b"the"
            | b"den"
            | b"le"
            | b"el"
            | b"st"
            | b"nd"
            | b"rd"
            | b"th"
            | b"er"
            | b"day"
    ) || matches!(std::str::from_utf8(word), Ok("年" | "月" | "日"))
}

fn small_number(word: &[u8]) -> Option<u8> {
    match word {
        [digit @ b'0'..=b'9'] => Some(digit - b'0'),
        [tens @ b'0'..=b'9', digit @ b'0'..=b'9'] => Some((tens - b'0') * 10 + (digit - b'0')),
        _ => None,
    }
}

/// Names and short names of the months, folded.
fn month_named(word: &[u8]) -> Option<u8> {
    let month = match std::str::from_utf8(word).ok()? {
        "january" | "jan" | "januar" | "janner" | "janvier" | "janv" | "enero" | "ene" | "gennaio"
        | "gen" | "januari" | "janeiro" => 1,
        "february" | "feb" | "februar" | "feber" | "fevrier" | "fevr" | "fev" | "febrero" | "febbraio"
        | "februari" | "fevereiro" => 2,
        "march" | "mar" | "marz" | "maerz" | "mrz" | "mars" | "marzo" | "maart" | "mrt" | "marco" => 3,
        "april" | "apr" | "avril" | "avr" | "abril" | "abr" | "aprile" => 4,
        "may" | "mai" | "mayo" | "maggio" | "mag" | "mei" | "maio" => 5,
        "june" | "jun" | "juni" | "juin" | "junio" | "giugno" | "giu" | "junho" => 6,
        "july" | "jul" | "juli" | "juillet" | "juil" | "julio" | "luglio" | "lug" | "julho" => 7,
        "august" | "aug" | "aout" | "agosto" | "ago" | "augustus" => 8,
        "september" | "sep" | "sept" | "septembre" | "septiembre" | "settembre" | "set" | "setembro" => 9,
        "october" | "oct" | "oktober" | "okt" | "octobre" | "octubre" | "ottobre" | "ott" | "outubro"
        | "out" => 10,
        "november" | "nov" | "novembre" | "noviembre" | "novembro" => 11,
        "december" | "dec" | "dezember" | "dez" | "decembre" | "diciembre" | "dic" | "dicembre"
        | "dezembro" => 12,
        _ => return None,
    };
    Some(month)
}

/// Where `word` stands; neighbours may share the blank between them (" 12 12 ").
fn overlapping<'t>(text: &'t [u8], word: &'t [u8]) -> impl Iterator<Item = usize> + 't {
    let finder = memchr::memmem::Finder::new(word);
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + finder.find(text.get(from..)?)?;
        from = at + 1;
        Some(at)
    })
}
