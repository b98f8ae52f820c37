//! Charts and reviews: histograms that add up, intervals that hold the truth, changes that lead
//! from one result to the other.

use docmill_core::accuracy::{Accuracy, wilson};
use docmill_core::latency::Histogram;
use docmill_core::verdict::changes;
use proptest::prelude::*;
use serde_json::{Value, json};

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-100_i64..100).prop_map(Value::from),
        "[a-z/~]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c/~]{1,2}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_percentile_is_right_to_a_fifth(mut times in prop::collection::vec(1_u32..10_000_000, 1..200), permille in 1_u64..1000) {
        let mut histogram = Histogram::default();
        times.iter().for_each(|ms| histogram.record(*ms));
        times.sort_unstable();
        let rank = (times.len() as u64 * permille).div_ceil(1000).max(1);
        let exact = f64::from(times[usize::try_from(rank).unwrap() - 1]);
        let found = histogram.permille(permille).unwrap().as_secs_f64() * 1000.0;
        prop_assert!(found >= exact * 0.99 && found <= exact * 1.26 + 1.0, "{} is not {}", found, exact);
    }

    #[test]
    fn halves_add_up_to_the_whole(left in prop::collection::vec(any::<u32>(), 0..50), right in prop::collection::vec(any::<u32>(), 0..50)) {
        let of = |times: &[u32]| {
            let mut histogram = Histogram::default();
            times.iter().for_each(|ms| histogram.record(*ms));
            histogram
        };
        let mut sum = of(&left);
        sum.add(&of(&right));
        let both: Vec<u32> = left.iter().chain(&right).copied().collect();
        prop_assert_eq!(&sum, &of(&both));
        prop_assert_eq!(Histogram::from_bytes(&sum.to_bytes()), sum);
    }

    #[test]
    fn any_bytes_are_some_histogram(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = Histogram::from_bytes(&bytes).permille(500);
    }

    #[test]
    fn only_what_differs_is_a_change(before in values(), after in values()) {
        prop_assert_eq!(changes(&before, &before).len(), 0);
        let found = changes(&before, &after);
        prop_assert_eq!(found.is_empty(), before == after);
        for change in found {
            prop_assert_eq!(before.pointer(&change.field), change.from.as_ref());
            prop_assert_eq!(after.pointer(&change.field), change.to.as_ref());
        }
    }

    #[test]
    fn the_interval_holds_the_share(right in 0_u64..500, more in 0_u64..500) {
        let of = right + more;
        let (low, high) = wilson(right, of);
        prop_assert!((0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high));
        if of > 0 {
            let share = right as f64 / of as f64;
            prop_assert!(low <= share + 1e-9 && share <= high + 1e-9);
        }
    }
}

#[test]
fn the_interval_is_the_published_one() {
    // 8 of 10: Wilson's 95 % interval is 0.490 to 0.943.
    let (low, high) = wilson(8, 10);
    assert!(
        (low - 0.4902).abs() < 0.001 && (high - 0.9433).abs() < 0.001,
        "{low} {high}"
    );
}

#[test]
fn fields_of_lists_count_together() {
    let mut accuracy = Accuracy::default();
    let given = json!({ "shop": "A", "total": null, "items": [{ "amount": 1 }, { "amount": 2 }] });
    let right = json!({ "shop": "B", "total": null, "items": [{ "amount": 1 }, { "amount": 3 }] });
    accuracy.add(&given, &right);
    accuracy.add(&given, &given);
    let fields = accuracy.fields();
    let of = |name: &str| {
        let field = fields.iter().find(|field| field.field == name).unwrap();
        (field.right, field.reviewed)
    };
    assert_eq!((accuracy.documents(), accuracy.untouched()), (2, 1));
    assert_eq!(of("/shop"), (1, 2));
    assert_eq!(of("/items/*/amount"), (3, 4));
    assert!(
        fields.iter().all(|field| field.field != "/total"),
        "nothing was said, nothing was right"
    );
}
