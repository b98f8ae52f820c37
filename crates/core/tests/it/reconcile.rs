//! What a provider's usage export says about calls whose end is not known.

use docmill_core::money::{PicoPerToken, Usd};
use docmill_core::price::Price;
use docmill_core::reconcile::{
    Format, Line, Lost, UnknownExport, Verdict, about, decide, is_same_model, parse,
};
use docmill_core::time::Timestamp;
use docmill_core::usage::Usage;
use proptest::prelude::*;

fn price() -> Price {
    Price {
        input: PicoPerToken(150_000),
        cached_input: Some(PicoPerToken(75_000)),
        output: PicoPerToken(600_000),
        ..Price::free("test")
    }
}

fn lost(worst: &[i64]) -> Vec<Lost<usize>> {
    let call = |(id, nanos): (usize, &i64)| Lost {
        id,
        started_at: Timestamp(0),
        worst_case: Usd::from_nanos(*nanos),
    };
    worst.iter().enumerate().map(call).collect()
}

/// 2026-11-25T00:00:00Z
const DAY: i64 = 1_795_564_800_000;

#[test]
fn the_exports_of_the_providers_are_read() {
    let openai = "start_time,end_time,start_time_iso,end_time_iso,num_model_requests,model,input_tokens,output_tokens,input_cached_tokens\n\
        1795564800,1795651200,2026-11-25T00:00:00+00:00,2026-11-26T00:00:00+00:00,12,gpt-4o-mini-2024-07-18,10000,500,4000\n";
    let (format, lines) = parse(openai).unwrap();
    assert_eq!(format, Format::OpenAi);
    let usage = Usage {
        input_tokens: 6000,
        cached_input_tokens: 4000,
        cache_write_tokens: 0,
        output_tokens: 500,
    };
    let expected = Line {
        from: Some(Timestamp(DAY)),
        to: Some(Timestamp(DAY + 86_400_000)),
        model: "gpt-4o-mini-2024-07-18".to_owned(),
        usage,
        cost: None,
    };
    assert_eq!(lines, std::slice::from_ref(&expected));

    let json = r#"{"object": "page", "has_more": false, "data": [
        {"object": "bucket", "start_time": 1795564800, "end_time": 1795651200, "results": [
            {"input_tokens": 10000, "input_cached_tokens": 4000, "output_tokens": 500, "num_model_requests": 12,
             "model": "gpt-4o-mini-2024-07-18"}]}]}"#;
    assert_eq!(parse(json).unwrap(), (Format::OpenAi, vec![expected]));

    let anthropic = "usage_date_utc,model_version,api_key,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,\
        usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens\n\
        2026-11-25,claude-haiku-4-5-20251001,key,100,20,3,40,7\n";
    let (format, lines) = parse(anthropic).unwrap();
    assert_eq!(format, Format::Anthropic);
    assert_eq!(
        lines[0].to,
        Some(Timestamp(DAY + 86_400_000)),
        "a day is meant whole"
    );
    assert_eq!(
        lines[0].usage,
        Usage {
            input_tokens: 100,
            cached_input_tokens: 40,
            cache_write_tokens: 23,
            output_tokens: 7
        }
    );

    let report = r#"{"data": [{"starting_at": "2026-11-25T00:00:00Z", "ending_at": "2026-11-26T00:00:00Z", "results": [
        {"uncached_input_tokens": 100, "cache_read_input_tokens": 40, "output_tokens": 7,
         "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 3}, "model": "claude-haiku-4-5"}]}],
        "has_more": false}"#;
    assert_eq!(parse(report).unwrap().1[0].usage, lines[0].usage);

    let google = "Service description,SKU description,Usage start date,Usage end date,Cost ($)\n\
        Gemini API,Generate content output token count Gemini 2.5 Flash short,2026-11-25,2026-11-25,\"1,234.5600000001\"\n";
    let (format, lines) = parse(google).unwrap();
    assert_eq!(format, Format::Google);
    assert_eq!(lines[0].model, "gemini-2.5-flash");
    assert_eq!(
        lines[0].cost,
        Some(Usd::from_nanos(1_234_560_000_001)),
        "rounded up"
    );
    assert!(is_same_model(&lines[0].model, "google/gemini-2.5-flash"));

    let plain = "time;model;input_tokens;output_tokens\n2026-11-25 10:00:00;gpt-4o-mini;10;5\n";
    let (format, lines) = parse(plain).unwrap();
    assert_eq!((format, lines[0].usage.output_tokens), (Format::Plain, 5));
}

