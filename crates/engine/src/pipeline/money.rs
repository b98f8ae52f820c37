//! The batch's money as this process sees it, so that calls that do not fit wait here and not
//! with a permit in hand.
//!
//! The store alone decides whether a call fits; this only keeps a line. A call takes a [`Hold`]
//! of its worst case before it takes a permit. When money is short, holds are given in turn, as
//! calls come back cheaper than their worst case: one that was answered makes room for the next
//! at once. When nothing of this process is held and the smallest of those who wait does not fit
//! either, that one is let through to hear from the store whether the budget is used up or
//! another process holds it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use docmill_core::ledger::Account;
use docmill_core::money::Usd;
use tokio::sync::oneshot;

/// See the module.
#[derive(Debug)]
pub(crate) struct Money {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    budget: Option<Usd>,
    /// What may still be held; without a budget it does not matter.
    free: i64,
    /// Holds that the store does not know of yet.
    untold: i64,
    /// Holds that are out.
    out: usize,
    waiting: VecDeque<(i64, oneshot::Sender<Hold>)>,
}

impl State {
    fn fits(&self, amount: i64) -> bool {
        self.budget.is_none() || amount <= self.free
    }

    fn take(&mut self, amount: i64) {
        self.free = self.free.saturating_sub(amount);
        self.untold = self.untold.saturating_add(amount);
        self.out += 1;
    }

    /// Who is next, if it fits: the first in line; when nothing is out, the smallest, whether it
    /// fits or not.
    fn next(&mut self) -> Option<(i64, oneshot::Sender<Hold>)> {
        while self.waiting.front().is_some_and(|(_, sender)| sender.is_closed()) {
            self.waiting.pop_front();
        }
        let index = match self.waiting.front() {
            Some((amount, _)) if self.fits(*amount) => 0,
            _ if self.out > 0 => return None,
            _ => {
                let smallest = self
                    .waiting
                    .iter()
                    .enumerate()
                    .min_by_key(|(_, (amount, _))| *amount);
                smallest?.0
            }
        };
        let next = self.waiting.remove(index)?;
        self.take(next.0);
        Some(next)
    }
}

impl Money {
    pub(crate) fn new(account: &Account) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                budget: account.budget,
                free: free_of(account),
                untold: 0,
                out: 0,
                waiting: VecDeque::new(),
            }),
        })
    }

    /// The budget as last seen.
    pub(crate) fn budget(&self) -> Option<Usd> {
        self.state().budget
    }

    /// Holds this much, when it fits and is its turn. `None` never comes: who waits is served or
    /// gone.
    pub(crate) async fn hold(self: &Arc<Self>, amount: Usd) -> Option<Hold> {
        let amount = amount.max(Usd::ZERO).nanos();
        let receiver = {
            let mut state = self.state();
            if state.waiting.is_empty() && state.fits(amount) {
                state.take(amount);
                return Some(Hold {
                    money: Arc::clone(self),
                    amount,
                    told: false,
                });
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push_back((amount, sender));
            receiver
        };
        self.serve();
        receiver.await.ok()
    }

    /// Takes what the store says. What was held and not told yet is not in it.
    pub(crate) fn correct(self: &Arc<Self>, account: &Account) {
        {
            let mut state = self.state();
            state.budget = account.budget;
            state.free = free_of(account).saturating_sub(state.untold);
        }
        self.serve();
    }

    /// The store has only this much left.
    pub(crate) fn refused(self: &Arc<Self>, available: Usd) {
        let mut state = self.state();
        state.free = available.nanos().saturating_sub(state.untold);
    }

    /// Whether calls of this process hold money that may come back.
    pub(crate) fn is_any_out(&self) -> bool {
        self.state().out > 0
    }

    fn serve(self: &Arc<Self>) {
        loop {
            let Some((amount, sender)) = self.state().next() else {
                return;
            };
            let hold = Hold {
                money: Arc::clone(self),
                amount,
                told: false,
            };
            // Who gave up waiting gives it back, which serves the next.
            if let Err(hold) = sender.send(hold) {
                drop(hold);
                return;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn free_of(account: &Account) -> i64 {
    account.available().nanos()
}

/// Money that is held for one call; given back when dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    money: Arc<Money>,
    amount: i64,
    told: bool,
}

impl Hold {
    /// The store has reserved it.
    pub(crate) fn told(&mut self) {
        if !self.told {
            self.told = true;
            let mut state = self.money.state();
            state.untold = state.untold.saturating_sub(self.amount);
        }
    }

    /// The call ended, and this much of the hold is gone.
    pub(crate) fn settle(mut self, spent: Usd) {
        self.told();
        self.amount = self.amount.saturating_sub(spent.max(Usd::ZERO).nanos()).max(0);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        {
            let mut state = self.money.state();
            if !self.told {
                state.untold = state.untold.saturating_sub(self.amount);
            }
            state.free = state.free.saturating_add(self.amount);
            state.out = state.out.saturating_sub(1);
        }
        self.money.serve();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(nanos: i64) -> Usd {
        Usd::from_nanos(nanos)
    }

    fn money(budget: i64) -> Arc<Money> {
        Money::new(&Account::new(Some(usd(budget))))
    }

    #[tokio::test]
    async fn an_answer_that_was_cheaper_lets_the_next_go() {
        let money = money(100);
        let mut first = money.hold(usd(80)).await.unwrap();
        first.told();
        let second = money.hold(usd(80));
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending());
        first.settle(usd(10));
        assert!(futures::poll!(&mut second).is_ready());
    }

    #[tokio::test]
    async fn nobody_passes_those_who_wait() {
        let money = money(100);
        let held = money.hold(usd(90)).await.unwrap();
        let large = money.hold(usd(50));
        tokio::pin!(large);
        assert!(futures::poll!(&mut large).is_pending());
        let small = money.hold(usd(5));
        tokio::pin!(small);
        assert!(futures::poll!(&mut small).is_pending());
        drop(held);
        assert!(futures::poll!(&mut large).is_ready());
        assert!(futures::poll!(&mut small).is_ready());
    }

    #[tokio::test]
    async fn when_nothing_is_out_the_smallest_asks_the_store() {
        let money = money(10);
        let large = money.hold(usd(50));
        tokio::pin!(large);
        // It does not fit, but nothing can come back: the store has the last word.
        assert!(futures::poll!(&mut large).is_ready());
    }

    #[tokio::test]
    async fn a_raised_budget_is_heard_of() {
        let money = money(100);
        let _held = money.hold(usd(100)).await.unwrap();
        let next = money.hold(usd(50));
        tokio::pin!(next);
        assert!(futures::poll!(&mut next).is_pending());
        money.correct(&Account::new(Some(usd(1_000))));
        assert!(futures::poll!(&mut next).is_ready());
    }

    #[tokio::test]
    async fn without_a_budget_nobody_waits() {
        let money = Money::new(&Account::new(None));
        let _first = money.hold(usd(i64::MAX)).await.unwrap();
        assert!(money.hold(usd(i64::MAX)).await.is_some());
    }

    #[tokio::test]
    async fn who_gives_up_holds_nothing() {
        let money = money(100);
        let held = money.hold(usd(100)).await.unwrap();
        {
            let gone = money.hold(usd(100));
            tokio::pin!(gone);
            assert!(futures::poll!(&mut gone).is_pending());
        }
        drop(held);
        assert!(money.hold(usd(100)).await.is_some());
    }
}
