//! Counting, showing and asking, before anything is spent.

use std::io::{self, BufRead, Write};
use std::sync::Mutex;

use docmill_core::estimate::{Estimate, Estimator};
use docmill_core::id::BatchId;
use docmill_core::money::Usd;
use docmill_core::plan::Plan;
use docmill_engine::profile::ProfileProgress;
use docmill_store::BatchRow;

use super::{Bench, lock};
use crate::args::{Context, Limit};
use crate::clock::now;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::report;
use crate::report::live::Reporter;

/// Reads every document and counts; nothing is paid.
pub async fn profile(bench: &Bench, id: BatchId, context: &Context) -> Result<Estimate, Fault> {
    let reporter = Mutex::new(Reporter::new(&context.ui));
    let on_progress = |progress: ProfileProgress, _: &Estimator| {
        lock(&reporter).counting("reading", progress.counted, Some(progress.total));
    };
    Ok(bench.engine.estimate(id, &on_progress).await?)
}

/// What a person said about money before.
#[derive(Debug, Clone, Copy)]
pub struct Consent {
    /// The wall, as typed.
    pub budget: Option<Limit>,
    /// Do not ask.
    pub yes: bool,
    /// Do not count first.
    pub no_estimate: bool,
}

impl Consent {
    /// Refuses early what cannot be allowed later: a paid run that nobody can be asked about.
    pub fn check(self, plan: &Plan, context: &Context) -> Result<(), Fault> {
        if !costs_money(plan) {
            return Ok(());
        }
        let can_be_asked = context.ui.terminal_in && context.ui.terminal_err;
        if self.budget.is_none() && !self.yes && !can_be_asked {
            return Err(Fault::usage(format!("{} costs money, and nobody can be asked here", plan.model))
                .hint("say --budget USD, or --yes to take the recommended budget; docmill estimate says what it will cost"));
        }
        if self.budget.is_none() && self.no_estimate {
            return Err(
                Fault::usage("without an estimate there is no budget to recommend")
                    .hint("say --budget USD, or leave --no-estimate out"),
            );
        }
        Ok(())
    }

    /// Whether nothing has to be counted or asked before the first call: it is free, or there is a
    /// wall and nobody wants to see the estimate first.
    pub fn starts_at_once(self, plan: &Plan) -> bool {
        plan.price.is_free() || (self.budget.is_some() && (self.yes || self.no_estimate))
    }

    /// Counts, shows and asks; then the wall stands. `false`: the person said no.
    pub async fn obtain(self, bench: &Bench, row: &BatchRow, context: &Context) -> Result<bool, Fault> {
        if row.plan.price.is_free() || self.no_estimate || row.counters.pending == 0 {
            return Ok(true);
        }
        let estimate = profile(bench, row.id, context).await?;
        let Some(wall) = self.decide(row, &estimate, context).await? else {
            return Ok(false);
        };
        if wall != row.balance.budget {
            bench.store.set_budget(row.id, wall, now()).await?;
        }
        Ok(true)
    }

    /// Shows what was counted and asks. The wall that was agreed on; `None`: the person said no.
    pub async fn decide(
        self,
        row: &BatchRow,
        estimate: &Estimate,
        context: &Context,
    ) -> Result<Option<Option<Usd>>, Fault> {
        let ui = &context.ui;
        if !ui.quiet {
            let text = report::estimate::render(estimate, &row.plan.model, ui.color_err, None);
            ui.say(&format!("\n{text}"));
        }
        // What was spent before is behind the same wall.
        let balance = &row.balance;
        let spent = balance
            .settled
            .saturating_add(balance.unconfirmed)
            .saturating_add(balance.reserved);
        let recommended = spent.saturating_add(estimate.budget);
        let wall = match (self.budget, balance.budget) {
            (Some(typed), _) => typed.amount(),
            (None, Some(standing)) => Some(standing.max(recommended)),
            (None, None) => Some(recommended),
        };
        if let Some(wall) = wall
            && wall.saturating_sub(spent) < estimate.total.cost
        {
            ui.warn("the budget will probably not do for all documents; the rest can be done later with a larger one");
        }
        let ask = costs_money(&row.plan) && !self.yes && ui.terminal_in && ui.terminal_err;
        let answer = if ask { question(wall).await? } else { Answer::Yes };
        Ok(match answer {
            Answer::No => None,
            Answer::Yes => Some(wall),
            Answer::Budget(budget) => Some(Some(budget)),
        })
    }
}

/// Whether somebody will send a bill: a rehearsal has prices too.
fn costs_money(plan: &Plan) -> bool {
    !plan.price.is_free() && !plan.model.starts_with("sim/")
}

enum Answer {
    Yes,
    No,
    Budget(Usd),
}

/// Asks until the answer can be understood. Nothing was spent so far, so an end of input
/// is a no.
async fn question(wall: Option<Usd>) -> Result<Answer, Fault> {
    let words = match wall {
        Some(wall) => format!("Start with a budget of {wall}? [Y/n, or another amount] "),
        None => "Start without a budget? [y/N, or an amount] ".to_owned(),
    };
    loop {
        let words = words.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let mut stderr = io::stderr().lock();
            stderr.write_all(words.as_bytes()).and_then(|()| stderr.flush())?;
            let mut line = String::new();
            let read = io::stdin().lock().read_line(&mut line)?;
            Ok::<_, io::Error>((read > 0).then_some(line))
        });
        let interrupted = tokio::signal::ctrl_c();
        let line = tokio::select! {
            line = asked => line.map_err(|error| Fault::new(Exit::Failure, format!("nobody could be asked: {error}")))?,
            _ = interrupted => Ok(None),
        };
        let Some(line) = line? else { return Ok(Answer::No) };
        match line.trim().to_ascii_lowercase().as_str() {
            "" if wall.is_some() => return Ok(Answer::Yes),
            "y" | "yes" => return Ok(Answer::Yes),
            "" | "n" | "no" | "q" => return Ok(Answer::No),
            amount => match amount.parse() {
                Ok(budget) => return Ok(Answer::Budget(budget)),
                Err(_) => eprintln!("Answer y, n, or an amount of dollars such as 25."),
            },
        }
    }
}
