//! The retry policy of a call: which errors are retried, and after which delays.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::ledger::ai_error::{AiError, AiErrorKind};

const FIRST_DELAY: Duration = Duration::from_millis(500);
const MAX_DELAY: Duration = Duration::from_secs(60);

/// The delays between the attempts of one call.
pub(super) struct RetryDelays(ExponentialBackoff);

impl RetryDelays {
    pub(super) fn new(retries: u32) -> Self {
        let builder = ExponentialBuilder::new()
            .with_min_delay(FIRST_DELAY)
            .with_max_delay(MAX_DELAY)
            .with_max_times(usize::try_from(retries).unwrap_or(usize::MAX));
        Self(builder.with_jitter().build())
    }

    /// Returns the delay before the next attempt, or `None` if the call is not retried.
    ///
    /// A delay that the provider requests replaces the backoff. If it is longer than a minute, the call is not retried,
    /// because waiting here would hold the worker's slot. The stage's own retry waits durably instead, for the whole
    /// requested delay.
    pub(super) fn next_after(&mut self, error: &AiError) -> Option<Duration> {
        if !is_retried(error.kind()) {
            return None;
        }
        let delay = self.0.next()?;
        match error.retry_after() {
            Some(requested) if requested > MAX_DELAY => None,
            Some(requested) => Some(requested),
            None => Some(delay),
        }
    }
}

/// Whether a call itself retries after this kind of error. A timeout is left to the stage: it has taken its time
/// already, and the provider may have served and charged the request.
const fn is_retried(kind: AiErrorKind) -> bool {
    matches!(kind, AiErrorKind::RateLimited | AiErrorKind::Overloaded | AiErrorKind::Connection)
}
