//! Wrong keys: who sends several has to wait, longer each time, by address.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, StatusCode};
use docmill_core::access::WrongTries;
use docmill_core::time::Timestamp;

use crate::connections::network;
use crate::problem::Problem;

/// Addresses remembered. Who has more than this to guess from guesses at random all the same: a
/// key has 256 bits.
const REMEMBERED: usize = 10_000;

/// Wrong tries by address. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Tries {
    by_address: Arc<Mutex<BTreeMap<IpAddr, WrongTries>>>,
    count: Arc<AtomicU64>,
}

impl Tries {
    /// Refuses an address that must wait.
    ///
    /// # Errors
    /// Says for how long.
    pub(crate) fn check(&self, address: IpAddr, now: Timestamp) -> Result<(), Problem> {
        let all = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = all.get(&network(address)).map_or(0, |tries| tries.wait_ms(now));
        if wait == 0 {
            return Ok(());
        }
        let seconds = u32::try_from(wait.div_euclid(1000) + 1).unwrap_or(u32::MAX);
        Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "wait",
            format!("too many wrong keys came from this address; the next is looked at in {seconds} s"),
        )
        .retry_after(seconds))
    }

    /// Notes a wrong one.
    pub(crate) fn wrong(&self, address: IpAddr, now: Timestamp) {
        let mut all = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.retain(|_, tries| !tries.is_forgotten(now));
        }
        if all.len() >= REMEMBERED
            && let Some(oldest) = all
                .iter()
                .min_by_key(|(_, tries)| tries.last())
                .map(|(ip, _)| *ip)
        {
            all.remove(&oldest);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        let tries = all.entry(network(address)).or_default();
        *tries = tries.again(now);
    }

    /// Wrong ones since the process began.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Forgets an address that had a right one.
    pub(crate) fn right(&self, address: IpAddr) {
        let mut all = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&network(address));
    }
}

/// Where a request is from: the other end of the connection, or what a proxy on this machine
/// says. Anybody else's word is not taken.
pub(crate) fn address_of(peer: SocketAddr, headers: &HeaderMap, is_behind_proxy: bool) -> IpAddr {
    let peer = peer.ip();
    if !peer.to_canonical().is_loopback() && !is_behind_proxy {
        return peer;
    }
    // The last hop is the one the proxy itself saw; those before it are what it was told.
    let said = headers.get_all("x-forwarded-for").iter().next_back();
    said.and_then(|value| value.to_str().ok())
        .and_then(|value| value.rsplit(',').next())
        .and_then(|last| last.trim().parse().ok())
        .unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_waits_and_nobody_else() {
        let tries = Tries::default();
        let now = Timestamp(1 << 40);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        for _ in 0..8 {
            tries.wrong(ip("192.0.2.1"), now);
        }
        let refused = tries.check(ip("192.0.2.1"), now).unwrap_err();
        assert_eq!((refused.status, refused.code.as_str()), (429, "wait"));
        assert!(tries.check(ip("192.0.2.2"), now).is_ok());
        assert!(tries.check(ip("192.0.2.1"), now.plus_ms(60_000)).is_ok());
        tries.right(ip("192.0.2.1"));
        assert!(tries.check(ip("192.0.2.1"), now).is_ok());
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let tries = Tries::default();
        for number in 0..(REMEMBERED as u32 + 50) {
            tries.wrong(
                std::net::Ipv4Addr::from_bits(number).into(),
                Timestamp(i64::from(number)),
            );
        }
        assert_eq!(tries.by_address.lock().unwrap().len(), REMEMBERED);
    }

    #[test]
    fn only_a_proxy_here_says_who_asked() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "10.0.0.1, 203.0.113.7".parse().unwrap());
        let peer = |text: &str| text.parse::<SocketAddr>().unwrap();
        let from = |peer, behind| address_of(peer, &headers, behind).to_string();
        assert_eq!(from(peer("127.0.0.1:9"), false), "203.0.113.7");
        assert_eq!(from(peer("198.51.100.2:9"), false), "198.51.100.2");
        assert_eq!(from(peer("198.51.100.2:9"), true), "203.0.113.7");
    }
}
