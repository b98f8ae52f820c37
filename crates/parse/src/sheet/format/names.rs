//! Names of months and days in the languages that a number format may ask for
//! (`[$-407]` is German: MS-LCID 2.2).

use ssfmt::Locale;

type Names = ([&'static str; 12], [&'static str; 7]);

const GERMAN: Names = (
    [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    [
        "Sonntag",
        "Montag",
        "Dienstag",
        "Mittwoch",
        "Donnerstag",
        "Freitag",
        "Samstag",
    ],
);
const FRENCH: Names = (
    [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    [
        "dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi",
    ],
);
const SPANISH: Names = (
    [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    [
        "domingo",
        "lunes",
        "martes",
        "miércoles",
        "jueves",
        "viernes",
        "sábado",
    ],
);
const ITALIAN: Names = (
    [
        "gennaio",
        "febbraio",
        "marzo",
        "aprile",
        "maggio",
        "giugno",
        "luglio",
        "agosto",
        "settembre",
        "ottobre",
        "novembre",
        "dicembre",
    ],
    [
        "domenica",
        "lunedì",
        "martedì",
        "mercoledì",
        "giovedì",
        "venerdì",
        "sabato",
    ],
);
const DUTCH: Names = (
    [
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ],
    [
        "zondag",
        "maandag",
        "dinsdag",
        "woensdag",
        "donderdag",
        "vrijdag",
        "zaterdag",
    ],
);
const PORTUGUESE: Names = (
    [
        "janeiro",
        "fevereiro",
        "março",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
    ],
    [
        "domingo",
        "segunda-feira",
        "terça-feira",
        "quarta-feira",
        "quinta-feira",
        "sexta-feira",
        "sábado",
    ],
);
const POLISH: Names = (
    [
        "styczeń",
        "luty",
        "marzec",
        "kwiecień",
        "maj",
        "czerwiec",
        "lipiec",
        "sierpień",
        "wrzesień",
        "październik",
        "listopad",
        "grudzień",
    ],
    [
        "niedziela",
        "poniedziałek",
        "wtorek",
        "środa",
        "czwartek",
        "piątek",
        "sobota",
    ],
);

/// The names a format asks for; English where it asks for none, or for a language that is not here.
pub(super) fn locale(code: &str) -> Locale {
    let mut locale = Locale::default();
    let language = code.split("[$").skip(1).find_map(|rest| {
        let (_, id) = rest.split_once(']')?.0.rsplit_once('-')?;
        u32::from_str_radix(id, 16).ok().map(|id| id & 0x3ff)
    });
    let names = match language {
        Some(0x07) => &GERMAN,
        Some(0x0c) => &FRENCH,
        Some(0x0a) => &SPANISH,
        Some(0x10) => &ITALIAN,
        Some(0x13) => &DUTCH,
        Some(0x16) => &PORTUGUESE,
        Some(0x15) => &POLISH,
        _ => return locale,
    };
    locale.month_names_full = names.0;
    locale.day_names_full = names.1;
    locale.month_names_short = names.0.map(short);
    locale.day_names_short = names.1.map(short);
    locale
}

/// The first three letters.
fn short(name: &'static str) -> &'static str {
    let end = name.char_indices().nth(3).map_or(name.len(), |(end, _)| end);
    &name[..end]
}
