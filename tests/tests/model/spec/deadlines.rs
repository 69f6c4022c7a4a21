//! Deadlines, and delays before stages.

use workflow_engine::records::Status;

use super::outcome::millis;
use super::writes::Stop;
use super::{Reference, Run};
use crate::step::Response;

impl Reference {
    /// Ends the runs whose deadline has passed, the oldest deadline first: they fail, or are cancelled where their parents
    /// wait for them no longer.
    pub(super) fn fail_overdue(&mut self, limit: usize) -> Result<Response, Stop> {
        let mut overdue = self.overtaken_deadlines.take().unwrap_or_else(|| self.overdue_runs());
        overdue.truncate(limit);
        let (mut failed, mut cancelled) = (0, 0);
        for (position, (deadline, run)) in overdue.into_iter().enumerate() {
            let it = &self.runs[run];
            // Another command may have moved the deadline of the first run since it was read.
            if it.status.is_terminal() || position == 0 && it.deadline_at != Some(deadline) {
                continue;
            }
            let is_cancelled = it.has_cancel_reason;
            self.write(|it| {
                it.with_links(run, |it| {
                    if is_cancelled { it.runs[run].cancel() } else { it.runs[run].exceed_deadline() }
                });
            })?;
            *(if is_cancelled { &mut cancelled } else { &mut failed }) += 1;
        }
        Ok(Response::Overdue { failed, cancelled })
    }

    /// Returns the open runs whose deadline has passed, the oldest deadline first.
    pub(super) fn overdue_runs(&self) -> Vec<(u64, usize)> {
        let open = (0..self.runs.len()).filter(|&run| !self.runs[run].status.is_terminal());
        let deadlines = open.filter_map(|run| Some((self.runs[run].deadline_at?, run)));
        let mut overdue: Vec<(u64, usize)> =
            deadlines.filter(|(deadline, _)| *deadline <= self.now).collect();
        overdue.sort_unstable();
        overdue
    }
}

impl Run {
    fn exceed_deadline(&mut self) {
        self.cancel_open_stages();
        self.status = Status::Failed;
        self.error = Some("DEADLINE_EXCEEDED");
        self.emit("workflow:failed");
    }

    /// Returns the delay before a stage, in milliseconds.
    pub(super) fn delay_of(&self, stage: usize) -> u64 {
        self.workflow.stages[stage].delay.map_or(0, millis)
    }
}
