//! Money: whatever happens in whatever order, the bill stays within the budget.

use docmill_core::ledger::{Account, Ledger, NoBudget, Overrun, Posted, Posting, Refused, Standing};
use docmill_core::money::Usd;
use proptest::prelude::*;

fn usd(nanos: i64) -> Usd {
    Usd::from_nanos(nanos)
}

#[test]
fn a_reservation_that_does_not_fit_is_refused_with_what_is_left() {
    let account = Account::new(Some(usd(100))).reserve(usd(60)).unwrap();
    assert_eq!(
        account.reserve(usd(41)),
        Err(NoBudget {
            needed: usd(41),
            available: usd(40)
        })
    );
    assert_eq!(account.reserve(usd(40)).unwrap().available(), Usd::ZERO);
    let (account, overrun) = account.settle(usd(60), usd(10));
    assert_eq!(
        (account.settled, account.reserved, overrun),
        (usd(10), Usd::ZERO, None)
    );
    assert!(account.reserve(usd(90)).is_ok());
}

#[test]
fn an_overrun_is_reported_and_still_paid() {
    let account = Account::new(Some(usd(100))).reserve(usd(60)).unwrap();
    let (account, overrun) = account.settle(usd(60), usd(75));
    assert_eq!(overrun, Some(Overrun(usd(15))));
    assert_eq!(account.settled, usd(75));
}

#[test]
fn without_a_budget_everything_fits_until_it_cannot_be_counted() {
    let account = Account::new(None).reserve(usd(i64::MAX - 1)).unwrap();
    assert!(account.reserve(usd(2)).is_err());
    assert!(account.reserve(usd(1)).is_ok());
}

#[test]
fn an_answer_that_comes_late_settles_what_was_unconfirmed() {
    let mut ledger = Ledger::new(Some(usd(100)));
    ledger
        .post(Posting::Reserve {
            id: 1,
            amount: usd(80),
        })
        .unwrap();
    ledger.post(Posting::Unconfirm { id: 1 }).unwrap();
    assert_eq!(ledger.account().unconfirmed, usd(80));
    let refused = ledger.post(Posting::Reserve {
        id: 2,
        amount: usd(30),
    });
    assert!(matches!(refused, Err(Refused::NoBudget(_))), "{refused:?}");
    assert_eq!(
        ledger.post(Posting::Release { id: 1 }),
        Ok(Posted::Unchanged),
        "it may have been billed"
    );
    ledger
        .post(Posting::Settle {
            id: 1,
            actual: usd(20),
        })
        .unwrap();
    assert_eq!(ledger.account().settled, usd(20));
    assert!(
        ledger
            .post(Posting::Reserve {
                id: 2,
                amount: usd(80)
            })
            .is_ok()
    );
    assert_eq!(
        ledger.post(Posting::Settle {
            id: 9,
            actual: usd(1)
        }),
        Err(Refused::NoReservation(9))
    );
}

/// What can happen in the world around a ledger.
#[derive(Debug, Clone)]
enum Step {
    /// A call is reserved, and starts when it fits: it will truly cost this share (‰) of its worst case.
    Start { worst: i64, share: i64, billed: bool },
    /// One of the calls in flight comes back.
    Answer(usize),
    /// One is certainly not billed.
    Refuse(usize),
    /// One times out.
    TimeOut(usize),
    /// The process dies: every call in flight is unconfirmed at recovery.
    Crash,
    /// The true cost of an unconfirmed call is found.
    Reconcile(usize),
    /// A person raises the budget.
    Raise(i64),
    /// The last posting arrives a second time.
    Again,
    /// Any posting of before arrives again.
    Replay(usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..1000_i64, 0..=1000_i64, any::<bool>()).prop_map(|(worst, share, billed)| Step::Start { worst, share, billed }),
        3 => any::<usize>().prop_map(Step::Answer),
        1 => any::<usize>().prop_map(Step::Refuse),
        1 => any::<usize>().prop_map(Step::TimeOut),
        1 => Just(Step::Crash),
        1 => any::<usize>().prop_map(Step::Reconcile),
        1 => (0..500_i64).prop_map(Step::Raise),
        1 => Just(Step::Again),
        1 => any::<usize>().prop_map(Step::Replay),
    ]
}

/// The provider's side: what each call truly costs.
#[derive(Default)]
struct World {
    truth: Vec<i64>,
    posted: Vec<Posting>,
}

impl World {
    /// The calls that stand like this.
    fn pick(ledger: &Ledger, standing: Standing, index: usize) -> Option<u64> {
        let ids: Vec<u64> = ledger
            .reservations()
            .iter()
            .filter(|(_, held)| held.1 == standing)
            .map(|(id, _)| *id)
            .collect();
        if ids.is_empty() {
            None
        } else {
            Some(ids[index % ids.len()])
        }
    }

    fn truth(&self, id: u64) -> Usd {
        self.truth
            .get(usize::try_from(id).unwrap_or(usize::MAX))
            .map_or(Usd::ZERO, |nanos| usd(*nanos))
    }

