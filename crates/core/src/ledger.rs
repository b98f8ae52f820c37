//! The ledger: every dollar passes it, so that what providers bill never exceeds
//! a budget.
//!
//! Before a call its worst case is **reserved**; afterwards the reservation ends
//! in exactly one way:
//!
//! ```text
//!            ┌─ settle(actual) ──→ settled      the answer is in, its cost is known
//! reserve ───┼─ release ─────────→ (gone)       certainly not billed
//!            └─ unconfirm ───────→ unconfirmed  nobody knows: counts at its worst case
//!                                      │
//!                                      └─ reconcile(actual) → settled, or gone when 0
//! ```
//!
//! A reservation is refused unless settled + reserved + unconfirmed + new ≤ budget.
//! Since a call starts only after its reservation, and costs at most what was
//! reserved, the bill of all calls ever started stays within the budget, whatever
//! crashes. The only way past it is a wrong worst case, and that is reported as an
//! [`Overrun`].
//!
//! [`Account`] is the arithmetic on totals that the stores use inside their
//! transactions; they know each reservation's amount. [`Ledger`] is the whole
//! model with every reservation, against which the arithmetic is tested.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::money::Usd;

/// The totals of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Account {
    /// The wall; `None`: no limit.
    pub budget: Option<Usd>,
    /// Paid.
    pub settled: Usd,
    /// Held back for calls in flight.
    pub reserved: Usd,
    /// Calls of which nobody knows whether they were billed, at their worst case.
    pub unconfirmed: Usd,
}

/// A reservation that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the call may cost {needed}, and {available} of the budget is left")]
pub struct NoBudget {
    /// The worst case of the call.
    pub needed: Usd,
    /// What is left.
    pub available: Usd,
}

/// An actual cost above the reserved worst case: the price or the bound was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrun(pub Usd);

impl Account {
    /// An empty account.
    #[must_use]
    pub fn new(budget: Option<Usd>) -> Self {
        Self {
            budget,
            ..Self::default()
        }
    }

    /// Everything that is spent or may be.
    #[must_use]
    pub fn committed(&self) -> Usd {
        self.settled
            .saturating_add(self.reserved)
            .saturating_add(self.unconfirmed)
    }

    /// What can still be reserved; never negative.
    #[must_use]
    pub fn available(&self) -> Usd {
        let wall = self.budget.unwrap_or(Usd::MAX);
        wall.saturating_sub(self.committed()).max(Usd::ZERO)
    }

    /// Holds back the worst case of a call that is about to start.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn reserve(self, amount: Usd) -> Result<Self, NoBudget> {
        let amount = amount.max(Usd::ZERO);
        if amount > self.available() {
            return Err(NoBudget {
                needed: amount,
                available: self.available(),
            });
        }
        Ok(Self {
            reserved: self.reserved.saturating_add(amount),
            ..self
        })
    }

    /// The answer is in: what was held back for it becomes what it cost.
    #[must_use]
    pub fn settle(self, reserved: Usd, actual: Usd) -> (Self, Option<Overrun>) {
        let account = Self {
            reserved: minus(self.reserved, reserved),
            settled: self.settled.saturating_add(actual.max(Usd::ZERO)),
            ..self
        };
        (account, overrun(reserved, actual))
    }

    /// Certainly not billed: the reservation is given back.
    #[must_use]
    pub fn release(self, reserved: Usd) -> Self {
        Self {
            reserved: minus(self.reserved, reserved),
            ..self
        }
    }

    /// Nobody knows whether it was billed: it goes on counting at its worst case.
    #[must_use]
    pub fn unconfirm(self, reserved: Usd) -> Self {
        Self {
            reserved: minus(self.reserved, reserved),
            unconfirmed: self.unconfirmed.saturating_add(reserved.max(Usd::ZERO)),
            ..self
        }
    }

    /// It turned out what an unconfirmed call cost; zero when it was not billed.
    #[must_use]
    pub fn reconcile(self, unconfirmed: Usd, actual: Usd) -> (Self, Option<Overrun>) {
        let account = Self {
            unconfirmed: minus(self.unconfirmed, unconfirmed),
            settled: self.settled.saturating_add(actual.max(Usd::ZERO)),
            ..self
        };
        (account, overrun(unconfirmed, actual))
    }

    /// The same account with another wall. Lowering it takes nothing back: nothing
    /// more is reserved until calls end.
    #[must_use]
    pub fn with_budget(self, budget: Option<Usd>) -> Self {
        Self { budget, ..self }
    }
}

/// Totals never go below zero, whatever a caller subtracts.
fn minus(total: Usd, part: Usd) -> Usd {
    total.saturating_sub(part.max(Usd::ZERO)).max(Usd::ZERO)
}

fn overrun(reserved: Usd, actual: Usd) -> Option<Overrun> {
    let over = actual.saturating_sub(reserved.max(Usd::ZERO));
    (over > Usd::ZERO).then_some(Overrun(over))
}

/// Number of a reservation.
pub type ReservationId = u64;