#[test]
fn what_is_no_export_is_refused_with_its_reason() {
    assert_eq!(parse(" \n"), Err(UnknownExport::Empty));
    assert!(matches!(
        parse("name,phone\nAnn,1"),
        Err(UnknownExport::Columns(_))
    ));
    assert!(matches!(parse("{\"choices\": []}"), Err(UnknownExport::Json(_))));
    let half = r#"{"data": [{"start_time": 1, "results": []}], "has_more": true}"#;
    assert!(
        matches!(parse(half), Err(UnknownExport::Json(_))),
        "money must not appear from a page that is missing"
    );
    let cell = "model,input_tokens\nm,many\n";
    assert!(matches!(parse(cell), Err(UnknownExport::Cell { line: 2, .. })));
}

#[test]
fn dated_names_are_the_same_model_and_longer_names_are_not() {
    for (theirs, ours, same) in [
        ("gpt-4o-mini-2024-07-18", "openai/gpt-4o-mini", true),
        ("claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5", true),
        ("gpt-4.1-2025-04-14", "gpt-4.1", true),
        ("gpt-4o-mini", "gpt-4o", false),
        ("gemini-2.5-flash-lite", "gemini-2.5-flash", false),
        ("", "gpt-4o", false),
    ] {
        assert_eq!(is_same_model(theirs, ours), same, "{theirs} {ours}");
    }
}

#[test]
fn what_the_provider_counted_beyond_what_was_settled_is_what_was_lost() {
    let line = Line {
        model: "gpt-4o-mini".to_owned(),
        usage: Usage {
            input_tokens: 1000,
            output_tokens: 100,
            ..Usage::default()
        },
        ..Line::default()
    };
    let about = about(&[line], "openai/gpt-4o-mini", &price()).unwrap();
    assert_eq!(about.total, Usd::from_nanos(210_000));
    let settled = Usd::from_nanos(200_000);
    assert_eq!(
        decide(&about, settled, &lost(&[8_000, 12_000])),
        Verdict::Known {
            billed: Usd::from_nanos(10_000),
            shares: vec![(0, Usd::from_nanos(4_000)), (1, Usd::from_nanos(6_000))],
        }
    );
    // Nothing more than was settled: none of them was billed.
    let none = decide(&about, Usd::from_nanos(210_000), &lost(&[8_000]));
    assert_eq!(
        none,
        Verdict::Known {
            billed: Usd::ZERO,
            shares: vec![(0, Usd::ZERO)]
        }
    );
    // More than the lost calls can have cost: somebody else's.
    assert!(matches!(
        decide(&about, settled, &lost(&[9_000])),
        Verdict::Foreign { .. }
    ));
}

proptest! {
    /// Shares add up to what was billed, and none is above what was held back for its call.
    #[test]
    fn shares_add_up_and_stay_within_their_worst_case(
        worst in prop::collection::vec(0_i64..1_000_000_000_000, 1..50), part in 0.0..=1.0_f64,
    ) {
        let lost = lost(&worst);
        let all: i64 = worst.iter().sum();
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a share of a sum")]
        let total = Usd::from_nanos(((all as f64 * part) as i64).min(all));
        let lines = [Line { cost: Some(total), ..Line::default() }];
        let about = about(&lines, "m", &price()).unwrap();
        let Verdict::Known { billed, shares } = decide(&about, Usd::ZERO, &lost) else {
            return Err(TestCaseError::fail("it fits"));
        };
        prop_assert_eq!(billed, total);
        prop_assert_eq!(shares.iter().map(|(_, share)| share.nanos()).sum::<i64>(), billed.nanos());
        for (id, share) in shares {
            prop_assert!(share.nanos() >= 0 && share.nanos() <= worst[id]);
        }
    }

    /// No text, however broken, takes the reader down.
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = parse(&text);
        let _ = parse(&format!("time,model,input_tokens,cost\n{text}"));
    }
}
