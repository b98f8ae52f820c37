//! `docmill audit`: who changed what, and who read which document.

use docmill_core::id::ContentHash;
use docmill_server::audit::{check, lines};
use docmill_server::views::AuditEntry;
use docmill_store::{AuditQuery, Store};

use crate::args::{AuditArgs, AuditVerb, Context};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::report::table::Table;
use crate::wire;

/// Entries read at a time.
const CHUNK: u32 = 500;

/// Carries out `audit`.
pub async fn perform(args: AuditArgs, context: &Context) -> Result<Exit, Fault> {
    let store = wire::store_with_batches(context)?;
    match args.verb {
        AuditVerb::List { limit, who, json } => list(store.as_ref(), limit, who, json, context).await,
        AuditVerb::Verify { hash } => verify(store.as_ref(), hash, context).await,
        AuditVerb::Export => export(store.as_ref(), context).await,
    }
}

async fn list(
    store: &dyn Store,
    limit: u32,
    who: Option<String>,
    json: bool,
    context: &Context,
) -> Result<Exit, Fault> {
    let query = AuditQuery {
        who,
        limit,
        ..AuditQuery::default()
    };
    let entries = store.audit(query).await?;
    let ui = &context.ui;
    let views: Vec<AuditEntry> = entries.iter().map(AuditEntry::from).collect();
    if json {
        ui.json(&views)?;
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["time", "who", "from", "what", "to", "outcome"]);
    for entry in views {
        let cells = [
            entry.time,
            entry.who,
            entry.origin,
            entry.action,
            entry.target,
            entry.outcome,
        ];
        table.row(cells.into_iter().map(|cell| (cell, None)).collect());
    }
    ui.out(&table.render(ui.color_out, ui.width_out()))?;
    Ok(Exit::Ok)
}

async fn verify(store: &dyn Store, noted: Option<ContentHash>, context: &Context) -> Result<Exit, Fault> {
    let (chain, broken) = check(store).await?;
    if let Some(broken) = broken {
        return Err(
            Fault::new(Exit::Failure, format!("the audit log was changed: {broken}")).hint(format!(
                "the {} entries before that are what was written",
                chain.len()
            )),
        );
    }
    if let Some(noted) = noted
        && !holds(store, noted).await?
    {
        return Err(
            Fault::new(Exit::Failure, format!("no entry has the hash {noted}"))
                .hint("the end of the log was cut off, or the hash is of another log"),
        );
    }
    let entries = if chain.len() == 1 {
        "entry is"
    } else {
        "entries are"
    };
    context.ui.out(&format!(
        "{} {entries} what was written; the last has the hash {}\n",
        chain.len(),
        chain.hash()
    ))?;
    Ok(Exit::Ok)
}

async fn holds(store: &dyn Store, hash: ContentHash) -> Result<bool, Fault> {
    let mut after = 0;
    loop {
        let query = AuditQuery {
            after: Some(after),
            limit: CHUNK,
            ..AuditQuery::default()
        };
        let entries = store.audit(query).await?;
        let Some(last) = entries.last() else {
            return Ok(false);
        };
        if entries.iter().any(|entry| entry.hash == hash) {
            return Ok(true);
        }
        after = last.id;
    }
}

async fn export(store: &dyn Store, context: &Context) -> Result<Exit, Fault> {
    let mut after = 0;
    loop {
        let query = AuditQuery {
            after: Some(after),
            limit: CHUNK,
            ..AuditQuery::default()
        };
        let entries = store.audit(query).await?;
        let Some(last) = entries.last() else {
            return Ok(Exit::Ok);
        };
        after = last.id;
        context.ui.out(&lines(&entries))?;
    }
}
