//! Commands that change whole runs.

use std::collections::BTreeSet;

use workflow_engine::records::Status;

use super::arms::Region;
use super::outcome::millis;
use super::writes::Stop;
use super::{Reference, Run, Stage};
use crate::step::Response;

impl Reference {
    pub(super) fn transition(&mut self, run: usize) -> Result<Response, Stop> {
        Ok(Response::Transitioned(match self.runs[run].status {
            Status::Pending => {
                self.write(|it| it.start(run, None))?;
                "advanced"
            }
            Status::Completed => "completed",
            Status::Failed => "failed",
            // Every ready stage has a job already.
            _ => "noop",
        }))
    }

    pub(super) fn cancel(&mut self, run: usize) -> Result<Response, Stop> {
        if self.runs[run].status.is_terminal() {
            return Ok(Response::Cancelled(false));
        }
        self.write(|it| it.with_links(run, |it| it.runs[run].cancel()))?;
        Ok(Response::Cancelled(true))
    }

    pub(super) fn wake(&mut self, run: usize, stage: usize) -> Result<Response, Stop> {
        let it = &self.runs[run];
        let waits = it.stages.get(stage).is_some_and(|stage| stage.status == Status::Suspended);
        if it.status != Status::Running || !waits {
            return Ok(Response::Woken(false));
        }
        self.write(|it| {
            let now = it.now;
            it.runs[run].stages[stage].job.as_mut().expect("a suspended stage has a job").wake(now);
        })?;
        Ok(Response::Woken(true))
    }

    pub(super) fn rerun(
        &mut self,
        run: usize,
        from: usize,
        key: Option<u8>,
        dry: bool,
    ) -> Result<Response, Stop> {
        let request = format!("{run} {from}");
        let entry = key.filter(|_| !dry).map(|key| ("run.rerunFrom", key));
        if let Some(response) = self.earlier_rerun(entry, &request)? {
            return Ok(response);
        }
        let again = match self.runs[run].covered(from) {
            Ok(again) => again,
            // A request with the same key may have been faster, so the key is looked up once more.
            Err(refused) => return self.earlier_rerun(entry, &request)?.ok_or(refused),
        };
        let stages = again.iter().map(|&stage| self.runs[run].id_of(stage).to_owned()).collect();
        let response = Response::Rerun { generation: self.runs[run].generation + 1, stages };
        if dry {
            return Ok(response);
        }
        self.write(|it| {
            it.run_again(run, from, &again);
            it.keys.extend(entry.map(|entry| (entry, (request, response.clone()))));
        })?;
        Ok(response)
    }

    /// Returns the response to an earlier request with the same key. The lookup is a separate transaction, which writes
    /// nothing.
    fn earlier_rerun(
        &mut self,
        entry: Option<(&'static str, u8)>,
        request: &str,
    ) -> Result<Option<Response>, Stop> {
        let Some(entry) = entry else { return Ok(None) };
        match self.write(|it| it.keys.get(&entry).cloned())? {
            Some((stored, _)) if stored != request => Err(Stop::Refused("IDEMPOTENCY_CONFLICT")),
            stored => Ok(stored.map(|(_, response)| response)),
        }
    }

    fn run_again(&mut self, run: usize, from: usize, again: &BTreeSet<usize>) {
        let now = self.now;
        // A child of the generation before may have been rerun on its own.
        for &stage in again {
            self.end_child(run, stage);
        }
        let it = &mut self.runs[run];
        it.status = Status::Running;
        it.generation += 1;
        it.error = None;
        it.has_cancel_reason = false;
        it.deadline_at = it.workflow.deadline.map(|deadline| now + millis(deadline));
        for &stage in again {
            it.stages[stage] = Stage::open(it.generation);
        }
        it.emit("workflow:started");
        for &stage in again {
            if self.runs[run].is_ready(stage) {
                // A delay before the stage that the rerun begins with has passed already.
                let delay = if stage == from { 0 } else { self.runs[run].delay_of(stage) };
                self.enqueue(run, stage, delay, None);
            }
        }
    }
}

impl Run {
    pub(super) fn cancel(&mut self) {
        self.cancel_open_stages();
        self.status = Status::Cancelled;
        self.has_cancel_reason = true;
        self.emit("workflow:cancelled");
    }

    /// Returns the stages that a rerun from a stage runs again: the stage, its successors, and all that have not
    /// completed.
    fn covered(&self, from: usize) -> Result<BTreeSet<usize>, Stop> {
        if !self.status.is_terminal() {
            return Err(Stop::Refused("RUN_NOT_TERMINAL"));
        }
        if self.stages.is_empty() {
            return Err(Stop::Refused("RUN_NEVER_STARTED"));
        }
        let skipped = |stage: &usize| self.stages[*stage].status == Status::Skipped;
        let completed = |stage: &usize| self.stages[*stage].status == Status::Completed;
        let caught = self.caught();
        let is_caught = |stage: &usize| caught.iter().any(|stages| stages.contains(stage));
        let open = |stage: &usize| !completed(stage) && !skipped(stage) && !is_caught(stage);
        if skipped(&from) {
            return Err(Stop::Refused("STAGE_SKIPPED"));
        }
        if self.ancestors(from).iter().any(open) {
            return Err(Stop::Refused("ANCESTOR_NOT_COMPLETED"));
        }
        let runs_again =
            |stage: &usize| *stage == from || self.ancestors(*stage).contains(&from) || open(stage);
        // A skipped stage is covered together with the choice that skipped it, and what a failure has ended together with
        // any stage of its catch.
        let with_choice = |stage: &usize| {
            self.regions_around(*stage)
                .iter()
                .any(|region| matches!(region, Region::Arm(matched, _) if runs_again(matched)))
        };
        let with_catch = |stage: &usize| {
            caught.iter().any(|stages| {
                stages.contains(stage)
                    && (!completed(stage) || stages.end - 1 == *stage)
                    && stages.clone().any(|other| runs_again(&other))
            })
        };
        let covered =
            |stage: &usize| runs_again(stage) || with_catch(stage) || skipped(stage) && with_choice(stage);
        Ok((0..self.stages.len()).filter(covered).collect())
    }

    /// Returns all direct and indirect predecessors of a stage.
    fn ancestors(&self, stage: usize) -> BTreeSet<usize> {
        let direct = &self.workflow.stages[stage].predecessors;
        direct.iter().flat_map(|&earlier| self.ancestors(earlier)).chain(direct.iter().copied()).collect()
    }
}
