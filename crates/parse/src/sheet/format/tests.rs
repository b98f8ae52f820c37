use super::*;

fn shown(number: f64, code: &str) -> String {
    Format::of(code, false).number(number, None)
}

#[test]
fn numbers_read_as_typed() {
    for (number, text) in [
        (1200.0, "1200"),
        (0.1 + 0.2, "0.3"),
        (19.99, "19.99"),
        (-0.5, "-0.5"),
        (123_456_789_012.0, "123456789012"),
        (1.0 / 3.0, "0.333333333333333"),
        (1e300, "1E+300"),
        (2.5e-12, "2.5E-12"),
    ] {
        assert_eq!(number_text(number), text);
    }
    assert_eq!(
        Format::of("General", false).number(4711.5, Some("4711.5")),
        "4711.5"
    );
    // An order number that somebody typed as a number.
    assert_eq!(
        Format::of("General", false).number(12_345_678_901_234_567.0, Some("12345678901234567")),
        "12345678901234567"
    );
    assert_eq!(
        Format::of("General", false).number(0.1 + 0.2, Some("0.30000000000000004")),
        "0.3"
    );
}

/// What Excel shows for these values under these formats, as its documentation and its users
/// have it.
#[test]
fn formats_show_what_a_spreadsheet_shows() {
    let mut wrong = Vec::new();
    for (number, code, text) in [
        (1234.0, "00000", "01234"),
        (7.0, "000-00", "000-07"),
        (0.195, "0.00%", "19.50%"),
        (0.07, "0%", "7%"),
        (1234.5, "#,##0.00", "1,234.50"),
        (-1234.5, "#,##0.00;(#,##0.00)", "(1,234.50)"),
        (-1234.5, "#,##0.00 \"€\";[Red]-#,##0.00 \"€\"", "-1,234.50 €"),
        (1234.5, "[$€-407]#,##0.00", "€1,234.50"),
        (1234.5, "#,##0.00\\ [$zł-415]", "1,234.50 zł"),
        (1_234_567.0, "0.0,,\"M\"", "1.2M"),
        (12.5, "# ?/?", "12 1/2"),
        (0.333, "# ?/?", "1/3"),
        (12.25, "# ??/100", "12 25/100"),
        (123_456.0, "0.00E+00", "1.23E+05"),
        (0.000_123, "0.00E+00", "1.23E-04"),
        (1.5, "[h]:mm", "36:00"),
        (1.5, "[mm]:ss", "2160:00"),
        (0.5, "h:mm AM/PM", "12:00 PM"),
        (0.75, "hh:mm:ss", "18:00:00"),
        (45_658.0, "dd.mm.yyyy", "01.01.2025"),
        (45_658.0, "yyyy-mm-dd", "2025-01-01"),
        (45_658.75, "d/m/yy h:mm", "1/1/25 18:00"),
        (45_658.0, "mmmm d, yyyy", "January 1, 2025"),
        (45_658.0, "[$-407]d. mmmm yyyy", "1. Januar 2025"),
        (45_717.0, "[$-407]dddd, d. mmm", "Samstag, 1. Mär"),
        (60.0, "yyyy-mm-dd", "1900-02-29"),
        (150.0, "[>100]\"many\";[<=100]\"few\"", "many"),
        (50.0, "[>100]\"many\";[<=100]\"few\"", "few"),
        (0.0, "0;-0;\"none\"", "none"),
        (5.0, "\"No. \"0", "No. 5"),
        (1234.0, "_-* #,##0.00\\ _€_-", "1,234.00"),
        (1_234_567_890.0, "(000) 000-0000", "(123) 456-7890"),
        (2.0, "0 \"Stk.\"", "2 Stk."),
        (42.0, ";;;", ""),
    ] {
        let is = shown(number, code);
        if is != text {
            wrong.push(format!("{number} as {code}: {is:?}, not {text:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn both_date_systems_are_known() {
    assert_eq!(Format::of("yyyy-mm-dd", true).number(0.0, None), "1904-01-01");
    assert_eq!(
        Format::of("yyyy-mm-dd", true).number(44_196.0, None),
        "2025-01-01"
    );
    // "The date of the reader's country": which, the file does not say.
    assert_eq!(Format::built_in(14, false).number(45_658.0, None), "2025-01-01");
    assert_eq!(
        Format::built_in(22, false).number(45_658.5, None),
        "2025-01-01 12:00"
    );
    assert_eq!(Format::built_in(46, false).number(1.5, None), "36:00:00");
    assert_eq!(Format::built_in(10, false).number(0.195, None), "19.50%");
}

#[test]
fn texts_take_the_words_of_their_format() {
    assert_eq!(Format::of("\"Nr. \"@", false).text("A7"), "Nr. A7");
    assert_eq!(Format::of("0.00", false).text("A7"), "A7");
    assert_eq!(Format::of("@", false).text("007"), "007");
}

#[test]
fn what_is_no_format_shows_the_number() {
    assert_eq!(shown(5.0, "[[[\"\\"), "5");
    // Before the first day of the calendar.
    assert_eq!(shown(-1.0, "yyyy-mm-dd"), "-1");
}
