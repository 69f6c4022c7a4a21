//! What a workflow says about time.

use std::time::Duration;

/// The delays before the stages of a workflow, and the deadline of its runs, all in milliseconds.
#[derive(Debug)]
pub struct Timing {
    /// The delayed stages, by their numbers.
    pub delays: &'static [(usize, u64)],
    /// 0 without a deadline.
    pub deadline: u64,
}

impl Timing {
    /// No delays and no deadline.
    pub const NONE: Self = Self { delays: &[], deadline: 0 };

    pub(super) fn delay(&self, stage: usize) -> Option<Duration> {
        let delay = self.delays.iter().find(|(delayed, _)| *delayed == stage);
        delay.map(|(_, delay)| Duration::from_millis(*delay))
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        (self.deadline > 0).then(|| Duration::from_millis(self.deadline))
    }
}