    fn post(&mut self, ledger: &mut Ledger, posting: Posting) -> bool {
        let accepted = ledger.post(posting).is_ok();
        if accepted {
            self.posted.push(posting);
        }
        accepted
    }

    fn step(&mut self, ledger: &mut Ledger, step: &Step) {
        match step {
            Step::Start { worst, share, billed } => {
                let id = self.truth.len() as u64;
                let fits = self.post(
                    ledger,
                    Posting::Reserve {
                        id,
                        amount: usd(*worst),
                    },
                );
                // The call starts, and is billed, only after the reservation.
                self.truth
                    .push(if fits && *billed { worst * share / 1000 } else { 0 });
            }
            Step::Answer(index) => {
                if let Some(id) = Self::pick(ledger, Standing::Reserved, *index) {
                    let actual = self.truth(id);
                    self.post(ledger, Posting::Settle { id, actual });
                }
            }
            Step::Refuse(index) => {
                if let Some(id) = Self::pick(ledger, Standing::Reserved, *index)
                    && self.truth(id) == Usd::ZERO
                {
                    self.post(ledger, Posting::Release { id });
                }
            }
            Step::TimeOut(index) => {
                if let Some(id) = Self::pick(ledger, Standing::Reserved, *index) {
                    self.post(ledger, Posting::Unconfirm { id });
                }
            }
            Step::Crash => {
                while let Some(id) = Self::pick(ledger, Standing::Reserved, 0) {
                    self.post(ledger, Posting::Unconfirm { id });
                }
            }
            Step::Reconcile(index) => {
                if let Some(id) = Self::pick(ledger, Standing::Unconfirmed, *index) {
                    let actual = self.truth(id);
                    self.post(ledger, Posting::Reconcile { id, actual });
                }
            }
            Step::Raise(by) => {
                let budget = ledger
                    .account()
                    .budget
                    .map(|budget| budget.saturating_add(usd(*by)));
                let _ = ledger.post(Posting::SetBudget(budget));
            }
            Step::Again => {
                if let Some(last) = self.posted.last() {
                    let before = ledger.clone();
                    let _ = ledger.post(*last);
                    assert_eq!(*ledger, before, "posting {last:?} twice changed something");
                }
            }
            Step::Replay(index) => {
                if let Some(old) = self.posted.get(index % self.posted.len().max(1)).copied()
                    && !matches!(old, Posting::Reserve { .. })
                {
                    let _ = ledger.post(old);
                }
            }
        }
    }
}

proptest! {
    /// For every order of starts, answers, refusals, time-outs, crashes, reconciliations,
    /// raises and duplicates: what the provider bills for all calls ever started is within
    /// the budget; the totals are the sums over the reservations; an ended reservation stays.
    #[test]
    fn the_bill_stays_within_the_budget(budget in 0..3000_i64, steps in prop::collection::vec(any_step(), 1..80)) {
        let mut ledger = Ledger::new(Some(usd(budget)));
        let mut world = World::default();
        for step in &steps {
            let before = ledger.clone();
            world.step(&mut ledger, step);
            let account = ledger.account();
            let billed: i64 = world.truth.iter().sum();
            prop_assert!(usd(billed) <= account.budget.unwrap(), "billed {billed} of {account:?} after {step:?}");
            prop_assert!(account.committed() <= account.budget.unwrap());
            let (mut settled, mut reserved, mut unconfirmed) = (0, 0, 0);
            for (amount, standing) in ledger.reservations().values() {
                match standing {
                    Standing::Reserved => reserved += amount.nanos(),
                    Standing::Unconfirmed => unconfirmed += amount.nanos(),
                    Standing::Settled(actual) => settled += actual.nanos(),
                    Standing::Released => {}
                }
            }
            prop_assert_eq!((account.settled, account.reserved, account.unconfirmed), (usd(settled), usd(reserved), usd(unconfirmed)));
            for (id, (_, standing)) in before.reservations() {
                if matches!(standing, Standing::Settled(_) | Standing::Released) {
                    prop_assert_eq!(ledger.reservations()[id].1, *standing, "reservation {} ended twice", id);
                }
            }
        }
    }

    /// No amounts, however absurd, make the arithmetic panic or a total negative.
    #[test]
    fn absurd_amounts_are_survived(budget in prop::option::of(any::<i64>()), amounts in prop::collection::vec(any::<i64>(), 8)) {
        let mut account = Account::new(budget.map(usd));
        for pair in amounts.chunks(2) {
            account = account.reserve(usd(pair[0])).unwrap_or(account);
            account = account.settle(usd(pair[0]), usd(pair[1])).0;
            account = account.unconfirm(usd(pair[1])).reconcile(usd(pair[0]), usd(pair[1])).0.release(usd(pair[1]));
            for total in [account.settled, account.reserved, account.unconfirmed, account.available()] {
                prop_assert!(total >= Usd::ZERO);
            }
        }
    }
}
