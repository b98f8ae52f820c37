//! Lists: whatever the order, the filter and the size of the page, a list shows what matches, once.

use docmill_core::batch::BatchEvent;
use docmill_core::document::{Class, DocumentState, Kind};
use docmill_core::failure::FailureCode;
use docmill_core::id::Ordinal;
use docmill_store::{
    DocumentPage, DocumentProfile, DocumentQuery, DocumentRow, Matching, NewDocument, Next, Position, SortBy,
    StoreError,
};

use crate::support::{Fixture, NOW, World, document, extraction, failure, paid, usd};

const SORTS: [SortBy; 6] = [
    SortBy::Ordinal,
    SortBy::Name,
    SortBy::Cost,
    SortBy::Pages,
    SortBy::Updated,
    SortBy::Risk,
];

/// A batch of 60 documents of all sorts; ties in everything that can be sorted by.
async fn mixed(fixture: &Fixture) -> World {
    let neighbour = World::running(&fixture.store, 5, None).await;
    neighbour.complete_next(3).await;
    let world = World::draft(&fixture.store, None).await;
    let documents = (1..=60_u64)
        .map(|number| NewDocument {
            name: format!(
                "{} Übersicht {}.pdf",
                ["Invoice", "offer", "100%_x", "Öffnung", "ökostrom"][number as usize % 5],
                number / 2
            ),
            kind: [Kind::Pdf, Kind::Image][number as usize % 2],
            ..document(&format!("key {number}"))
        })
        .collect();
    world
        .store
        .enqueue_chunk(world.batch, documents, NOW)
        .await
        .unwrap();
    let found = (1..=30)
        .map(|number| DocumentProfile {
            ordinal: Ordinal(number),
            kind: Kind::Pdf,
            class: [Class::SimplePdf, Class::ScannedPdf][number as usize % 2],
            pages: number as u32 % 4,
            input_tokens: 5,
        })
        .collect();
    world.store.profile(world.batch, found, NOW).await.unwrap();
    world.on(BatchEvent::Start).await;
    world.claim(45).await;
    for number in 1..=40 {
        let mut commit = if number % 5 == 0 {
            let code = [FailureCode::Refused, FailureCode::CallTimeout][number as usize % 2];
            world.commit(number, None, Next::Failed(failure(code)))
        } else {
            let attempt = world.started(number, 100).await;
            let mut result = extraction(1);
            result.risk = (number % 7) as u16 * 100;
            let settlement = paid(attempt, (number % 6) as i64);
            world.commit(number, Some(settlement), Next::Completed(Box::new(result)))
        };
        commit.now = NOW.plus_ms((number % 9) as i64);
        assert!(world.store.commit(commit.into()).await.unwrap().applied);
    }
    world
}

pub(super) async fn page(world: &World, query: &DocumentQuery, position: Position) -> DocumentPage {
    let query = DocumentQuery {
        position,
        ..query.clone()
    };
    world.store.documents(world.batch, query).await.unwrap()
}

pub(super) fn ordinals(rows: &[DocumentRow]) -> Vec<u64> {
    rows.iter().map(|row| row.ordinal.0).collect()
}

/// Every row, by one page that is large enough.
async fn everything(world: &World) -> Vec<DocumentRow> {
    let query = DocumentQuery {
        limit: 1000,
        ..DocumentQuery::default()
    };
    let page = page(world, &query, Position::First).await;
    assert_eq!((page.next, page.previous), (None, None));
    page.rows
}

/// What the list should be.
fn expected(all: &[DocumentRow], query: &DocumentQuery) -> Vec<u64> {
    let mut rows: Vec<&DocumentRow> = all
        .iter()
        .filter(|row| {
            let code = row.failure.as_ref().map(|failure| failure.code);
            (query.states.is_empty() || query.states.contains(&row.state))
                && (query.kinds.is_empty() || query.kinds.contains(&row.kind))
                && (query.classes.is_empty() || query.classes.contains(&row.class))
                && (query.codes.is_empty() || code.is_some_and(|code| query.codes.contains(&code)))
                && query.cost_at_least.is_none_or(|cost| row.cost >= cost)
                && query.search.as_ref().is_none_or(|text| {
                    let (name, text) = (row.name.to_lowercase(), text.to_lowercase());
                    if text.chars().count() < 3 {
                        name.starts_with(&text)
                    } else {
                        name.contains(&text)
                    }
                })
        })
        .collect();
    rows.sort_by(|a, b| {
        match query.sort {
            SortBy::Ordinal => std::cmp::Ordering::Equal,
            SortBy::Name => a.name.cmp(&b.name),
            SortBy::Cost => a.cost.cmp(&b.cost),
            SortBy::Pages => a.pages.cmp(&b.pages),
            SortBy::Updated => a.updated_at.cmp(&b.updated_at),
            SortBy::Risk => a.risk.cmp(&b.risk),
            SortBy::Value => unreachable!("values have tests of their own"),
        }
        .then(a.ordinal.cmp(&b.ordinal))
    });
    if query.descending {
        rows.reverse();
    }
    rows.into_iter().map(|row| row.ordinal.0).collect()
}