/// Something written into the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posting {
    /// Hold back the worst case of a call.
    Reserve {
        /// Which reservation.
        id: ReservationId,
        /// How much.
        amount: Usd,
    },
    /// The call was answered.
    Settle {
        /// Which reservation.
        id: ReservationId,
        /// What it cost.
        actual: Usd,
    },
    /// The call was certainly not billed.
    Release {
        /// Which reservation.
        id: ReservationId,
    },
    /// Nobody knows whether the call was billed.
    Unconfirm {
        /// Which reservation.
        id: ReservationId,
    },
    /// It turned out what an unconfirmed call cost.
    Reconcile {
        /// Which reservation.
        id: ReservationId,
        /// What it cost; zero: it was not billed.
        actual: Usd,
    },
    /// The wall is moved.
    SetBudget(Option<Usd>),
}

/// Where a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Held back.
    Reserved,
    /// Answered, at this cost.
    Settled(Usd),
    /// Given back.
    Released,
    /// Held back, as it may have been billed.
    Unconfirmed,
}

/// What a posting did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// It changed the totals; perhaps the cost was above the worst case.
    Applied(Option<Overrun>),
    /// It had been posted before, or the reservation had ended already: nothing changed.
    Unchanged,
}

/// Why a posting was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It does not fit.
    #[error(transparent)]
    NoBudget(#[from] NoBudget),
    /// Nothing was reserved under this number.
    #[error("there is no reservation {0}")]
    NoReservation(ReservationId),
}

/// An account with every reservation it ever had.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    account: Account,
    reservations: BTreeMap<ReservationId, (Usd, Standing)>,
}

impl Ledger {
    /// An empty ledger.
    #[must_use]
    pub fn new(budget: Option<Usd>) -> Self {
        Self {
            account: Account::new(budget),
            reservations: BTreeMap::new(),
        }
    }

    /// The totals.
    #[must_use]
    pub fn account(&self) -> Account {
        self.account
    }

    /// Every reservation: its amount, and where it stands.
    #[must_use]
    pub fn reservations(&self) -> &BTreeMap<ReservationId, (Usd, Standing)> {
        &self.reservations
    }

    /// Writes a posting. Posting the same twice changes nothing, and a reservation
    /// that has ended stays ended: the first end wins. An answer that arrives after
    /// its call was given up as unconfirmed settles it.
    ///
    /// # Errors
    /// When a reservation does not fit or does not exist.
    pub fn post(&mut self, posting: Posting) -> Result<Posted, Refused> {
        match posting {
            Posting::Reserve { id, amount } => self.reserve(id, amount),
            Posting::SetBudget(budget) => {
                let changed = self.account.budget != budget;
                self.account = self.account.with_budget(budget);
                Ok(if changed {
                    Posted::Applied(None)
                } else {
                    Posted::Unchanged
                })
            }
            Posting::Settle { id, actual } => self.end(id, |account, amount, standing| match standing {
                Standing::Reserved => {
                    let (account, overrun) = account.settle(amount, actual);
                    Some((account, Standing::Settled(actual), overrun))
                }
                Standing::Unconfirmed => {
                    let (account, overrun) = account.reconcile(amount, actual);
                    Some((account, Standing::Settled(actual), overrun))
                }
                Standing::Settled(_) | Standing::Released => None,
            }),
            Posting::Release { id } => self.end(id, |account, amount, standing| match standing {
                Standing::Reserved => Some((account.release(amount), Standing::Released, None)),
                // What may have been billed is given back by a reconciliation only.
                Standing::Unconfirmed | Standing::Settled(_) | Standing::Released => None,
            }),
            Posting::Unconfirm { id } => self.end(id, |account, amount, standing| match standing {
                Standing::Reserved => Some((account.unconfirm(amount), Standing::Unconfirmed, None)),
                Standing::Unconfirmed | Standing::Settled(_) | Standing::Released => None,
            }),
            Posting::Reconcile { id, actual } => self.end(id, |account, amount, standing| match standing {
                Standing::Unconfirmed => {
                    let (account, overrun) = account.reconcile(amount, actual);
                    let standing = if actual > Usd::ZERO {
                        Standing::Settled(actual)
                    } else {
                        Standing::Released
                    };
                    Some((account, standing, overrun))
                }
                Standing::Reserved | Standing::Settled(_) | Standing::Released => None,
            }),
        }
    }

    fn reserve(&mut self, id: ReservationId, amount: Usd) -> Result<Posted, Refused> {
        if self.reservations.contains_key(&id) {
            return Ok(Posted::Unchanged);
        }
        self.account = self.account.reserve(amount)?;
        self.reservations
            .insert(id, (amount.max(Usd::ZERO), Standing::Reserved));
        Ok(Posted::Applied(None))
    }

    fn end(
        &mut self,
        id: ReservationId,
        next: impl FnOnce(Account, Usd, Standing) -> Option<(Account, Standing, Option<Overrun>)>,
    ) -> Result<Posted, Refused> {
        let Some((amount, standing)) = self.reservations.get_mut(&id) else {
            return Err(Refused::NoReservation(id));
        };
        let Some((account, ended, overrun)) = next(self.account, *amount, *standing) else {
            return Ok(Posted::Unchanged);
        };
        self.account = account;
        *standing = ended;
        Ok(Posted::Applied(overrun))
    }
}
