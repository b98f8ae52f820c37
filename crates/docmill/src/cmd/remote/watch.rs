//! Progress of a batch at a server, and what came of it.

use docmill_core::batch::BatchState;
use docmill_core::id::BatchId;

use crate::args::{Context, OutFile};
use crate::cmd::work::{Signals, exit_of, tell};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::place::Place;
use crate::remote::Remote;
use crate::report::live::{LOOK_EVERY, Reporter, Watcher};

/// Looks in vain before it is given up: half a minute of them.
const PATIENCE: u32 = 120;

/// Looks on until the batch rests; then tells what came of it. Who looks away stops nothing.
pub async fn finish(
    remote: &Remote,
    id: BatchId,
    out: Option<OutFile>,
    as_json: bool,
    context: &Context,
) -> Result<Exit, Fault> {
    let place = Place::There(remote.clone());
    let exit = match look_on(&place, id, context).await? {
        Some(state) => exit_of(state),
        None => {
            context.ui.say("the server goes on with it");
            let short = id.short();
            context
                .ui
                .hint(&format!("docmill status {short} --watch looks again"));
            context.ui.hint(&format!("docmill pause {short} stops it"));
            return Ok(Exit::Stopped);
        }
    };
    tell(&place, id, exit, out, as_json, context).await?;
    Ok(exit)
}

/// Where the batch came to rest; `None`: the person looked away.
async fn look_on(place: &Place, id: BatchId, context: &Context) -> Result<Option<BatchState>, Fault> {
    let mut watcher = Watcher::new(place.clone(), id);
    let mut reporter = Reporter::new(&context.ui);
    let mut signals = Signals::new()?;
    // A server that is started again is not gone: it goes on with the batch.
    let mut missed = 0;
    loop {
        match watcher.look().await {
            Ok(glance) => {
                missed = 0;
                reporter.batch(&glance);
                if glance.row.state != BatchState::Running && glance.row.calls_in_flight == 0 {
                    return Ok(Some(glance.row.state));
                }
            }
            Err(fault) if fault.exit != Exit::Failure || missed >= PATIENCE => return Err(fault),
            Err(fault) => {
                if missed == 0 {
                    reporter.note(&format!("{}; trying again", fault.message));
                }
                missed += 1;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = signals.next() => return Ok(None),
        }
    }
}
