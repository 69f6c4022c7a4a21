//! The time of a test engine.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use crate::ports::Clock;
use crate::testing::clock::FakeClock;

/// The real time after which the engine assumes that a body waits for the clock, and advances the virtual clock to the
/// next instant at which something happens: the body's timeout, for example.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_millis(200);
/// How often a body is polled before the engine starts other work beside it.
const POLLS: usize = 64;
/// The real time for which the engine polls a body before it starts other work beside it. A body on another thread needs
/// time to be scheduled.
const POLLING: Duration = Duration::from_millis(20);
/// The longest wait beside bodies without a renewal of their leases, where the runtime is paused.
const HEARTBEAT: TimeDelta = TimeDelta::hours(1);

/// The source of time. Where the runtime is paused (`start_paused`), tokio's own clock is the virtual time, so that a body
/// that sleeps with tokio and the engine's deadlines agree.
#[derive(Clone, Debug)]
pub(super) enum VirtualTime {
    Fake(FakeClock),
    Paused(PausedClock),
}

impl VirtualTime {
    /// Returns a time that suits the current runtime.
    pub(super) fn new() -> Self {
        let fake = FakeClock::new();
        if is_paused() {
            Self::Paused(PausedClock { base: fake.now(), origin: Instant::now() })
        } else {
            Self::Fake(fake)
        }
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        match self {
            Self::Fake(clock) => Arc::new(clock.clone()),
            Self::Paused(clock) => Arc::new(clock.clone()),
        }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        match self {
            Self::Fake(clock) => clock.now(),
            Self::Paused(clock) => clock.now(),
        }
    }

    /// Returns the instant that is `duration` from now.
    pub(super) fn after(&self, duration: Duration) -> DateTime<Utc> {
        let duration = TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        self.now().checked_add_signed(duration).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Lets every ready task of a runtime with one thread run, and those of other threads for a moment.
    #[allow(clippy::disallowed_methods, reason = "a body that really works takes real time")]
    pub(super) async fn let_tasks_run(&self) {
        for _ in 0..POLLS {
            tokio::task::yield_now().await;
        }
        if let Self::Fake(_) = self {
            tokio::time::sleep(POLLING).await;
        }
    }

    /// Returns the latest instant until which a wait beside running bodies may last, where the earliest other event is at
    /// `next`; `None` where no instant is known.
    pub(super) fn horizon(&self, next: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        match self {
            Self::Fake(clock) => next.into_iter().chain(clock.next_wake()).min(),
            // The timers of tokio are unknown.
            Self::Paused(clock) => next.into_iter().chain([clock.now() + HEARTBEAT]).min(),
        }
    }

    /// Waits beside running bodies until `until`. The caller stops waiting when a body ends.
    #[allow(clippy::disallowed_methods, reason = "a body that really works takes real time")]
    pub(super) async fn wait_beside_bodies(&self, until: Option<DateTime<Utc>>) {
        match (self, until) {
            (Self::Fake(clock), until) => {
                tokio::time::sleep(IDLE_TIMEOUT).await;
                // Nothing tells a body that works for longer from one that waits. Without an instant, it works.
                if let Some(until) = until {
                    advance(clock, until.min(clock.next_wake().unwrap_or(until)));
                }
            }
            (Self::Paused(clock), Some(until)) => clock.sleep_until(until).await,
            (Self::Paused(_), None) => std::future::pending().await,
        }
    }

    /// Lets the time pass while nothing runs.
    pub(super) async fn pass_until(&self, until: DateTime<Utc>) {
        match self {
            Self::Fake(clock) => advance(clock, until),
            Self::Paused(clock) => {
                clock.sleep_until(until.max(clock.now() + TimeDelta::milliseconds(1))).await;
            }
        }
    }
}

fn advance(clock: &FakeClock, until: DateTime<Utc>) {
    let wait = (until - clock.now()).to_std().unwrap_or_default();
    // An instant in the past is due already. The smallest step makes sure that the clock always advances.
    clock.advance(wait.max(Duration::from_micros(1)));
}

/// The clock of a runtime that is paused.
#[derive(Clone, Debug)]
pub(super) struct PausedClock {
    base: DateTime<Utc>,
    origin: Instant,
}

#[async_trait]
impl Clock for PausedClock {
    fn now(&self) -> DateTime<Utc> {
        let elapsed = TimeDelta::from_std(self.origin.elapsed()).unwrap_or(TimeDelta::MAX);
        self.base.checked_add_signed(elapsed).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    #[allow(clippy::disallowed_methods, reason = "tokio's clock is the virtual time here")]
    async fn sleep_until(&self, instant: DateTime<Utc>) {
        if let Ok(duration) = (instant - self.now()).to_std() {
            tokio::time::sleep(duration).await;
        }
    }
}

/// Whether the clock of the current runtime is paused: tokio's time stands still while real time passes. tokio has no
/// function that tells.
#[allow(clippy::disallowed_methods, reason = "real time alone tells whether tokio's clock stands still")]
fn is_paused() -> bool {
    let (tokio, real) = (Instant::now(), std::time::Instant::now());
    // Twice, so that the two clocks need not have the same resolution.
    let mut last = real;
    for _ in 0..2 {
        let before = last;
        while last == before {
            last = std::time::Instant::now();
        }
    }
    Instant::now() == tokio
}
