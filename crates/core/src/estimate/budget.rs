//! A budget a person would set.

use crate::money::Usd;

/// A fifth more than the expected cost, rounded up to two digits and whole cents;
/// never less than one document can cost at most, as it could not even start then.
#[must_use]
pub fn recommended_budget(expected: Usd, dearest_document: Usd) -> Usd {
    let wanted = i128::from(expected.nanos().max(0)) * 12 / 10;
    let least = i128::from(dearest_document.nanos().max(0));
    let wanted = wanted.max(least);
    if wanted == 0 {
        return Usd::ZERO;
    }
    // A cent, or as fine as two digits.
    let mut step: i128 = 10_000_000;
    while wanted / step >= 100 {
        step *= 10;
    }
    let rounded = (wanted + step - 1) / step * step;
    i64::try_from(rounded).map_or(Usd::MAX, Usd::from_nanos)
}
