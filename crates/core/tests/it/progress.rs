//! How far a document is follows from its stored attempts, and from nothing else.

use docmill_core::attempt::{AnswerKey, Attempt, AttemptOutcome};
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::money::Usd;
use docmill_core::progress::{Effect, Leaf, PartId, Progress, Rejected, Standing, troubles_of};
use docmill_core::time::Timestamp;
use docmill_core::usage::Usage;
use proptest::prelude::*;

type Toy = Progress<String, String>;

/// What would be asked: the part, and the answer that is sent back with it.
fn key(leaf: &Leaf<String, String>) -> AnswerKey {
    let repair = match &leaf.standing {
        Standing::Open { repair: Some(bad) } => bad.answer.clone(),
        _ => String::new(),
    };
    AnswerKey::of(&[leaf.part.as_bytes(), repair.as_bytes()])
}

/// Answers say what they do: `ok…`, `bad…` (repaired once), `cut…` (split while it can be), else given up.
fn effect(leaf: &Leaf<String, String>, answer: &str) -> Effect<String, String> {
    let failure = Failure::new(FailureCode::InvalidAnswer, answer);
    match answer.get(..3) {
        Some("ok ") => Effect::Accepted(answer.to_owned()),
        Some("bad") if leaf.repairs == 0 => Effect::Repair(Rejected {
            answer: answer.to_owned(),
            problems: "it is bad".to_owned(),
        }),
        Some("cut") if leaf.splits < 2 => {
            Effect::Split(vec![format!("{}a", leaf.part), format!("{}b", leaf.part)])
        }
        _ => Effect::Lost(failure),
    }
}

fn attempt(number: u32, part: PartId, key: AnswerKey, answer: Option<&str>) -> Attempt {
    Attempt {
        number,
        model: "test".to_owned(),
        part: part.0,
        answer_key: key,
        outcome: match answer {
            Some(_) => AttemptOutcome::Answered,
            None => AttemptOutcome::Unconfirmed,
        },
        reserved: Usd::ZERO,
        cost: Usd::ZERO,
        usage: Usage::default(),
        started_at: Timestamp(0),
        latency_ms: 0,
        request_id: None,
        failure: answer
            .is_none()
            .then(|| Failure::new(FailureCode::CallTimeout, "no answer")),
        raw_answer: answer.map(str::to_owned),
    }
}

/// Asks the n-th open part and takes the answer; returns the attempt that is stored.
fn ask(progress: &mut Toy, which: usize, number: u32, answer: Option<&str>) -> Option<Attempt> {
    let open: Vec<_> = progress.leaves().iter().filter(|leaf| leaf.is_open()).collect();
    let leaf = *open.get(which % open.len().max(1))?;
    let stored = attempt(number, leaf.id, key(leaf), answer);
    let (id, effect) = (leaf.id, answer.map(|answer| effect(leaf, answer)));
    if let Some(effect) = effect {
        progress.apply(id, effect);
    }
    Some(stored)
}

fn rebuilt(parts: &[String], past: &[Attempt], retried_after: u32) -> Toy {
    let mut progress = Toy::new(parts.to_vec());
    progress.rebuild(past, retried_after, key, |leaf, attempt| {
        effect(leaf, attempt.raw_answer.as_deref().unwrap_or_default())
    });
    progress
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|part| format!("part {part}")).collect()
}

proptest! {
    /// Whatever was answered in whatever order, and wherever the process died: who takes the
    /// document up stands where the one before stood.
    #[test]
    fn whoever_takes_a_document_up_stands_where_the_last_one_stood(
        parts in 1_usize..6,
        answers in prop::collection::vec((0_usize..8, prop::sample::select(vec![
            Some("ok 1"), Some("ok 2"), Some("bad 1"), Some("bad 2"), Some("cut"), Some("no"), None,
        ])), 0..40),
    ) {
        let parts = names(parts);
        let mut progress = Toy::new(parts.clone());
        let mut past = Vec::new();
        for (number, (which, answer)) in (1..).zip(answers) {
            let Some(stored) = ask(&mut progress, which, number, answer) else { break };
            past.push(stored);
            prop_assert_eq!(&rebuilt(&parts, &past, 0), &progress);
        }
    }

    /// No prompt that was answered is asked again, unless a person wanted that.
    #[test]
    fn nothing_that_was_answered_is_asked_again(
        answers in prop::collection::vec((0_usize..8, prop::sample::select(vec!["ok 1", "bad 1", "cut", "no"])), 0..40),
    ) {
        let parts = names(3);
        let mut progress = Toy::new(parts.clone());
        let mut past: Vec<Attempt> = Vec::new();
        for (number, (which, answer)) in (1..).zip(answers) {
            let Some(stored) = ask(&mut progress, which, number, Some(answer)) else { break };
            prop_assert!(past.iter().all(|before| before.answer_key != stored.answer_key));
            past.push(stored);
            progress = rebuilt(&parts, &past, 0);
        }
    }
}

#[test]
fn a_persons_retry_asks_afresh_what_was_given_up_and_nothing_else() {
    let parts = names(2);
    let mut progress = Toy::new(parts.clone());
    let mut past = Vec::new();
    for (number, which, answer) in [(1, 0, "ok 1"), (2, 0, "bad 1"), (3, 0, "bad 2")] {
        past.extend(ask(&mut progress, which, number, Some(answer)));
    }
    assert!(progress.is_ended());
    let again = rebuilt(&parts, &past, 3);
    assert!(matches!(again.leaves()[0].standing, Standing::Accepted(_)));
    let second = &again.leaves()[1];
    assert_eq!((second.is_open(), second.repairs), (true, 0));
    // What is answered after the retry counts again.
    past.push(attempt(4, second.id, key(second), Some("no")));
    assert!(rebuilt(&parts, &past, 3).is_ended());
}

#[test]
fn troubles_are_counted_for_each_part() {
    let progress = Toy::new(names(2));
    let keys: Vec<_> = progress.leaves().iter().map(key).collect();
    let past = [
        attempt(1, PartId(0), keys[0], None),
        attempt(2, PartId(1), keys[1], None),
        attempt(3, PartId(0), keys[0], None),
        attempt(4, PartId(0), keys[0], Some("ok 1")),
    ];
    assert_eq!(troubles_of(&past, PartId(0)), 2);
    assert_eq!(troubles_of(&past, PartId(1)), 1);
}
