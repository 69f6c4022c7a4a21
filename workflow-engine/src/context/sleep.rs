//! Waiting inside a stage, on the engine's clock.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

/// The engine's clock, as far as a running stage needs it.
pub(crate) trait Pause: Send + Sync {
    /// Waits for `duration`.
    fn pause(&self, duration: Duration) -> BoxFuture<'_, ()>;
}

/// A context without an engine does not wait, so that unit tests are fast.
pub(crate) struct NoPause;

impl Pause for NoPause {
    fn pause(&self, _: Duration) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}
