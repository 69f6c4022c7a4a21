//! Schedules: each tick starts one run, and is handled once.

use super::create::PRIORITY;
use super::writes::Stop;
use super::{Reference, Run};
use crate::step::{Index, Response};
use crate::workflows::{PERIOD_MS, SCHEDULES, TICKING};

/// A schedule of [`SCHEDULES`], with what it has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The oldest tick that is not handled.
    pub next_at: u64,
    /// The number of its writes.
    pub writes: u64,
    /// The runs that it takes for open.
    pub open_runs: Vec<Index>,
    /// The ticks that started no run because an earlier one had not ended.
    pub skipped: u64,
    /// The tick of the newest run, and that run.
    pub last: Option<(u64, Index)>,
}

/// What a command has read that handles ticks.
#[derive(Clone, Debug)]
pub struct DueTicks {
    /// The schedules that are due, by their number.
    due: Vec<(usize, Schedule)>,
    /// The runs that are open when the first one is handled.
    open_runs: Vec<Index>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { next_at: PERIOD_MS, writes: 0, open_runs: Vec::new(), skipped: 0, last: None }
    }
}

impl Reference {
    pub(super) fn tick(&mut self) -> Result<Response, Stop> {
        let read = self.overtaken_ticks.take().unwrap_or_else(|| self.due_ticks());
        let (mut started, mut moved, mut is_unavailable) = (0, 0, false);
        let mut open_runs = Some(read.open_runs);
        for (number, schedule) in read.due {
            let open_runs = open_runs.take().unwrap_or_else(|| self.open_runs());
            let is_open = |run: &Index| open_runs.contains(run);
            let starts = !SCHEDULES[number].skips || !schedule.open_runs.iter().any(is_open);
            let expected = schedule.writes;
            let handled = self.write(|it| {
                // Another process was first.
                if it.schedules[number].writes != expected {
                    return (0, 0);
                }
                it.handle_tick(number, schedule, &open_runs, starts);
                if starts { (1, 0) } else { (0, 1) }
            });
            match handled {
                Ok((new, skipped)) => (started, moved) = (started + new, moved + skipped),
                // The other schedules do not wait for this one.
                Err(Stop::Unavailable) => is_unavailable = true,
                Err(stop) => return Err(stop),
            }
        }
        if is_unavailable { Err(Stop::Unavailable) } else { Ok(Response::Ticked { started, moved }) }
    }

    fn handle_tick(&mut self, number: usize, mut schedule: Schedule, open_runs: &[Index], starts: bool) {
        let policy = &SCHEDULES[number];
        let missed = (self.now - schedule.next_at) / PERIOD_MS;
        let tick = schedule.next_at + missed.saturating_sub(policy.catches_up - 1) * PERIOD_MS;
        if policy.skips {
            schedule.open_runs.retain(|run| open_runs.contains(run));
        }
        schedule.next_at = tick + PERIOD_MS;
        schedule.writes += 1;
        if starts {
            let run = self.runs.len();
            self.runs.push(Run::new(TICKING, PRIORITY, self.now));
            schedule.open_runs.push(run);
            schedule.last = Some((tick, run));
        } else {
            schedule.skipped += 1;
        }
        self.schedules[number] = schedule;
    }

    /// Returns what a command reads that handles ticks: the schedules that are due, those that wait longest first.
    pub(super) fn due_ticks(&self) -> DueTicks {
        let schedules = self.schedules.iter().cloned().enumerate();
        let mut due: Vec<_> = schedules.filter(|(_, schedule)| schedule.next_at <= self.now).collect();
        due.sort_by_key(|(number, schedule)| (schedule.next_at, *number));
        DueTicks { due, open_runs: self.open_runs() }
    }

    fn open_runs(&self) -> Vec<Index> {
        (0..self.runs.len()).filter(|&run| !self.runs[run].status.is_terminal()).collect()
    }

    /// Returns whether a tick is due.
    pub fn has_due_tick(&self) -> bool {
        self.schedules.iter().any(|schedule| schedule.next_at <= self.now)
    }
}
