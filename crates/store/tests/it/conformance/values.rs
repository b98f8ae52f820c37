//! Values: lists are sorted and filtered by them, whenever their index was made.

use std::cmp::Ordering;

use docmill_core::document::DocumentState;
use docmill_core::template::fields;
use docmill_core::values::{SortKey, conditions};
use docmill_core::verdict::Verdict;
use docmill_store::{DocumentQuery, Matching, NewReview, Next, Position, SortBy, StoreError};
use serde_json::{Value, json};

use super::lists::{ordinals, page, walk};
use crate::support::{Fixture, NOW, World, extraction, paid};

/// What stands in the result of a document: of every kind, with ties.
fn data(number: u64) -> Value {
    let total = match number % 9 {
        0 => json!(null),
        1 => json!(number / 2),
        2 => json!(-1.5),
        3 => json!(1_000),
        4 => json!("about 5"),
        5 => json!(12.25),
        6 => json!(3),
        7 => json!("About 5"),
        _ => return json!({ "seller": { "name": "Shop" }, "lines": [] }),
    };
    let seller = ["Corner Shop", "corner bakery", "Öl & Co", ""][number as usize % 4];
    json!({ "total": total, "seller": { "name": seller }, "lines": vec![1; number as usize % 3] })
}

fn rank(key: &SortKey) -> u8 {
    match key {
        SortKey::Whole(_) | SortKey::Number(_) => 0,
        SortKey::Text(_) => 1,
        SortKey::Empty => 2,
    }
}

fn number(key: &SortKey) -> f64 {
    match key {
        SortKey::Whole(whole) => *whole as f64,
        SortKey::Number(number) => *number,
        SortKey::Text(_) | SortKey::Empty => 0.0,
    }
}

