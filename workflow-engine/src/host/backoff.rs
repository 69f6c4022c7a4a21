//! The pauses of a loop after failures.

use std::time::Duration;

/// The first pause.
const MIN_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause. An idle loop then costs an unavailable store one call in two seconds, and it continues at most two
/// seconds after the store is back.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// The pause of a loop, which doubles with each failure.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(MIN_PAUSE)
    }
}

impl Backoff {
    /// Returns the pause after a failure.
    pub(super) fn next_pause(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(MAX_PAUSE);
        pause
    }

    /// Notes a success.
    pub(super) fn reset(&mut self) {
        self.0 = MIN_PAUSE;
    }
}
