//! `docmill ledger`: what was paid, held back and lost, by model and class of document.

use docmill_core::money::Usd;
use docmill_store::LedgerRow;
use serde_json::json;

use crate::args::{Context, LedgerArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::place::Place;
use crate::report::summary;
use crate::report::table::Table;
use crate::report::text::{clean, count};

/// Carries out the verb.
pub async fn perform(args: LedgerArgs, context: &Context) -> Result<Exit, Fault> {
    let place = Place::with_batches(context)?;
    let batch = place.find_batch(&args.batch).await?;
    let rows = place.ledger(batch.id).await?;
    let ui = &context.ui;
    if args.json {
        let balance = &batch.balance;
        ui.json(&json!({
            "batch": batch.id.to_string(),
            "budget_usd": balance.budget.map(Usd::to_decimal),
            "settled_usd": balance.settled.to_decimal(),
            "reserved_usd": balance.reserved.to_decimal(),
            "unconfirmed_usd": balance.unconfirmed.to_decimal(),
            "rows": rows.iter().map(row_json).collect::<Vec<_>>(),
        }))?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&[
        "model",
        "class",
        ">calls",
        ">settled",
        ">reserved",
        ">unconfirmed",
        ">lost calls",
    ]);
    for row in &rows {
        table.row(vec![
            (row.model.clone(), None),
            (row.class.to_string(), None),
            (count(row.calls), None),
            (row.settled.to_string(), None),
            (row.reserved.to_string(), None),
            (row.unconfirmed.to_string(), None),
            (count(row.unconfirmed_calls), None),
        ]);
    }
    let mut text = format!("{}: {}\n", clean(&batch.name), summary::cost(&batch));
    text.push_str(&table.render(ui.color_out, ui.width_out()));
    ui.out(&text)?;
    if batch.balance.unconfirmed > Usd::ZERO {
        ui.hint(&format!(
            "docmill reconcile {} --usage FILE settles the lost calls by the provider's usage export",
            batch.id.short()
        ));
    }
    Ok(Exit::Ok)
}

fn row_json(row: &LedgerRow) -> serde_json::Value {
    json!({
        "model": row.model,
        "class": row.class.as_str(),
        "calls": row.calls,
        "calls_in_flight": row.calls_in_flight,
        "unconfirmed_calls": row.unconfirmed_calls,
        "settled_usd": row.settled.to_decimal(),
        "reserved_usd": row.reserved.to_decimal(),
        "unconfirmed_usd": row.unconfirmed.to_decimal(),
    })
}
