//! Estimates: sums that hold, an interval that covers the truth, a budget that suffices.

use docmill_core::document::Class;
use docmill_core::estimate::{Bound, Estimator, Pace, Sample, choose, recommended_budget};
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::id::Ordinal;
use docmill_core::learned::Learned;
use docmill_core::money::{PicoPerToken, Usd};
use docmill_core::plan::Fallback;
use docmill_core::price::{CallBound, Price};
use docmill_core::usage::Usage;
use proptest::prelude::*;

fn price() -> Price {
    Price {
        input: PicoPerToken(150_000),
        output: PicoPerToken(600_000),
        ..Price::free("test")
    }
}

fn sample(class: Class, input: u64, output: u64) -> Sample {
    let bound = CallBound {
        input_tokens: input * 3,
        output_tokens: 4096,
    };
    Sample {
        class,
        pages: 2,
        calls: 1,
        expected: Usage {
            input_tokens: input,
            output_tokens: output,
            ..Usage::default()
        },
        worst_case: price().worst_case(&bound).unwrap_or(Usd::MAX),
    }
}

#[test]
fn rows_add_up_by_class() {
    let mut estimator = Estimator::new(price(), Pace::default());
    for _ in 0..3 {
        estimator.add(&sample(Class::SimplePdf, 1000, 100));
    }
    estimator.add(&sample(Class::Image, 500, 50));
    estimator.add_unreadable(&Failure::new(FailureCode::PasswordRequired, "locked"));
    let estimate = estimator.finish();
    let simple = estimate.classes[&Class::SimplePdf];
    assert_eq!((simple.documents, simple.pages, simple.calls), (3, 6, 3));
    assert_eq!(
        simple.cost_per_document,
        price()
            .cost(&sample(Class::SimplePdf, 1000, 100).expected)
            .unwrap()
    );
    assert_eq!(estimate.total.documents, 4);
    let costs: i64 = estimate.classes.values().map(|row| row.cost.nanos()).sum();
    assert_eq!(estimate.total.cost.nanos(), costs);
    assert_eq!(estimate.unreadable[&FailureCode::PasswordRequired], 1);
    let text = serde_json::to_string(&estimate).unwrap();
    assert_eq!(
        serde_json::from_str::<docmill_core::estimate::Estimate>(&text).unwrap(),
        estimate
    );
}

#[test]
fn the_slowest_thing_decides_how_long_it_takes() {
    let bound = |pace: Pace| {
        let mut estimator = Estimator::new(price(), pace);
        for _ in 0..600 {
            estimator.add(&sample(Class::Text, 1000, 100));
        }
        estimator.finish().duration
    };
    let quick = Pace {
        concurrency: 100,
        ..Pace::default()
    };
    assert_eq!(bound(quick).bound_by, Bound::Concurrency);
    assert_eq!(bound(quick).ms, 600 * (800 + 1200) / 100);
    let limited = bound(Pace {
        requests_per_minute: Some(60),
        ..quick
    });
    assert_eq!((limited.bound_by, limited.ms), (Bound::RequestLimit, 600_000));
    let limited = bound(Pace {
        tokens_per_minute: Some(66_000),
        ..quick
    });
    assert_eq!((limited.bound_by, limited.ms), (Bound::TokenLimit, 600_000));
    assert_eq!(
        bound(Pace {
            page_ms: 1000,
            ..quick
        })
        .bound_by,
        Bound::Reading
    );
}

#[test]
fn budgets_are_figures_a_person_would_set() {
    let usd = |text: &str| text.parse::<Usd>().unwrap();
    for (expected, dearest, budget) in [
        ("0", "0", "0"),
        ("1", "0.01", "1.20"),
        ("4.37", "0.01", "5.30"),
        ("412", "0.01", "500"),
        ("0.001", "0.0001", "0.01"),
        ("0.10", "0.57", "0.57"),
        ("83.33", "0", "100"),
    ] {
        assert_eq!(
            recommended_budget(usd(expected), usd(dearest), Usd::ZERO).budget,
            usd(budget),
            "{expected} {dearest}"
        );
    }
}

