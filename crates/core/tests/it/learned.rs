//! What calls taught: bounds hold, limits are chosen where a call costs least.

use docmill_core::learned::{CallCost, Learned, Lengths, Ratio};
use docmill_core::money::PicoPerToken;
use docmill_core::price::Price;
use proptest::prelude::*;

fn mini() -> Price {
    Price {
        input: PicoPerToken(150_000),
        cached_input: None,
        cache_write: None,
        output: PicoPerToken(600_000),
        origin: "test".to_owned(),
    }
}

fn lengths(answers: impl IntoIterator<Item = u64>) -> Lengths {
    let mut lengths = Lengths::default();
    for answer in answers {
        lengths.record(answer);
    }
    lengths
}

#[test]
fn nothing_is_relied_on_before_enough_was_seen() {
    let cost = CallCost::new(&mini(), 900);
    assert_eq!(lengths([38; 19]).limit(300, 2048, &cost), 300);
    let mut ratio = Ratio::default();
    for _ in 0..19 {
        ratio.record(100, 100);
    }
    assert_eq!(ratio.spread_permille(45), None);
}

#[test]
fn answers_that_are_all_alike_leave_little_room() {
    let cost = CallCost::new(&mini(), 900);
    let limit = lengths([38; 100]).limit(300, 2048, &cost);
    assert!((44..=160).contains(&limit), "{limit}");
    // The more were seen, the less room is needed.
    let later = lengths([38; 10_000]).limit(300, 2048, &cost);
    assert!((39..=limit).contains(&later), "{later}");
}

#[test]
fn a_long_tail_is_worth_its_room() {
    let cost = CallCost::new(&mini(), 900);
    // One in twenty is twenty times as long.
    let answers = (0..1_000).map(|number| if number % 20 == 0 { 800 } else { 40 });
    let limit = lengths(answers).limit(300, 4096, &cost);
    assert!(limit >= 800, "{limit}");
}

#[test]
fn dear_prompts_are_not_risked() {
    let answers = || (0..500).map(|number| 40 + number % 60);
    let cheap = lengths(answers()).limit(300, 4096, &CallCost::new(&mini(), 100));
    let dear = lengths(answers()).limit(300, 4096, &CallCost::new(&mini(), 50_000));
    assert!(dear > cheap, "{dear} {cheap}");
}

#[test]
fn a_cut_answer_raises_the_limit() {
    let cost = CallCost::new(&mini(), 900);
    let mut seen = lengths([38; 200]);
    let before = seen.limit(300, 2048, &cost);
    for _ in 0..20 {
        seen.record_cut(u64::from(before));
    }
    assert!(seen.limit(300, 2048, &cost) > before);
}

#[test]
fn sums_become_more_certain_with_their_number() {
    let mut ratio = Ratio::default();
    for number in 0..400_u64 {
        ratio.record(100, 80 + number % 41);
    }
    let few = ratio.spread_permille(4).unwrap();
    let many = ratio.spread_permille(400).unwrap();
    assert!(many < few && many > 0, "{few} {many}");
}

#[test]
fn what_two_learned_adds_up() {
    let learn = |from: u64, to: u64| {
        let mut learned = Learned::default();
        for number in from..to {
            learned.input.record(100 + number, 103 + number);
            learned.lengths.record(number);
        }
        learned
    };
    let mut sum = learn(1, 50);
    sum.add(&learn(50, 120));
    let whole = learn(1, 120);
    assert_eq!(sum.lengths, whole.lengths);
    assert_eq!(sum.input.calls(), whole.input.calls());
    assert_eq!(sum.input.expect(1_000), whole.input.expect(1_000));
    let kept: Learned = serde_json::from_str(&serde_json::to_string(&sum).unwrap()).unwrap();
    assert_eq!(kept.lengths, sum.lengths);
}

proptest! {
    /// The limit is between 1 and the ceiling, whatever was seen.
    #[test]
    fn limits_are_sane(
        answers in prop::collection::vec(1..5_000_u64, 20..400),
        first in 1..5_000_u32, ceiling in 1..50_000_u32, prompt in 0..100_000_u64, is_free: bool,
    ) {
        let price = if is_free { Price::free("test") } else { mini() };
        let limit = lengths(answers).limit(first, ceiling, &CallCost::new(&price, prompt));
        prop_assert!(limit >= 1 && limit <= ceiling);
    }
}
