//! Fair shares: as the weights over time, and nobody waits for long.

use std::collections::BTreeMap;

use docmill_core::fair::{Queue, Turns, next};
use proptest::prelude::*;

fn queues(weights: &[u32]) -> Vec<Queue<u32>> {
    weights
        .iter()
        .zip(0..)
        .map(|(weight, key)| Queue { key, weight: *weight })
        .collect()
}

#[test]
fn nothing_to_do_is_nobodys_turn() {
    assert_eq!(next(&mut Turns::<u32>::new(), &[]), None);
}

#[test]
fn a_small_batch_does_not_wait_for_a_large_one() {
    let mut turns = Turns::new();
    for _ in 0..1_000_000 {
        next(&mut turns, &queues(&[1]));
    }
    let served: Vec<_> = (0..4)
        .filter_map(|_| next(&mut turns, &queues(&[1, 1])))
        .collect();
    assert!(served[..2].contains(&1), "{served:?}");
    assert_eq!(served.iter().filter(|key| **key == 1).count(), 2);
}

#[test]
fn a_queue_that_pauses_between_its_turns_gets_no_more_than_its_share() {
    let mut turns = Turns::new();
    let (mut one, mut other) = (0, 0);
    let mut away = false;
    for _ in 0..1000 {
        let present = if away { queues(&[1]) } else { queues(&[1, 1]) };
        match next(&mut turns, &present) {
            Some(1) => {
                other += 1;
                away = true;
            }
            _ => {
                one += 1;
                away = false;
            }
        }
    }
    assert!(other <= one + 1, "{other} against {one}");
}

proptest! {
    /// Over many turns each queue has its share to within one turn per queue.
    #[test]
    fn shares_converge_to_weights(weights in prop::collection::vec(1..10_u32, 1..8)) {
        let mut turns = Turns::new();
        let queues = queues(&weights);
        let mut served: BTreeMap<u32, u32> = BTreeMap::new();
        let rounds = 200;
        let total: u32 = weights.iter().sum();
        for _ in 0..total * rounds {
            *served.entry(next(&mut turns, &queues).unwrap()).or_default() += 1;
        }
        for queue in &queues {
            let got = served[&queue.key];
            prop_assert!(got.abs_diff(queue.weight * rounds) <= 2, "{queue:?} got {got} in {rounds} rounds");
        }
    }

    /// Whatever happened before, a newcomer has its turn before anybody of no greater
    /// weight has two, and within as many turns as there are queues and weights.
    #[test]
    fn a_newcomer_waits_at_most_one_round(weights in prop::collection::vec(1..6_u32, 1..6), before in 0..500_usize, weight in 1..6_u32) {
        let mut turns = Turns::new();
        let old = queues(&weights);
        for _ in 0..before {
            next(&mut turns, &old);
        }
        let mut all = old.clone();
        all.push(Queue { key: 99, weight });
        let mut waited: BTreeMap<u32, u32> = BTreeMap::new();
        loop {
            let key = next(&mut turns, &all).unwrap();
            if key == 99 { break; }
            *waited.entry(key).or_default() += 1;
            let its_weight = weights[usize::try_from(key).unwrap()];
            prop_assert!(waited[&key] <= its_weight.div_ceil(weight).max(1) , "{key} went {} times", waited[&key]);
        }
    }
}
