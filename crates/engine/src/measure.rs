//! Measuring a document for the estimate: what would be asked, and what that costs
//! at most and probably. The same preparation as the run's, without the call.

use docmill_core::document::{DocumentState, Kind};
use docmill_core::estimate::Sample;
use docmill_core::failure::Failure;
use docmill_core::id::Ordinal;
use docmill_core::money::Usd;
use docmill_core::usage::Usage;
use docmill_store::DocumentRow;

use crate::loader::DocumentRef;
use crate::pipeline::{Pictures, Route, Setup, prepare};

/// A document that was looked at.
pub(crate) struct Look {
    pub(crate) ordinal: Ordinal,
    pub(crate) sample: Result<Measured, Failure>,
}

/// What a look found.
pub(crate) struct Measured {
    pub(crate) kind: Kind,
    pub(crate) sample: Sample,
}

/// Reads a waiting document and measures its prompts.
pub(crate) async fn look(setup: &Setup, document: DocumentRow) -> Look {
    debug_assert_eq!(document.state, DocumentState::Pending);
    Look {
        ordinal: document.ordinal,
        sample: measure(setup, &document).await,
    }
}

async fn measure(setup: &Setup, document: &DocumentRow) -> Result<Measured, Failure> {
    let document_ref = DocumentRef::from(document);
    let reading = setup.loader.read(document_ref).await?;
    let (kind, class, pages) = (reading.kind, reading.class, reading.page_count);
    let prompts = prepare(setup, document_ref, reading, Pictures::Measured).await?;
    let mut expected = Usage::default();
    let mut worst_case = Usd::ZERO;
    let mut calls = 0;
    for leaf in prompts.progress.leaves() {
        // Only a price that overflows refuses, and the run says so.
        let Ok(mut prompt) = prompts.prompt(leaf, Route::default()) else {
            break;
        };
        if setup.fit(&mut prompt, None).is_err() {
            break;
        }
        expected = expected.plus(&setup.expect(&prompt.request));
        // A fallback may answer, at its own price.
        let fallbacks = setup.plan.fallbacks.iter();
        let dearest = fallbacks
            .filter_map(|fallback| fallback.price.worst_case(&prompt.bound).ok())
            .fold(prompt.worst_case, Usd::max);
        worst_case = worst_case.saturating_add(dearest);
        calls += 1;
    }
    Ok(Measured {
        kind,
        sample: Sample {
            class,
            pages,
            calls,
            expected,
            worst_case,
        },
    })
}