/// Walks a list to its end and back; every page says where it stands.
pub(super) async fn walk(world: &World, query: &DocumentQuery, expected: &[u64]) {
    let mut seen = Vec::new();
    let mut position = Position::First;
    let mut last = loop {
        let page = page(world, query, position).await;
        assert_eq!(
            page.matching,
            Matching::Exactly(expected.len() as u64),
            "{query:?}"
        );
        if page.rows.is_empty() {
            assert_eq!(page.first, None);
        } else {
            assert_eq!(page.first, Some(seen.len() as u64 + 1), "{query:?}");
        }
        assert_eq!(page.previous.is_some(), !seen.is_empty());
        seen.extend(ordinals(&page.rows));
        match page.next.clone() {
            Some(next) => position = Position::After(next),
            None => break page,
        }
    };
    assert_eq!(seen, expected, "forwards {query:?}");
    let mut back = ordinals(&last.rows);
    while let Some(previous) = last.previous {
        last = page(world, query, Position::Before(previous)).await;
        let mut rows = ordinals(&last.rows);
        assert_eq!(
            last.first,
            Some((expected.len() - back.len() - rows.len()) as u64 + 1)
        );
        rows.extend(&back);
        back = rows;
    }
    assert_eq!(back, expected, "backwards {query:?}");
}

fn in_every_order(filter: &DocumentQuery) -> Vec<DocumentQuery> {
    SORTS
        .into_iter()
        .flat_map(|sort| [true, false].map(|descending| (sort, descending)))
        .map(|(sort, descending)| DocumentQuery {
            sort,
            descending,
            ..filter.clone()
        })
        .collect()
}

pub async fn every_order_shows_each_document_once_forwards_and_backwards(fixture: &Fixture) {
    let world = mixed(fixture).await;
    let all = everything(&world).await;
    assert_eq!(all.len(), 60);
    for limit in [7, 20, 60] {
        let list = DocumentQuery {
            limit,
            ..DocumentQuery::default()
        };
        for query in in_every_order(&list) {
            walk(&world, &query, &expected(&all, &query)).await;
        }
    }
}

pub async fn pages_by_number_are_the_same_pages(fixture: &Fixture) {
    let world = mixed(fixture).await;
    let all = everything(&world).await;
    let completed = DocumentQuery {
        states: vec![DocumentState::Completed],
        ..DocumentQuery::default()
    };
    for filter in [DocumentQuery::default(), completed] {
        for mut query in in_every_order(&filter) {
            query.limit = 9;
            let expected = expected(&all, &query);
            for number in 1..=9_u64 {
                let page = page(&world, &query, Position::Number(number)).await;
                let from = ((number as usize - 1) * 9).min(expected.len());
                let to = (from + 9).min(expected.len());
                assert_eq!(
                    ordinals(&page.rows),
                    expected[from..to],
                    "page {number} of {query:?}"
                );
                assert_eq!(page.first, (from < to).then_some(from as u64 + 1));
                assert_eq!(page.next.is_some(), from < to && to < expected.len());
                assert_eq!(page.previous.is_some(), from < to && from > 0);
            }
            let beyond = page(&world, &query, Position::Number(u64::MAX)).await;
            assert_eq!(beyond.rows, []);
        }
    }
}

pub async fn filters_show_what_matches_and_say_how_many(fixture: &Fixture) {
    let world = mixed(fixture).await;
    let all = everything(&world).await;
    let list = || DocumentQuery {
        limit: 8,
        ..DocumentQuery::default()
    };
    let filters = [
        DocumentQuery {
            states: vec![DocumentState::Completed],
            ..list()
        },
        DocumentQuery {
            states: vec![
                DocumentState::Pending,
                DocumentState::Failed,
                DocumentState::Failed,
            ],
            ..list()
        },
        DocumentQuery {
            kinds: vec![Kind::Image],
            ..list()
        },
        DocumentQuery {
            states: vec![DocumentState::Leased, DocumentState::Completed],
            kinds: vec![Kind::Pdf],
            classes: vec![Class::SimplePdf, Class::Unknown],
            ..list()
        },
        DocumentQuery {
            codes: vec![FailureCode::Refused],
            ..list()
        },
        DocumentQuery {
            states: vec![DocumentState::Failed],
            codes: vec![FailureCode::CallTimeout],
            ..list()
        },
        DocumentQuery {
            cost_at_least: Some(usd(3)),
            ..list()
        },
        DocumentQuery {
            search: Some("ÜBERSICHT 1".to_owned()),
            cost_at_least: Some(usd(1)),
            ..list()
        },
        DocumentQuery {
            states: vec![DocumentState::Cancelled],
            ..list()
        },
    ];
    for (index, filter) in filters.iter().enumerate() {
        let matching = expected(&all, filter).len();
        assert!(matching < all.len() && (matching > 0 || index == filters.len() - 1));
        for query in in_every_order(filter) {
            walk(&world, &query, &expected(&all, &query)).await;
        }
    }
}