#[test]
fn a_budget_has_room_for_calls_in_flight_and_for_crashes() {
    let usd = |text: &str| text.parse::<Usd>().unwrap();
    let recommended = recommended_budget(usd("1"), usd("0.01"), usd("0.05"));
    assert_eq!(recommended.in_flight, usd("0.05"));
    assert_eq!(recommended.for_crashes, usd("0.15"));
    assert_eq!(recommended.budget, usd("1.40"));
}

/// A number that looks like chance.
#[test]
fn fallbacks_and_second_calls_are_priced() {
    let dearer = Price {
        input: PicoPerToken(2_500_000),
        output: PicoPerToken(10_000_000),
        ..Price::free("test")
    };
    let fallback = Fallback {
        model: "openai/gpt-4o".to_owned(),
        base_url: None,
        price: dearer.clone(),
    };
    let plain = Estimator::new(price(), Pace::default());
    let mut with = plain.clone().with_fallbacks(&[fallback]).with_hedges(true);
    let mut plain = plain;
    let documents: Vec<Sample> = (0..1_500)
        .map(|i| sample(Class::SimplePdf, 900 + i, 100))
        .collect();
    for document in &documents {
        plain.add(document);
        with.add(document);
    }
    let (plain, with) = (plain.finish(), with.finish());
    assert_eq!((plain.hedges, plain.fallbacks.len()), (Usd::ZERO, 0));
    let one_by_one = documents.iter().map(|it| dearer.cost(&it.expected).unwrap());
    let sum = one_by_one.fold(Usd::ZERO, Usd::saturating_add);
    assert_eq!(with.fallbacks[0].cost, sum, "as if it answered everything");
    // Two of 1,500 calls hang.
    assert_eq!(with.hedges.nanos(), with.total.worst_case.nanos() * 2 / 1_500);
    assert_eq!(with.high, plain.high.saturating_add(with.hedges));
    assert_eq!((with.total.cost, with.low), (plain.total.cost, plain.low));
    assert!(with.budget >= plain.budget);
    let text = serde_json::to_string(&with).unwrap();
    assert_eq!(
        serde_json::from_str::<docmill_core::estimate::Estimate>(&text).unwrap(),
        with
    );
}

fn chance(state: &mut u64) -> f64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    f64::from(u32::try_from(*state >> 33).unwrap_or(0)) / f64::from(1_u32 << 31)
}

#[test]
fn the_interval_covers_the_truth_of_simulated_piles() {
    // Tokenizers differ by up to 12 % for a whole pile, schemas answer between 0.6 and
    // 1.8 times as long as guessed, and single documents scatter around that.
    let mut state = 7;
    let mut covered = 0;
    for _ in 0..200 {
        let mut estimator = Estimator::new(price(), Pace::default());
        let (input_bias, output_bias) = (0.88 + 0.24 * chance(&mut state), 0.6 + 1.2 * chance(&mut state));
        let mut truth = 0.0;
        for _ in 0..100 {
            let input = 300.0 + 5000.0 * chance(&mut state);
            let output = 50.0 + 300.0 * chance(&mut state);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a simulation"
            )]
            estimator.add(&sample(Class::Text, input as u64, output as u64));
            let scatter = 0.7 + 0.6 * chance(&mut state);
            truth += input * input_bias * 0.15e-6 + output * output_bias * scatter * 0.6e-6;
        }
        let estimate = estimator.finish();
        covered += u32::from(estimate.low.as_f64() <= truth && truth <= estimate.high.as_f64());
    }
    assert!(covered >= 190, "{covered} of 200");
}

fn any_class() -> impl Strategy<Value = Class> {
    prop::sample::select(Class::ALL.to_vec())
}