fn order(a: &SortKey, b: &SortKey) -> Ordering {
    match (a, b) {
        (SortKey::Text(a), SortKey::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        _ if rank(a) != rank(b) => rank(a).cmp(&rank(b)),
        _ => number(a).total_cmp(&number(b)),
    }
}

async fn complete(world: &World, number: u64) {
    let attempt = world.started(number, 100).await;
    let mut result = extraction(1);
    result.data = data(number);
    world
        .end(number, Some(paid(attempt, 5)), Next::Completed(Box::new(result)))
        .await;
}

async fn prepare(world: &World, pointer: &str, limit: u32) -> u32 {
    for calls in 1.. {
        let prepared = world
            .store
            .prepare_values(world.batch, pointer, limit, NOW)
            .await
            .unwrap();
        assert!(prepared.documents <= prepared.of);
        if prepared.is_ready {
            return calls;
        }
    }
    unreachable!()
}

/// A batch of 80, of which 60 have results: some from before the index was begun, some from while
/// it was made, some from after; two were corrected.
async fn world(fixture: &Fixture) -> (World, Vec<(u64, Value)>) {
    let neighbour = World::running(&fixture.store, 5, None).await;
    neighbour.complete_next(3).await;
    prepare(&neighbour, "/total", 100).await;
    let world = World::running(&fixture.store, 80, None).await;
    world.claim(70).await;
    for number in 1..=30 {
        complete(&world, number).await;
    }
    let correct = async |number: u64, data: Value| {
        let review = NewReview {
            verdict: Verdict::Approved,
            data: Some(data),
            seen: 0,
            reviewer: "ada".to_owned(),
        };
        let done = world.store.review(world.id(number), review, NOW).await;
        done.unwrap().unwrap();
    };
    correct(
        4,
        json!({ "total": 77, "seller": { "name": "Mended" }, "lines": [1] }),
    )
    .await;
    let first = world.store.prepare_values(world.batch, "/total", 7, NOW).await;
    assert!(!first.unwrap().is_ready);
    for number in 31..=50 {
        complete(&world, number).await;
    }
    for pointer in ["/total", "/seller/name", "/lines"] {
        assert!(prepare(&world, pointer, 7).await > 1);
        assert_eq!(prepare(&world, pointer, 7).await, 1, "it is kept");
    }
    for number in 51..=60 {
        complete(&world, number).await;
    }
    correct(
        55,
        json!({ "total": 78, "seller": { "name": "Mended, too" }, "lines": [] }),
    )
    .await;
    let mut all: Vec<(u64, Value)> = (1..=60).map(|number| (number, data(number))).collect();
    all[3].1 = json!({ "total": 77, "seller": { "name": "Mended" }, "lines": [1] });
    all[54].1 = json!({ "total": 78, "seller": { "name": "Mended, too" }, "lines": [] });
    (world, all)
}

pub async fn lists_follow_the_values_forwards_and_backwards(fixture: &Fixture) {
    let (world, all) = world(fixture).await;
    for pointer in ["/total", "/seller/name", "/lines"] {
        let mut sorted: Vec<(u64, SortKey)> = all
            .iter()
            .map(|(number, data)| (*number, SortKey::of(data.pointer(pointer))))
            .collect();
        sorted.sort_by(|a, b| order(&a.1, &b.1).then(a.0.cmp(&b.0)));
        let mut expected: Vec<u64> = sorted.iter().map(|(number, _)| *number).collect();
        for descending in [false, true] {
            for limit in [7, 60] {
                let query = DocumentQuery {
                    sort: SortBy::Value,
                    sort_field: Some(pointer.to_owned()),
                    descending,
                    limit,
                    ..DocumentQuery::default()
                };
                walk(&world, &query, &expected).await;
                for (number, wanted) in expected.chunks(limit as usize).enumerate() {
                    let page = page(&world, &query, Position::Number(number as u64 + 1)).await;
                    assert_eq!(ordinals(&page.rows), wanted, "{pointer}, page {}", number + 1);
                }
                let middle = Position::AfterDocument(docmill_core::Ordinal(expected[20]));
                let after = page(&world, &query, middle).await;
                assert_eq!(after.rows[0].ordinal.0, expected[21]);
            }
            expected.reverse();
        }
    }
}

pub async fn lists_show_what_meets_the_conditions_on_values(fixture: &Fixture) {
    let (world, all) = world(fixture).await;
    let known = fields(&json!({"type": "object", "properties": {
        "total": {"type": ["number", "string", "null"]},
        "seller": {"type": "object", "properties": {"name": {"type": "string"}}},
        "lines": {"type": "array", "items": {"type": "integer"}},
    }}));
    let key = |data: &Value, pointer: &str| SortKey::of(data.pointer(pointer));
    let is_number = |key: &SortKey| rank(key) == 0;
    let text = |data: &Value, pointer: &str| match key(data, pointer) {
        SortKey::Text(text) => text,
        _ => String::new(),
    };
    type Meets<'m> = Box<dyn Fn(&Value) -> bool + 'm>;
    let total = |meets: fn(f64) -> bool| -> Meets<'_> {
        Box::new(move |data| is_number(&key(data, "/total")) && meets(number(&key(data, "/total"))))
    };
    let cases: Vec<(&str, Meets<'_>)> = vec![
        ("total > 12.25", total(|it| it > 12.25)),
        ("total >= 12.25", total(|it| it >= 12.25)),
        ("total < 3", total(|it| it < 3.0)),
        ("total <= 3", total(|it| it <= 3.0)),
        ("total = 1000", total(|it| it == 1000.0)),
        (
            "total = \"ABOUT 5\"",
            Box::new(|data| text(data, "/total") == "about 5"),
        ),
        (
            "total is empty",
            Box::new(|data| key(data, "/total") == SortKey::Empty),
        ),
        (
            "total is not empty",
            Box::new(|data| key(data, "/total") != SortKey::Empty),
        ),
        (
            "seller.name ~ corner",
            Box::new(|data| text(data, "/seller/name").contains("corner")),
        ),
        (
            "seller.name ^ corner",
            Box::new(|data| text(data, "/seller/name").starts_with("corner")),
        ),
        (
            "seller.name contains ÖL",
            Box::new(|data| text(data, "/seller/name").contains("öl")),
        ),
        (
            "seller.name != shop",
            Box::new(|data| !["", "shop"].contains(&text(data, "/seller/name").as_str())),
        ),
        (
            "seller.name begins m",
            Box::new(|data| text(data, "/seller/name").starts_with('m')),
        ),
        (
            "seller.name < \"corner c\"",
            Box::new(|data| {
                let name = text(data, "/seller/name");
                !name.is_empty() && name.as_str() < "corner c"
            }),
        ),
        ("lines > 1", Box::new(|data| number(&key(data, "/lines")) > 1.0)),
        (
            "total > 2 and seller.name ~ corner and lines is not empty",
            Box::new(|data| {
                is_number(&key(data, "/total"))
                    && number(&key(data, "/total")) > 2.0
                    && text(data, "/seller/name").contains("corner")
                    && key(data, "/lines") != SortKey::Empty
            }),
        ),
        ("total > 2 and total < 13", total(|it| it > 2.0 && it < 13.0)),
        ("total > 100000", Box::new(|_| false)),
    ];
    for (typed, meets) in &cases {
        let values = conditions(typed, &known).unwrap();
        let found: Vec<&(u64, Value)> = all.iter().filter(|(_, data)| meets(data)).collect();
        let query = DocumentQuery {
            values,
            limit: 5,
            ..DocumentQuery::default()
        };
        let expected: Vec<u64> = found.iter().map(|(number, _)| *number).collect();
        walk(&world, &query, &expected).await;
        let mut sorted: Vec<(u64, SortKey)> = found
            .iter()
            .map(|(number, data)| (*number, key(data, "/seller/name")))
            .collect();
        sorted.sort_by(|a, b| order(&a.1, &b.1).then(a.0.cmp(&b.0)));
        let expected: Vec<u64> = sorted.iter().map(|(number, _)| *number).collect();
        let query = DocumentQuery {
            sort: SortBy::Value,
            sort_field: Some("/seller/name".to_owned()),
            ..query
        };
        walk(&world, &query, &expected).await;
        // Beside other filters.
        let query = DocumentQuery {
            states: vec![DocumentState::Completed],
            search: Some("doc".to_owned()),
            ..query
        };
        let found = page(&world, &query, Position::First).await.matching;
        let names = world.store.documents(
            world.batch,
            DocumentQuery {
                values: Vec::new(),
                sort: SortBy::Ordinal,
                ..query
            },
        );
        let named = names.await.unwrap().matching;
        let most = if named == Matching::Exactly(0) {
            0
        } else {
            expected.len() as u64
        };
        assert_eq!(found, Matching::Exactly(most), "{typed}");
    }
}

