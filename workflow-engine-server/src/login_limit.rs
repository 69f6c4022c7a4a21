//! The limit of failed log-ins.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a failure counts.
const WINDOW: Duration = Duration::from_secs(60);
/// The most addresses that are remembered. An attacker with more of them is not held back by a limit for each.
const MAX_ADDRESSES: usize = 10_000;

/// Counts the failed log-ins of each address.
#[derive(Debug, Default)]
pub(crate) struct LoginLimit {
    /// The instants of the failures, by a clock that does not jump.
    failures: Mutex<HashMap<IpAddr, Vec<Duration>>>,
}

impl LoginLimit {
    /// Returns whether the address has failed `most` times.
    pub(crate) fn is_blocked(&self, address: IpAddr, now: Duration, most: usize) -> bool {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.get(&address).is_some_and(|failures| recent(failures, now) >= most)
    }

    /// Notes a failure.
    pub(crate) fn note(&self, address: IpAddr, now: Duration) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MAX_ADDRESSES {
            failures.retain(|_, failures| recent(failures, now) > 0);
            if failures.len() >= MAX_ADDRESSES {
                return;
            }
        }
        let failures = failures.entry(address).or_default();
        failures.retain(|at| now.saturating_sub(*at) < WINDOW);
        failures.push(now);
    }
}

fn recent(failures: &[Duration], now: Duration) -> usize {
    failures.iter().filter(|at| now.saturating_sub(**at) < WINDOW).count()
}
