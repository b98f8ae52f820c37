//! The calls of one document: its open parts side by side, until the document ends or
//! goes back into the queue.

use std::time::Duration;

use docmill_core::failure::{Failure, FailureClass, FailureCode};
use docmill_core::progress::PartId;
use docmill_core::time::Timestamp;
use docmill_store::{Commit, LeasedDocument, Next, ReadFacts, Settlement};
use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::EngineError;
use crate::journal::Entry;
use crate::pipeline::Job;
use crate::pipeline::call;
use crate::pipeline::complete;
use crate::pipeline::conclude::conclude;
use crate::pipeline::hedge;
use crate::pipeline::judge::{self, Consequence};
use crate::pipeline::money::Hold;
use crate::pipeline::progress::{Effect, Prompt, Prompts};
use crate::pipeline::reply::Reply;
use crate::pipeline::reserve::{self, Reserved};
use crate::pipeline::route::falls_back;

/// Parts of one document asked at once: a long one gets on, and leaves room for the others.
const SIDE_BY_SIDE: usize = 8;

/// How a document leaves its worker before all its parts ended.
enum Leaving {
    /// With this next state.
    With(Next),
    /// Its lease was lost: there is nothing to say any more, but what was paid is settled.
    Lost,
}

/// What came of asking for a part.
enum Asked {
    Replied(Box<Reply>, Option<u32>),
    /// Its provider went down before it was asked.
    Elsewhere,
    Later,
    Never(Failure),
    Lost,
}

/// Asks for the open parts until the document ends or goes back into the queue.
pub(crate) async fn step_through(
    job: &Job,
    document: &LeasedDocument,
    prompts: &mut Prompts,
    facts: ReadFacts,
) -> Result<(), EngineError> {
    let mut asking = FuturesUnordered::new();
    let mut asked: Vec<PartId> = Vec::new();
    let mut leaving = None;
    loop {
        while leaving.is_none() && asking.len() < prompts.progress.side_by_side(SIDE_BY_SIDE) {
            let mut open = prompts.progress.leaves().iter().filter(|leaf| leaf.is_open());
            let Some(leaf) = open.find(|leaf| !asked.contains(&leaf.id)) else {
                break;
            };
            asked.push(leaf.id);
            let route = job.route_from(prompts.routes.get(&leaf.id).copied().unwrap_or(0));
            let (id, prompt) = (leaf.id, prompts.prompt(leaf, route)?);
            let until = prompts.troubles.get(&id).map(|troubles| troubles.until);
            asking.push(async move {
                let asked = match until {
                    Some(until) if !waited(job, until).await => Ok(Asked::Later),
                    _ => ask(job, document, prompt, facts).await,
                };
                asked.map(|asked| (id, asked))
            });
        }
        let mut step = Step::default();
        if let Some(done) = asking.next().await {
            let (id, reply) = done?;
            asked.retain(|asked| *asked != id);
            step = absorb(job, document, prompts, id, reply);
        }
        let settled = step.settlement.as_ref();
        let entry = settled.and_then(|settlement| job.note_answer(document.id, settlement));
        if leaving.is_none() && step.leaving.is_none() {
            complete::follow(job, prompts, &asked);
        }
        if leaving.is_none() {
            leaving = step.leaving.or_else(|| {
                (job.is_halted() && !prompts.progress.is_ended()).then_some(Leaving::With(Next::Released))
            });
        }
        let over = asking.is_empty() && (leaving.is_some() || prompts.progress.is_ended());
        let next = match &mut leaving {
            _ if !over => Next::Continue,
            Some(Leaving::With(next)) => std::mem::replace(next, Next::Continue),
            Some(Leaving::Lost) => Next::Continue,
            None => {
                let _turn = job.turn().await;
                conclude(job, prompts)
            }
        };
        let paid = (step.settlement, step.hold, entry);
        let applied = write(job, document, facts, paid, next).await?;
        job.note(document.id, &step.notes).await?;
        if let Some((reason, until)) = step.pause {
            job.pause(&reason, until).await?;
        }
        if over {
            return Ok(());
        }
        if !applied {
            leaving = Some(Leaving::Lost);
        }
    }
}

/// Waits until a time; `false`: the job was halted before.
async fn waited(job: &Job, until: Timestamp) -> bool {
    let wait = u64::try_from(until.since_ms(job.now())).unwrap_or(0);
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(wait)) => true,
        () = job.halted() => false,
    }
}

/// What follows from what came of asking for a part.
#[derive(Default)]
struct Step {
    settlement: Option<Settlement>,
    hold: Option<Hold>,
    leaving: Option<Leaving>,
    pause: Option<(String, Option<Timestamp>)>,
    /// For the log.
    notes: Vec<String>,
}

