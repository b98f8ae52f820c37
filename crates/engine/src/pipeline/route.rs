//! Routes: which model a part is asked of. The plan's own comes first; the fallbacks follow
//! in their order when it is down, was retired, or refuses this document.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use docmill_core::failure::{Failure, FailureClass, FailureCode};

use crate::lane::Registration;
use crate::pipeline::Job;
use crate::pipeline::Setup;

/// Of so many parts, one still asks a provider that is down: somebody has to find out that it is back.
const PROBES: u32 = 16;

/// How often those who wait for a permit look whether the provider is down.
const LOOK: Duration = Duration::from_millis(250);

/// A fallback model.
pub(crate) struct Fallback {
    pub(super) setup: Setup,
    pub(super) registration: Registration,
    /// The provider does not have the model any more.
    is_gone: AtomicBool,
}

impl Fallback {
    pub(super) fn new(setup: Setup, registration: Registration) -> Self {
        Self {
            setup,
            registration,
            is_gone: AtomicBool::new(false),
        }
    }
}

/// Who is asked first, and what is known about it.
#[derive(Default)]
pub(crate) struct Routes {
    /// The provider does not have the first model any more.
    first_is_gone: AtomicBool,
    chosen: AtomicU32,
}

/// Which model a part is asked of: 0 is the plan's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Route {
    pub(crate) number: usize,
    /// It waits for its provider even when that is down.
    pub(crate) is_probe: bool,
}

/// Whether another model may well answer what this one did not.
pub(crate) fn falls_back(failure: &Failure) -> bool {
    failure.code == FailureCode::UnknownModel
        || matches!(
            failure.code.class(),
            FailureClass::Refusal | FailureClass::Transient
        )
}

impl Job {
    pub(crate) fn setup_of(&self, route: usize) -> &Setup {
        let fallback = route.checked_sub(1).and_then(|at| self.fallbacks.get(at));
        fallback.map_or(&self.setup, |fallback| &fallback.setup)
    }

    pub(super) fn registration_of(&self, route: usize) -> &Registration {
        let fallback = route.checked_sub(1).and_then(|at| self.fallbacks.get(at));
        fallback.map_or(&self.registration, |fallback| &fallback.registration)
    }

    /// Each route's setup and registration, the plan's own first.
    pub(crate) fn routes(&self) -> impl Iterator<Item = (&Setup, &Registration)> {
        let fallbacks = self.fallbacks.iter();
        let fallbacks = fallbacks.map(|fallback| (&fallback.setup, &fallback.registration));
        std::iter::once((&self.setup, &self.registration)).chain(fallbacks)
    }

    /// The setups of all routes, the plan's own first.
    pub(crate) fn setups(&self) -> impl Iterator<Item = &Setup> {
        std::iter::once(&self.setup).chain(self.fallbacks.iter().map(|fallback| &fallback.setup))
    }

    /// The route behind this one, if there is one.
    pub(crate) fn next_route(&self, route: usize) -> Option<usize> {
        (route + 1..=self.fallbacks.len()).find(|next| !self.is_gone(*next))
    }

    /// The model to ask now, from this one on: the first that is there and not down. When all
    /// are, the first is waited for.
    pub(crate) fn route_from(&self, first: usize) -> Route {
        let known = |route: &usize| !self.is_gone(*route);
        let mut routes = (first..=self.fallbacks.len()).filter(known);
        let first = routes.next().unwrap_or(first);
        let waits = Route {
            number: first,
            is_probe: true,
        };
        if !self.is_down(first) {
            return Route {
                number: first,
                is_probe: false,
            };
        }
        if self
            .routes
            .chosen
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(PROBES)
        {
            return waits;
        }
        let up = routes.find(|route| !self.is_down(*route));
        up.map_or(waits, |number| Route {
            number,
            is_probe: false,
        })
    }

    /// Whether the provider of a route has failed nearly everything for a while.
    pub(crate) fn is_down(&self, route: usize) -> bool {
        let since = self.registration_of(route).trouble_since();
        let longest = i64::try_from(self.policy.down_after.as_millis()).unwrap_or(i64::MAX);
        since.is_some_and(|since| self.now().since_ms(since) >= longest)
    }

    /// Returns when the provider of a route is down and another can be asked.
    pub(crate) async fn went_down(&self, route: Route) {
        if route.is_probe || self.next_route(route.number).is_none() {
            return std::future::pending().await;
        }
        while !self.is_down(route.number) {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The provider does not have the model any more.
    pub(crate) fn set_gone(&self, route: usize) {
        let fallback = route.checked_sub(1).and_then(|at| self.fallbacks.get(at));
        let is_gone = fallback.map_or(&self.routes.first_is_gone, |fallback| &fallback.is_gone);
        is_gone.store(true, Ordering::Relaxed);
    }

    /// Whether the provider does not have the model any more.
    pub(crate) fn is_gone(&self, route: usize) -> bool {
        let fallback = route.checked_sub(1).and_then(|at| self.fallbacks.get(at));
        let is_gone = fallback.map_or(&self.routes.first_is_gone, |fallback| &fallback.is_gone);
        is_gone.load(Ordering::Relaxed)
    }
}
