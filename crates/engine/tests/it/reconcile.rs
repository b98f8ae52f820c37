//! Money whose end is not known is named, and comes back by the provider's own books.

use docmill_core::batch::BatchState;
use docmill_core::money::Usd;
use docmill_engine::reconcile::{ReconcileError, by_usage, release};
use docmill_testkit::standin::Misbehaviour;

use crate::scene::Scene;

/// The stand-in's books as a plain export.
fn export(scene: &Scene) -> String {
    let totals = scene.standin.totals();
    format!(
        "model,input_tokens,output_tokens\ngpt-4o-mini-2024-07-18,{},{}\n",
        totals.input, totals.output
    )
}

#[tokio::test]
async fn the_providers_books_settle_what_was_lost_to_the_last_nano_dollar() {
    let scene = Scene::new(6).await;
    scene.standin.next([
        Misbehaviour::ResetAfterBilling,
        Misbehaviour::TruncatedBody,
        Misbehaviour::InternalError,
    ]);
    let row = scene.run_all().await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    assert!(row.balance.unconfirmed > Usd::ZERO);
    let store = scene.engine.store();
    let ledger = store.ledger(row.id).await.unwrap();
    let sum =
        |of: fn(&docmill_store::LedgerRow) -> Usd| ledger.iter().map(|row| of(row).nanos()).sum::<i64>();
    assert_eq!(sum(|row| row.settled), row.balance.settled.nanos());
    assert_eq!(sum(|row| row.unconfirmed), row.balance.unconfirmed.nanos());

    let report = by_usage(store.as_ref(), row.id, &export(&scene), "Ann", scene.engine.now())
        .await
        .unwrap();
    assert_eq!(report.left, 0);
    let after = scene.row(row.id).await;
    assert_eq!(after.balance.unconfirmed, Usd::ZERO);
    let billed = i64::try_from(scene.standin.totals().cost_nanos).unwrap();
    assert_eq!(after.balance.settled.nanos(), billed, "the two books agree");
    let log = store.last_events(row.id, 5).await.unwrap();
    assert!(format!("{log:?}").contains("Ann reconciled"), "{log:?}");
    // Twice changes nothing.
    let again = by_usage(store.as_ref(), row.id, &export(&scene), "Ann", scene.engine.now()).await;
    assert!(matches!(again, Err(ReconcileError::Nothing)));
}

#[tokio::test]
async fn what_others_used_is_not_taken_for_what_was_lost() {
    let scene = Scene::new(2).await;
    scene.standin.next([Misbehaviour::ResetAfterBilling]);
    let row = scene.run_all().await;
    let store = scene.engine.store();
    let foreign = "model,input_tokens,output_tokens\ngpt-4o-mini,90000000,1\n";
    let refused = by_usage(store.as_ref(), row.id, foreign, "Ann", scene.engine.now()).await;
    assert!(
        matches!(refused, Err(ReconcileError::Foreign { .. })),
        "{refused:?}"
    );
    let other = "model,input_tokens,output_tokens\ngpt-4o,9,1\n";
    let refused = by_usage(store.as_ref(), row.id, other, "Ann", scene.engine.now()).await;
    assert!(
        matches!(refused, Err(ReconcileError::OtherModels { .. })),
        "{refused:?}"
    );
    assert_eq!(
        scene.row(row.id).await.balance,
        row.balance,
        "nothing was changed"
    );
}

#[tokio::test]
async fn a_batch_that_stops_for_lost_money_says_so_and_goes_on_once_it_is_released() {
    let mut scene = Scene::new(8).await;
    scene.plan.concurrency = Some(1);
    let alone = scene.run_all().await;
    let worst = scene.details(alone.id).await[0].attempts[0].reserved;
    scene.plan.reuse_answers = false;
    scene.budget = Some(Usd::from_nanos(worst.nanos() * 2));
    scene.always(Misbehaviour::ResetAfterBilling);
    let id = scene.batch(true).await;
    scene.run(id).await;
    let row = scene.row(id).await;
    assert_eq!(row.state, BatchState::BudgetExhausted, "{}", row.reason);
    assert!(
        row.reason
            .contains(&format!("{} of it is held back", row.balance.unconfirmed)),
        "{}",
        row.reason
    );
    let store = scene.engine.store();
    let report = release(store.as_ref(), id, "Ann", scene.engine.now())
        .await
        .unwrap();
    assert_eq!(report.reconciled.settled, Usd::ZERO);
    let after = scene.row(id).await;
    assert_eq!(after.balance.unconfirmed, Usd::ZERO);
    assert_eq!(
        after.state,
        BatchState::Running,
        "there is room for further calls"
    );
    let log = store.last_events(id, 5).await.unwrap();
    assert!(
        format!("{log:?}").contains("if the provider billed them"),
        "{log:?}"
    );
}