pub async fn names_are_searched_by_substring_and_without_case(fixture: &Fixture) {
    let world = mixed(fixture).await;
    let all = everything(&world).await;
    for text in [
        "invoice",
        "OFFER Üb",
        "übersicht 29",
        "sicht",
        "in",
        "I",
        "ö",
        "ÖF",
        "Ök",
        "100%_x",
        "%_x",
        "1%",
        "\"",
        "pdf\" OR \"x",
        "nothing",
        "o\0f",
        "\0",
        "'; --",
    ] {
        let query = DocumentQuery {
            search: Some(text.to_owned()),
            limit: 11,
            ..DocumentQuery::default()
        };
        let meant = DocumentQuery {
            search: Some(text.replace('\0', "")),
            ..query.clone()
        };
        walk(&world, &query, &expected(&all, &meant)).await;
    }
}

pub async fn documents_that_change_do_not_shift_the_pages_of_others(fixture: &Fixture) {
    let world = World::running(&fixture.store, 50, None).await;
    let query = DocumentQuery {
        sort: SortBy::Name,
        limit: 10,
        ..DocumentQuery::default()
    };
    let mut seen = Vec::new();
    let mut position = Position::First;
    loop {
        let page = page(&world, &query, position).await;
        seen.extend(ordinals(&page.rows));
        for _ in 0..10 {
            world.complete_next(1).await;
        }
        match page.next {
            Some(next) => position = Position::After(next),
            None => break,
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=50).collect::<Vec<u64>>());
}

pub async fn a_cursor_of_another_list_is_refused(fixture: &Fixture) {
    let world = World::running(&fixture.store, 9, None).await;
    let by_name = DocumentQuery {
        sort: SortBy::Name,
        limit: 2,
        ..DocumentQuery::default()
    };
    let next = page(&world, &by_name, Position::First).await.next.unwrap();
    for (sort, text) in [
        (SortBy::Cost, next.as_str()),
        (SortBy::Name, "nonsense"),
        (SortBy::Name, ""),
    ] {
        let query = DocumentQuery {
            sort,
            position: Position::After(text.to_owned()),
            ..DocumentQuery::default()
        };
        let error = world.store.documents(world.batch, query).await.unwrap_err();
        assert!(matches!(error, StoreError::BadCursor(_)), "{error}");
    }
    for ordinal in [0, 10, 1 << 40, (1 << 40) + 1, u64::MAX] {
        let error = world.store.document(world.id(ordinal)).await.unwrap_err();
        assert!(matches!(error, StoreError::NoSuchDocument(_)), "{error}");
    }
    let nowhere = docmill_core::BatchId(uuid::Uuid::now_v7());
    let error = world.store.documents(nowhere, by_name).await.unwrap_err();
    assert!(matches!(error, StoreError::NoSuchBatch(_)), "{error}");
}

pub async fn failures_are_grouped_with_the_newest_example(fixture: &Fixture) {
    let world = World::running(&fixture.store, 6, None).await;
    assert_eq!(world.store.failures(world.batch).await.unwrap(), []);
    for code in [
        FailureCode::Refused,
        FailureCode::CallTimeout,
        FailureCode::CallTimeout,
    ] {
        world.fail_next(code).await;
    }
    world.claim(1).await;
    let retry = Next::Retry {
        at: NOW,
        failure: failure(FailureCode::Refused),
        counts: true,
    };
    world.end(4, None, retry).await;
    let groups = world.store.failures(world.batch).await.unwrap();
    let told: Vec<_> = groups
        .iter()
        .map(|group| (group.code, group.documents, group.example_document.0))
        .collect();
    assert_eq!(
        told,
        [(FailureCode::CallTimeout, 2, 3), (FailureCode::Refused, 1, 1)],
        "what waits for its next attempt has not failed"
    );
    assert_eq!(groups[0].example, "it was call_timeout");
}

pub async fn results_come_in_order(fixture: &Fixture) {
    let neighbour = World::running(&fixture.store, 2, None).await;
    let world = World::running(&fixture.store, 5, None).await;
    World::running(&fixture.store, 2, None).await;
    neighbour.complete_next(1).await;
    world.complete_next(1).await;
    world.fail_next(FailureCode::Refused).await;
    world.complete_next(3).await;
    let rows = world
        .store
        .results_after(world.batch, Ordinal(0), 2)
        .await
        .unwrap();
    let more = world
        .store
        .results_after(world.batch, Ordinal(2), 100)
        .await
        .unwrap();
    let told: Vec<_> = rows
        .iter()
        .chain(&more)
        .map(|result| (result.row.ordinal.0, result.extraction.clone()))
        .collect();
    let expected = [Some(extraction(1)), None, Some(extraction(3)), None, None];
    assert_eq!(told, (1..=5).zip(expected).collect::<Vec<_>>());
}
