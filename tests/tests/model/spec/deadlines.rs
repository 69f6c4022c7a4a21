//! Deadlines, and delays before stages.

use workflow_engine::records::Status;

use super::outcome::millis;
use super::writes::Stop;
use super::{Reference, Run};
use crate::step::Response;

impl Reference {
    /// Fails the runs whose deadline has passed, the oldest deadline first.
    pub(super) fn fail_overdue(&mut self, limit: usize) -> Result<Response, Stop> {
        let open = (0..self.runs.len()).filter(|&run| !self.runs[run].status.is_terminal());
        let deadlines = open.filter_map(|run| Some((self.runs[run].deadline_at?, run)));
        let mut overdue: Vec<(u64, usize)> =
            deadlines.filter(|(deadline, _)| *deadline <= self.now).collect();
        overdue.sort_unstable();
        overdue.truncate(limit);
        for &(_, run) in &overdue {
            self.write(|it| {
                let run = &mut it.runs[run];
                run.cancel_open_stages();
                run.status = Status::Failed;
                run.error = Some("DEADLINE_EXCEEDED");
                run.emit("workflow:failed");
            })?;
        }
        Ok(Response::Overdue(overdue.len()))
    }
}

impl Run {
    /// Returns the delay before a stage, in milliseconds.
    pub(super) fn delay_of(&self, stage: usize) -> u64 {
        self.workflow.stages[stage].delay.map_or(0, millis)
    }
}