fn absorb(job: &Job, document: &LeasedDocument, prompts: &mut Prompts, id: PartId, asked: Asked) -> Step {
    let mut step = Step::default();
    let (mut reply, attempt) = match asked {
        Asked::Replied(reply, attempt) => (*reply, attempt),
        Asked::Elsewhere => return step,
        Asked::Later => {
            step.leaving = Some(Leaving::With(Next::Released));
            return step;
        }
        Asked::Lost => {
            step.leaving = Some(Leaving::Lost);
            return step;
        }
        Asked::Never(failure) => {
            prompts.progress.apply(id, Effect::Lost(failure));
            return step;
        }
    };
    step.hold = reply.hold.take();
    let Some(leaf) = prompts.progress.leaf(id) else {
        return step;
    };
    let route = reply.prompt.route.number;
    let judged = judge::judge(job, document, prompts, leaf, reply, attempt);
    step.notes = judged.notes;
    let failure = judged
        .settlement
        .as_ref()
        .and_then(|settlement| settlement.failure.as_ref());
    let next_route = failure.and_then(|failure| fall_back(job, route, failure, &judged.consequence));
    step.settlement = judged.settlement;
    if let Some(next) = next_route {
        prompts.routes.insert(id, next);
        return step;
    }
    match judged.consequence {
        Consequence::Part(Effect::Lost(failure)) => {
            prompts.progress.apply(id, Effect::Lost(failure.clone()));
            prompts.progress.give_up_hopeless(&failure);
        }
        Consequence::Part(effect) => prompts.progress.apply(id, effect),
        // The other parts of a long document go on meanwhile.
        Consequence::Document(Next::Retry { at, counts, .. }) if prompts.progress.leaves().len() > 1 => {
            let troubles = prompts.troubles.entry(id).or_default();
            troubles.failures += u32::from(counts);
            troubles.waits += u32::from(!counts);
            troubles.until = at;
        }
        Consequence::Document(next) => step.leaving = Some(Leaving::With(next)),
        Consequence::Batch(reason, until) => {
            step.leaving = Some(Leaving::With(Next::Released));
            step.pause = Some((reason, until));
        }
    }
    step
}

/// The model to ask instead, when this one will not answer: it is down, was retired, or refuses.
fn fall_back(job: &Job, route: usize, failure: &Failure, consequence: &Consequence) -> Option<usize> {
    let next = job.next_route(route)?;
    match consequence {
        Consequence::Part(Effect::Lost(_)) if falls_back(failure) => Some(next),
        Consequence::Document(Next::Retry { .. })
            if failure.code.class() == FailureClass::Transient && job.is_down(route) =>
        {
            Some(next)
        }
        Consequence::Batch(..) if failure.code == FailureCode::UnknownModel => {
            job.set_gone(route);
            Some(next)
        }
        _ => None,
    }
}

/// Writes the end of a call and what becomes of the document; `false`: the lease was lost.
async fn write(
    job: &Job,
    document: &LeasedDocument,
    facts: ReadFacts,
    (settlement, hold, entry): (Option<Settlement>, Option<Hold>, Option<Entry>),
    next: Next,
) -> Result<bool, EngineError> {
    if settlement.is_none() && next == Next::Continue {
        return Ok(true);
    }
    let commit = Commit {
        document: document.id,
        worker: job.worker,
        settlement,
        next,
        facts: Some(facts),
        now: job.now(),
    };
    job.commit_and_watch(commit, hold, entry).await
}

/// Asks once: money, permit, call. When the answer is cut below the ceiling, it is written down
/// as paid, and asked for again with all the room there is.
async fn ask(
    job: &Job,
    document: &LeasedDocument,
    mut prompt: Prompt,
    facts: ReadFacts,
) -> Result<Asked, EngineError> {
    let setup = job.setup_of(prompt.route.number);
    let mut room = None;
    loop {
        let reservation = match reserve::reserve(job, document, prompt, room).await? {
            Reserved::Yes(reservation) => reservation,
            Reserved::Answered(reply) => return Ok(Asked::Replied(reply, None)),
            Reserved::Later => return Ok(Asked::Later),
            Reserved::Elsewhere => return Ok(Asked::Elsewhere),
            Reserved::Never(failure) => return Ok(Asked::Never(failure)),
            Reserved::Lost => return Ok(Asked::Lost),
        };
        let (mut reply, attempt) = match setup.hedge_after() {
            None => {
                let attempt = reservation.attempt();
                (call::call(job, *reservation).await, attempt)
            }
            Some(after) => {
                let hedged = hedge::hedged(job, document, *reservation, room, after).await?;
                if let Some(other) = hedged.other {
                    write(job, document, facts, (Some(other), None, None), Next::Continue).await?;
                }
                (hedged.reply, hedged.attempt)
            }
        };
        let is_cut = reply
            .answer
            .as_ref()
            .is_ok_and(|answer| setup.was_cut_short(&reply.prompt.request, answer));
        if !is_cut || job.is_halted() {
            return Ok(Asked::Replied(Box::new(reply), Some(attempt)));
        }
        let settlement = judge::settlement_of_cut(job, &reply, attempt);
        let entry = settlement
            .as_ref()
            .and_then(|settlement| job.note_answer(document.id, settlement));
        let paid = (settlement, reply.hold.take(), entry);
        if !write(job, document, facts, paid, Next::Continue).await? {
            return Ok(Asked::Lost);
        }
        room = Some(setup.ceiling());
        prompt = reply.prompt;
    }
}
