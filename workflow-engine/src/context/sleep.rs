//! Waiting inside of a body, by the engine's time.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

/// Time, for a body that waits a moment.
pub(crate) trait Pause: Send + Sync {
    /// Waits that long.
    fn pause(&self, duration: Duration) -> BoxFuture<'_, ()>;
}

/// A context without an engine waits for nothing: a unit test has no time to lose.
pub(crate) struct NoPause;

impl Pause for NoPause {
    fn pause(&self, _: Duration) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}
