//! Follows the jumps of the clock that the store takes its instants from.
//!
//! A clock that was ahead and is set back leaves instants behind that lie too far in the future. The pass has the store
//! bring them back. The loops of this process sleep until instants that they have read or computed before, so a hint wakes
//! them after every jump.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::service::{Next, Service};
use crate::error::Error;
use crate::kernel::Kernel;
use crate::ports::is_jump;

/// The time after a jump after which no transaction still writes with the earlier setting.
const LATE_WRITE: Duration = Duration::from_secs(5);

/// Has the store correct its instants: at the start, and after each jump of the clock.
pub(super) struct ClockJumps {
    /// The origin of the clock at the begin of the last pass.
    origin: Option<DateTime<Utc>>,
}

impl ClockJumps {
    pub(super) const fn new() -> Self {
        Self { origin: None }
    }
}

impl Service for ClockJumps {
    fn name(&self) -> String {
        "follow jumps of the clock".into()
    }

    async fn pass(&mut self, kernel: &Kernel) -> Result<Next, Error> {
        let origin = kernel.clock().origin();
        let before = *self.origin.get_or_insert(origin);
        let has_jumped = is_jump(origin - before);
        let corrected = kernel.store().correct_instants().await?;
        if has_jumped {
            self.origin = Some(origin);
        }
        if has_jumped || corrected > 0 {
            tracing::warn!(
                milliseconds = (origin - before).num_milliseconds(),
                corrected,
                "the clock of the machine was set; what was written while it was ahead is due after its own delay again"
            );
            kernel.store().hints().everything_changed();
        }
        Ok(if has_jumped { Next::At(kernel.clock().now() + LATE_WRITE) } else { Next::WhenWoken })
    }

    async fn woken(&mut self, kernel: &Kernel) {
        match self.origin {
            Some(origin) => kernel.clock().jumped_from(origin).await,
            None => std::future::pending().await,
        }
    }

    fn retry(&mut self, kernel: &Kernel, pause: Duration) -> Next {
        Next::At(kernel.clock().now() + pause)
    }
}
