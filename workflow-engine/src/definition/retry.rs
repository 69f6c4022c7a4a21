//! The durable retry policy of a stage.

use std::time::Duration;

/// How often a stage is attempted, and how long the engine waits in between.
///
/// It is part of the stage's declaration, `#[stage(retry(max_attempts = 5, initial = "2s"))]`; the waiting is
/// durable, so an attempt that is due in an hour survives any number of restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first one included; 1 means no retry. Default 3.
    pub max_attempts: u32,
    /// How the waiting time grows. Default exponential.
    pub backoff: Backoff,
    /// The waiting time after the first failed attempt. Default 1 s.
    pub initial: Duration,
    /// No waiting time is longer. Default 5 min, or `initial` where that is longer.
    pub max: Duration,
    /// Shortens each waiting time by up to a half, so that many runs that failed together do not return together.
    /// Default off.
    pub jitter: bool,
}

/// How the waiting time grows from one attempt to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backoff {
    /// The same waiting time after each attempt.
    Fixed,
    /// Twice as long after each attempt.
    Exponential,
}

impl RetryPolicy {
    /// Three attempts, exponential from 1 s up to 5 min, without jitter.
    pub const DEFAULT: Self = Self {
        max_attempts: 3,
        backoff: Backoff::Exponential,
        initial: Duration::from_secs(1),
        max: Duration::from_secs(300),
        jitter: false,
    };

    /// The waiting time after failed attempt number `attempt` (1-based). `spread` is in `0.0..1.0` and moves
    /// the result within the jitter; it is derived from the run's id, so that the same history gives the same time.
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
