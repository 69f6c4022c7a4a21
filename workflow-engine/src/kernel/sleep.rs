//! The kernel's clock, for bodies that wait a moment.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::context::Pause;
use crate::ports::Clock;

pub(super) struct ClockPause(pub(super) Arc<dyn Clock>);

impl Pause for ClockPause {
    fn pause(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.0.sleep(duration)
    }
}