pub async fn values_that_are_not_prepared_are_said(fixture: &Fixture) {
    let world = World::running(&fixture.store, 5, None).await;
    let query = DocumentQuery {
        sort: SortBy::Value,
        sort_field: Some("/total".to_owned()),
        ..DocumentQuery::default()
    };
    let refused = world.store.documents(world.batch, query.clone()).await;
    assert!(
        matches!(&refused, Err(StoreError::BadCursor(said)) if said.contains("/total")),
        "{refused:?}"
    );
    // Of a batch without results it is ready at once, and kept as they come.
    assert_eq!(prepare(&world, "/total", 10).await, 1);
    assert_eq!(
        page(&world, &query, Position::First).await.matching,
        Matching::Exactly(0)
    );
    world.claim(2).await;
    complete(&world, 1).await;
    complete(&world, 2).await;
    assert_eq!(page(&world, &query, Position::First).await.rows.len(), 2);
    // The field that was not asked for longest makes room, and comes back.
    for number in 0..16 {
        prepare(&world, &format!("/other {number}"), 10).await;
    }
    assert!(world.store.documents(world.batch, query.clone()).await.is_err());
    prepare(&world, "/total", 10).await;
    assert_eq!(
        page(&world, &query, Position::First).await.matching,
        Matching::Exactly(2)
    );
    let results = world.store.results_of(
        world.batch,
        vec![docmill_core::Ordinal(2), docmill_core::Ordinal(9)],
    );
    let results = results.await.unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].extraction.as_ref().unwrap().data, data(2));
}

pub async fn what_is_forgotten_has_no_values(fixture: &Fixture) {
    let (world, all) = world(fixture).await;
    world.on(docmill_core::batch::BatchEvent::Pause).await;
    for document in world
        .store
        .documents(world.batch, DocumentQuery::default())
        .await
        .unwrap()
        .rows
    {
        if document.state == DocumentState::Leased {
            world.end(document.ordinal.0, None, Next::Released).await;
        }
    }
    world.store.forget(world.batch, None, NOW).await.unwrap();
    let query = DocumentQuery {
        sort: SortBy::Value,
        sort_field: Some("/total".to_owned()),
        values: conditions(
            "total is not empty",
            &fields(&json!({"type": "object", "properties": {"total": {"type": "number"}}})),
        )
        .unwrap(),
        ..DocumentQuery::default()
    };
    assert_eq!(
        page(&world, &query, Position::First).await.matching,
        Matching::Exactly(0)
    );
    let query = DocumentQuery {
        values: Vec::new(),
        ..query
    };
    assert_eq!(
        page(&world, &query, Position::First).await.matching,
        Matching::Exactly(all.len() as u64)
    );
}

/// The store writes in groups: an index may be begun in the very transaction that takes results.
pub async fn results_that_come_while_an_index_is_begun_are_in_it(fixture: &Fixture) {
    const BURST: u64 = 40;
    for round in 0..4 {
        let world = World::running(&fixture.store, BURST, None).await;
        world.claim(BURST as u32).await;
        let started: Vec<_> = (1..=BURST)
            .map(|number| {
                let world = world.clone();
                tokio::spawn(async move { (number, world.started(number, 100).await) })
            })
            .collect();
        let mut attempts = Vec::new();
        for call in started {
            attempts.push(call.await.unwrap());
        }
        let pointer = "/total".to_owned();
        let (store, batch) = (world.store.clone(), world.batch);
        let mut writes = vec![tokio::spawn(async move {
            store.prepare_values(batch, &pointer, 1_000, NOW).await.unwrap();
        })];
        for (number, attempt) in attempts {
            let world = world.clone();
            writes.push(tokio::spawn(async move {
                let mut result = extraction(1);
                result.data = data(number);
                let next = Next::Completed(Box::new(result));
                world.end(number, Some(paid(attempt, 5)), next).await;
            }));
        }
        for write in writes {
            write.await.unwrap();
        }
        prepare(&world, "/total", 1_000).await;
        let query = DocumentQuery {
            sort: SortBy::Value,
            sort_field: Some("/total".to_owned()),
            ..DocumentQuery::default()
        };
        let found = page(&world, &query, Position::First).await;
        assert_eq!(found.matching, Matching::Exactly(BURST), "round {round}");
        assert_eq!(found.rows.len() as u64, BURST, "round {round}");
    }
}
