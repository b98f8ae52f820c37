//! Which results a person should look at first.

use crate::page::Page;

/// What speaks for and against a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signs {
    /// Values found on the pages.
    pub grounded: usize,
    /// Values looked for and not found.
    pub ungrounded: usize,
    /// Checks it does not meet, and conflicts between its parts.
    pub findings: usize,
    /// Whether the model needed a second try.
    pub repaired: bool,
    /// Whether something of the document could not be read.
    pub partial: bool,
    /// Fields of the template that have one value, and how many of them are empty.
    pub fields: usize,
    /// Of these: empty.
    pub empty: usize,
    /// Of the empty ones: those the template says a result must have.
    pub missing: usize,
    /// How sure the text recognition was, 0 to 100; `None`: nothing was recognised.
    pub ocr_confidence: Option<u8>,
}

/// From this risk on a person should look at a result: a rule that is not met, something
/// that could not be read, a third of the values standing nowhere, or doubtful recognition.
pub const NEEDS_A_LOOK: u16 = 150;

/// No value stands on the pages: +450; half of them: +225.
const UNGROUNDED: u64 = 450;
/// The first rule that is not met.
const FIRST_FINDING: u64 = 220;
/// Each further one, up to three.
const FURTHER_FINDING: u64 = 60;
/// The document could not be read in full.
const PARTIAL: u64 = 150;
/// The model needed a second try.
const REPAIRED: u64 = 80;
/// All fields are empty; half of them: a quarter of it. Documents rarely fill a template, so that a
/// few empty fields say little, and nearly all of them that it is another kind of document.
const EMPTY: u64 = 300;
/// A value the template says a result must have, up to three.
const MISSING: u64 = 90;
/// Text recognition at 50 % or below; nothing from 90 % up, in a line between.
const UNSURE: u64 = 200;

/// 0 (nothing speaks against it) to 1000, to order the review queue: the sum of
/// the share of ungrounded values × 450, the first finding 220 and up to three
/// more 60 each, partly unreadable 150, repaired 80, doubtful text recognition up
/// to 200, the share of empty fields squared × 300, up to three missing values 90 each; never above 1000. Weights are judgement, not measurement: what matters
/// is the order, and that nothing adds up to zero by accident.
#[must_use]
pub fn risk(signs: &Signs) -> u16 {
    let looked_for = signs.grounded as u128 + signs.ungrounded as u128;
    let share = (signs.ungrounded as u128 * u128::from(UNGROUNDED))
        .checked_div(looked_for)
        .unwrap_or(0);
    let ungrounded = u64::try_from(share).unwrap_or(UNGROUNDED);
    let findings = match signs.findings as u64 {
        0 => 0,
        count => FIRST_FINDING + FURTHER_FINDING * (count - 1).min(3),
    };
    let unsure = match signs.ocr_confidence {
        Some(confidence) => u64::from(90 - confidence.clamp(50, 90)) * UNSURE / 40,
        None => 0,
    };
    // A single wrong value among hundreds is still worth a look before a spotless result.
    let ungrounded = ungrounded.max(u64::from(signs.ungrounded > 0));
    let partial = if signs.partial { PARTIAL } else { 0 };
    let repaired = if signs.repaired { REPAIRED } else { 0 };
    let permille = signs.empty.min(signs.fields) as u128 * 1_000;
    let permille = permille.checked_div(signs.fields as u128).unwrap_or(0);
    let permille = u64::try_from(permille).unwrap_or(1_000);
    let empty = permille * permille * EMPTY / 1_000_000;
    let missing = MISSING * (signs.missing as u64).min(3);
    let sum = ungrounded + findings + unsure + partial + repaired + empty + missing;
    u16::try_from(sum.min(1000)).unwrap_or(1000)
}

/// How sure the text recognition was over all words, 0 to 100; `None`: nothing was recognised.
#[must_use]
pub fn ocr_confidence(pages: &[Page]) -> Option<u8> {
    let (mut sum, mut count) = (0_u64, 0_u64);
    for confidence in pages
        .iter()
        .flat_map(|page| &page.words)
        .filter_map(|word| word.confidence)
    {
        sum += u64::from(confidence.min(100));
        count += 1;
    }
    sum.checked_div(count).and_then(|mean| u8::try_from(mean).ok())
}
