//! The retry policy of a stage.

use std::time::Duration;

/// The number of attempts of a stage, and the delays between them.
///
/// It is written on the stage: `#[stage(retry(max_attempts = 5, initial = "2s"))]`. The next attempt's due time is stored,
/// so it survives restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The highest number of attempts that fail, including the first; 1 means no retry. Default 3.
    pub max_attempts: u32,
    /// The highest number of crashes, at least 1: when the worker is lost during an attempt for the last time, the stage
    /// fails with `WORKER_LOST`. Crashes do not count as failed attempts, and have no delay. Default 3.
    pub max_crashes: u32,
    /// How the delay grows. Default exponential.
    pub backoff: Backoff,
    /// The delay after the first failed attempt. Default 1 s.
    pub initial: Duration,
    /// The longest delay. Default 5 min, or `initial` if that is longer.
    pub max: Duration,
    /// Shortens each delay by up to half of it, so that runs that failed together are not retried together. Default off.
    pub jitter: bool,
}

/// How the delay grows from one attempt to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backoff {
    /// The same delay after each attempt.
    Fixed,
    /// Twice as long after each attempt.
    Exponential,
}

impl RetryPolicy {
    /// Three attempts, three crashes, exponential from 1 s up to 5 min, without jitter.
    pub const DEFAULT: Self = Self {
        max_attempts: 3,
        max_crashes: 3,
        backoff: Backoff::Exponential,
        initial: Duration::from_secs(1),
        max: Duration::from_secs(300),
        jitter: false,
    };

    /// Returns the delay after the failed attempt number `attempt`, from 1.
    ///
    /// With jitter, `spread` in `0.0..1.0` selects the point between the full delay and half of it. The engine derives
    /// `spread` from the run's id, so that the delay is reproducible.
    #[must_use]
    pub fn delay_after(&self, attempt: u32, spread: f64) -> Duration {
        let doublings = attempt.saturating_sub(1);
        let full = match self.backoff {
            Backoff::Fixed => self.initial,
            Backoff::Exponential => 2u32
                .checked_pow(doublings)
                .and_then(|factor| self.initial.checked_mul(factor))
                .unwrap_or(self.max),
        }
        .min(self.max);
        if self.jitter { full.mul_f64(1.0 - spread.clamp(0.0, 1.0) / 2.0) } else { full }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}
