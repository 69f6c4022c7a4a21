//! Sums up calls of models by hour, after this process has made some.

use std::time::Duration;

use chrono::TimeDelta;

use super::service::{Next, Service};
use crate::error::Error;
use crate::kernel::{Kernel, RollUpCosts};

/// The time from the outcome of a call to the pass that follows: there is at most one pass an hour.
const INTERVAL: Duration = Duration::from_secs(3_600);

/// The most calls of one pass; another one follows at once where there are more.
const BATCH: usize = 10_000;

/// Sums up calls at most hourly, and never while this process calls no model.
#[derive(Default)]
pub(super) struct CostRollUp {
    is_due: bool,
}

impl Service for CostRollUp {
    fn name(&self) -> String {
        "sum up the costs of calls".into()
    }

    async fn pass(&mut self, kernel: &Kernel) -> Result<Next, Error> {
        if self.is_due {
            if kernel.dispatch(RollUpCosts { limit: BATCH }).await?.calls == BATCH {
                return Ok(Next::Now);
            }
            self.is_due = false;
        }
        Ok(Next::WhenWoken)
    }

    async fn woken(&mut self, kernel: &Kernel) {
        kernel.meters().models.call_settled().await;
        kernel.clock().sleep(INTERVAL).await;
        self.is_due = true;
    }

    fn retry(&mut self, kernel: &Kernel, pause: Duration) -> Next {
        let pause = TimeDelta::from_std(pause).unwrap_or(TimeDelta::hours(1));
        Next::At(kernel.clock().now() + pause.max(TimeDelta::minutes(1)))
    }
}
