//! A budget a person would set.

use crate::money::Usd;

/// So many crashes at full speed, each of which leaves all calls in flight unconfirmed, do not
/// end a batch.
const CRASHES: i128 = 3;

/// A budget, and what of it is room beyond the expected cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recommended {
    /// The budget.
    pub budget: Usd,
    /// Held back for calls in flight, most of which comes back.
    pub in_flight: Usd,
    /// For calls of which nobody knows whether they were billed.
    pub for_crashes: Usd,
}

/// A fifth more than the expected cost, and room for the worst case of the calls that are in
/// flight at once (`in_flight`), and for as much again at each of a few crashes; rounded up to two
/// digits and whole cents. Never less than one document can cost at most, as it could not even
/// start then.
#[must_use]
pub fn recommended_budget(expected: Usd, dearest_document: Usd, in_flight: Usd) -> Recommended {
    let nanos = |amount: Usd| i128::from(amount.nanos().max(0));
    let for_crashes = nanos(in_flight) * CRASHES;
    let wanted = nanos(expected) * 12 / 10 + nanos(in_flight) + for_crashes;
    let wanted = wanted.max(nanos(dearest_document));
    // A cent, or as fine as two digits.
    let mut step: i128 = 10_000_000;
    while wanted / step >= 100 {
        step *= 10;
    }
    let rounded = (wanted + step - 1) / step * step;
    let usd = |nanos: i128| i64::try_from(nanos).map_or(Usd::MAX, Usd::from_nanos);
    Recommended {
        budget: usd(rounded),
        in_flight: in_flight.max(Usd::ZERO),
        for_crashes: usd(for_crashes),
    }
}
