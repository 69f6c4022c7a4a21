//! How often a request is repeated, and after which waits.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use super::error::{AiError, AiErrorKind};

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);

/// The waits between the tries of one call.
pub(super) struct Waits(ExponentialBackoff);

impl Waits {
    pub(super) fn new(retries: u32) -> Self {
        let builder = ExponentialBuilder::new()
            .with_min_delay(FIRST)
            .with_max_delay(LONGEST)
            .with_max_times(usize::try_from(retries).unwrap_or(usize::MAX));
        Self(builder.with_jitter().build())
    }

    /// How long to wait before the next try; `None` when there is none.
    ///
    /// What the provider asks for counts, but for more than a minute: nobody holds a worker that long. The error then
    /// goes to the stage, whose own retry waits durably, as long as the provider asks for.
    pub(super) fn next(&mut self, error: &AiError) -> Option<Duration> {
        if !is_repeated(error.kind()) {
            return None;
        }
        let wait = self.0.next()?;
        match error.retry_after() {
            Some(asked) if asked > LONGEST => None,
            Some(asked) => Some(asked),
            None => Some(wait),
        }
    }
}

/// Whether a call repeats itself. A timeout is repeated by the stage alone: it has cost its time already, and what the
/// provider did with the request may have cost more.
const fn is_repeated(kind: AiErrorKind) -> bool {
    matches!(kind, AiErrorKind::RateLimited | AiErrorKind::Overloaded | AiErrorKind::Connection)
}
