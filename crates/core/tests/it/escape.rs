//! Texts from outside where they are shown.

use docmill_core::escape;
use proptest::prelude::*;

const HOSTILE: &str = "a\u{1b}[2J\u{9b}2J\u{202e}txt\u{2066}\u{feff}\nb\tc\u{7f}";

#[test]
fn each_place_gets_its_own_form() {
    assert_eq!(
        escape::line(HOSTILE),
        "a\u{fffd}[2J\u{fffd}2J\u{fffd}txt\u{fffd}\u{fffd} b c\u{fffd}"
    );
    assert_eq!(escape::lines("a\r\nb\u{9b}"), "a\nb\u{fffd}");
    assert_eq!(
        escape::json("{\"a\":\"\u{9b}\u{202e}\"}"),
        "{\"a\":\"\\u009b\\u202e\"}"
    );
    for formula in [
        "=1+1",
        "+1",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        " =1",
        "\u{ff1d}1",
        "|cmd",
    ] {
        assert!(escape::spreadsheet(formula).starts_with('\''), "{formula:?}");
    }
    assert_eq!(escape::spreadsheet("The Corner Shop"), "The Corner Shop");
}

proptest! {
    /// Nothing hostile is left on a line, in lines but their ends, or in JSON.
    #[test]
    fn nothing_hostile_is_left(text in any::<String>()) {
        prop_assert!(!escape::line(&text).chars().any(escape::is_hostile));
        prop_assert!(!escape::lines(&text).chars().any(|c| c != '\n' && escape::is_hostile(c)));
    }

    /// JSON means the same after it, and holds nothing hostile.
    #[test]
    fn json_means_the_same(text in any::<String>()) {
        let value = serde_json::json!({ "text": text });
        let written = value.to_string();
        let escaped = escape::json(&written);
        prop_assert!(!escaped.chars().any(escape::is_hostile));
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }
}
