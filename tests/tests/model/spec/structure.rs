//! Commands about whole runs.

use std::collections::BTreeSet;

use workflow_engine::records::Status;

use super::trouble::Stop;
use super::{Reference, Run, Stage};
use crate::step::Answer;

impl Reference {
    pub(super) fn transition(&mut self, run: usize) -> Result<Answer, Stop> {
        Ok(Answer::Transitioned(match self.runs[run].status {
            Status::Pending => {
                self.write(|it| it.start(run, None))?;
                "advanced"
            }
            Status::Completed => "completed",
            Status::Failed => "failed",
            // Whatever is ready has a job already.
            _ => "noop",
        }))
    }

    pub(super) fn cancel(&mut self, run: usize) -> Result<Answer, Stop> {
        if self.runs[run].status.is_terminal() {
            return Ok(Answer::Cancelled(false));
        }
        self.write(|it| {
            let run = &mut it.runs[run];
            run.cancel_open_stages();
            run.status = Status::Cancelled;
            run.tell("workflow:cancelled");
        })?;
        Ok(Answer::Cancelled(true))
    }

    pub(super) fn wake(&mut self, run: usize, stage: usize) -> Result<Answer, Stop> {
        let it = &self.runs[run];
        let waits = it.stages.get(stage).is_some_and(|stage| stage.status == Status::Suspended);
        if it.status != Status::Running || !waits {
            return Ok(Answer::Woken(false));
        }
        self.write(|it| {
            let now = it.now;
            let job = it.runs[run].stages[stage].job.as_mut().expect("a stage that waits has a job");
            if job.status == Status::Running {
                job.woken = true;
            } else {
                job.run_at = job.run_at.min(now);
            }
        })?;
        Ok(Answer::Woken(true))
    }

    pub(super) fn rerun(
        &mut self,
        run: usize,
        from: usize,
        key: Option<u8>,
        dry: bool,
    ) -> Result<Answer, Stop> {
        let request = format!("{run} {from}");
        let entry = key.filter(|_| !dry).map(|key| ("run.rerunFrom", key));
        if let Some(entry) = entry {
            // The question is a transaction of its own; it writes nothing.
            let known = self.write(|it| it.keys.get(&entry).cloned())?;
            match known {
                Some((known, _)) if known != request => return Err(Stop::Refused("IDEMPOTENCY_CONFLICT")),
                Some((_, answer)) => return Ok(answer),
                None => {}
            }
        }
        let again = self.runs[run].covered(from)?;
        let stages = again.iter().map(|&stage| self.runs[run].id_of(stage).to_owned()).collect();
        let answer = Answer::Rerun { generation: self.runs[run].generation + 1, stages };
        if dry {
            return Ok(answer);
        }
        self.write(|it| {
            it.run_again(run, &again);
            it.keys.extend(entry.map(|entry| (entry, (request, answer.clone()))));
        })?;
        Ok(answer)
    }

    fn run_again(&mut self, run: usize, again: &BTreeSet<usize>) {
        let it = &mut self.runs[run];
        it.status = Status::Running;
        it.generation += 1;
        it.error = None;
        for &stage in again {
            it.stages[stage] = Stage::open(it.generation);
        }
        it.tell("workflow:started");
        for &stage in again {
            if self.runs[run].is_ready(stage) {
                self.enqueue(run, stage, None);
            }
        }
    }
}

impl Run {
    /// What a rerun from this stage runs again: it, everything after it, and whatever has not completed.
    fn covered(&self, from: usize) -> Result<BTreeSet<usize>, Stop> {
        if !self.status.is_terminal() {
            return Err(Stop::Refused("RUN_NOT_TERMINAL"));
        }
        if self.stages.is_empty() {
            return Err(Stop::Refused("RUN_NEVER_STARTED"));
        }
        let open = |stage: &usize| self.stages[*stage].status != Status::Completed;
        if self.before(from).iter().any(open) {
            return Err(Stop::Refused("ANCESTOR_NOT_COMPLETED"));
        }
        let covered = |stage: &usize| *stage == from || self.before(*stage).contains(&from) || open(stage);
        Ok((0..self.stages.len()).filter(covered).collect())
    }

    /// Every stage that this one waits for, over any number of others.
    fn before(&self, stage: usize) -> BTreeSet<usize> {
        let direct = &self.workflow.stages[stage].predecessors;
        direct.iter().flat_map(|&earlier| self.before(earlier)).chain(direct.iter().copied()).collect()
    }
}