proptest! {
    /// The expected cost lies in its interval, the interval within the worst case, and the
    /// budget is enough for the expected cost and for any one document.
    #[test]
    fn figures_are_in_order(documents in prop::collection::vec((any_class(), 0..1_000_000_u64, 0..4096_u64), 0..40)) {
        let mut estimator = Estimator::new(price(), Pace::default());
        let mut dearest = Usd::ZERO;
        for (class, input, output) in &documents {
            let sample = sample(*class, *input, *output);
            dearest = dearest.max(sample.worst_case);
            estimator.add(&sample);
        }
        let estimate = estimator.finish();
        prop_assert!(estimate.low <= estimate.total.cost && estimate.total.cost <= estimate.high);
        prop_assert!(estimate.high <= estimate.total.worst_case);
        prop_assert!(estimate.budget >= estimate.total.cost && estimate.budget >= dearest);
    }

    /// The same seed gives the same pilot; every class is in it when there is room; it has
    /// the size asked for, no document twice, in order.
    #[test]
    fn pilots_are_stratified_and_repeatable(classes in prop::collection::vec(any_class(), 0..200), count in 0..60_usize, seed: u64) {
        let documents: Vec<(Ordinal, Class)> = classes.iter().zip(1..).map(|(class, n)| (Ordinal(n), *class)).collect();
        let pilot = choose(&documents, count, seed);
        prop_assert_eq!(&pilot, &choose(&documents, count, seed));
        prop_assert_eq!(pilot.len(), count.min(documents.len()));
        prop_assert!(pilot.windows(2).all(|pair| pair[0] < pair[1]));
        let all: std::collections::BTreeSet<Class> = classes.iter().copied().collect();
        let chosen: std::collections::BTreeSet<Class> =
            pilot.iter().map(|ordinal| classes[usize::try_from(ordinal.0).unwrap() - 1]).collect();
        prop_assert_eq!(chosen.len(), all.len().min(count));
    }
}

/// Documents as they come: prompts of any length, answers that scatter around what the schema and
/// the document let expect.
fn document(state: &mut u64, bias: (f64, f64)) -> (u64, u64, u64, u64) {
    let input = 400.0 + 1600.0 * chance(state);
    let expected = 60.0 + 120.0 * chance(state);
    // The sum of three: most are near the middle.
    let scatter = |state: &mut u64, width: f64| {
        let sum: f64 = (0..3).map(|_| chance(state)).sum();
        1.0 + width * (sum / 1.5 - 1.0)
    };
    let (real_input, real_output) = (
        input * bias.0 * scatter(state, 0.1),
        expected * bias.1 * scatter(state, 0.6),
    );
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a simulation"
    )]
    let whole = |tokens: f64| tokens as u64;
    (
        whole(input),
        whole(expected),
        whole(real_input),
        whole(real_output),
    )
}

#[test]
fn the_interval_of_a_model_that_was_used_is_narrow_and_true() {
    let mut state = 11;
    for learned_from in [45, 300] {
        let (mut covered, mut widest) = (0, 0.0_f64);
        for _ in 0..400 {
            let bias = (0.8 + 0.4 * chance(&mut state), 0.5 + 1.5 * chance(&mut state));
            let mut learned = Learned::default();
            for _ in 0..learned_from {
                let (input, output, real_input, real_output) = document(&mut state, bias);
                learned.input.record(input, real_input);
                learned.output.record(output, real_output);
            }
            let mut estimator = Estimator::new(price(), Pace::default()).with_learned(learned.clone());
            let mut truth = 0.0;
            for _ in 0..45 {
                let (input, output, real_input, real_output) = document(&mut state, bias);
                let (input, output) = (learned.input.expect(input), learned.output.expect(output));
                estimator.add(&sample(Class::Text, input, output));
                truth += real_input as f64 * 0.15e-6 + real_output as f64 * 0.6e-6;
            }
            let estimate = estimator.finish();
            let (low, mean, high) = (
                estimate.low.as_f64(),
                estimate.total.cost.as_f64(),
                estimate.high.as_f64(),
            );
            covered += u32::from(low <= truth && truth <= high);
            widest = widest.max(high / mean - 1.0).max(1.0 - low / mean);
        }
        assert!(covered >= 372, "from {learned_from} calls: {covered} of 400");
        assert!(widest <= 0.15, "from {learned_from} calls: {widest}");
    }
}
