//! `docmill limits`: what all batches together may spend a day and a month.

use docmill_core::money::Usd;
use docmill_core::spending::Limits;
use serde_json::{Value, json};

use crate::args::{Context, LimitsArgs};
use crate::deed;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::place::Place;

/// Carries out the verb.
pub async fn perform(args: LimitsArgs, context: &Context) -> Result<Exit, Fault> {
    let changes = args.day.is_some() || args.month.is_some();
    let place = if changes {
        Some(Place::to_steer(context)?)
    } else {
        Place::to_look(context)?
    };
    // Without a database nothing is limited.
    let mut limits = match &place {
        Some(place) => place.limits().await?,
        None => Limits::default(),
    };
    let before = limits;
    if changes && let Some(place) = &place {
        limits = Limits {
            day: args.day.map_or(limits.day, |day| day.amount()),
            month: args.month.map_or(limits.month, |month| month.amount()),
        };
        place.set_limits(&limits).await?;
        if let Place::Here(store) = place {
            let (before, after) = (as_json(&before), as_json(&limits));
            deed::changed(store.as_ref(), "limits", "", Some(before), Some(after)).await?;
        }
    }
    if args.json {
        context.ui.json(&as_json(&limits))?;
        return Ok(Exit::Ok);
    }
    let words = |limit: Option<Usd>| limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    context.ui.out(&format!(
        "a day    {}\na month  {}\n",
        words(limits.day),
        words(limits.month)
    ))?;
    Ok(Exit::Ok)
}

fn as_json(limits: &Limits) -> Value {
    json!({
        "day_budget_usd": limits.day.map(Usd::as_f64),
        "month_budget_usd": limits.month.map(Usd::as_f64),
    })
}
