//! Commits the outcomes of attempts. A process that has lost the lease writes nothing.

use workflow_engine::records::Status;

use super::children::ChildEnd;
use super::state::RunCache;
use super::writes::Stop;
use super::{Reference, Run};
use crate::step::{Claimed, End, Outcome, Response};
use crate::workflows::{arm_of, waits_for_signal};

impl Reference {
    pub(super) fn deliver(
        &mut self,
        process: usize,
        lease: usize,
        end: End,
        room: usize,
    ) -> Result<Response, Stop> {
        let job = self.leases[lease].job.clone();
        let (outcome, next) = self.end_attempt(process, &job, end, room)?;
        self.hold(process, &next);
        Ok(Response::Outcome(outcome, next))
    }

    pub(super) fn end_attempt(
        &mut self,
        process: usize,
        job: &Claimed,
        end: End,
        room: usize,
    ) -> Result<(Outcome, Vec<Claimed>), Stop> {
        let stage = self.runs[job.run].position(&job.stage);
        self.run_cache(process, job).queued.remove(&job.stage);
        let wait = self.runs[job.run].workflow.stages[stage].wait;
        let before = self.now;
        let is_signal = waits_for_signal(&self.runs[job.run].workflow.stages[stage]);
        let end = if is_signal && job.is_poll { self.check_signal(job.run, stage) } else { end };
        let starts_child = self.creates_child(job.run, stage, job.is_poll);
        let end = if starts_child { End::Value(0) } else { end };
        let read = self.overtaken.as_ref().map_or_else(|| self.child_end(job.run, stage), |read| read.child);
        let end = match read.filter(|_| job.is_poll).map(ChildEnd::of_check) {
            None => end,
            Some(Ok(end)) => end,
            Some(Err(code)) => return Ok((self.fail(job, stage, code, false)?, Vec::new())),
        };
        let outcome = match (end, wait) {
            (End::Value(value), Some(wait)) if !job.is_poll => {
                let give_up = millis(wait.give_up_after);
                // Nothing polls for a signal.
                let poll = if is_signal { give_up } else { millis(wait.poll_every) };
                self.commit_with_retry(|it| it.write(|it| it.suspend(job, stage, value, poll, give_up)))?
            }
            (End::Value(value), _) => {
                let done = self.commit_with_retry(|it| {
                    it.write(|it| it.with_links(job.run, |it| it.complete(job, stage, value, room, process)))
                })?;
                return Ok(done.map_or((Outcome::Superseded, Vec::new()), |next| (Outcome::Completed, next)));
            }
            (End::Pending { after_ms }, Some(wait)) if job.is_poll => {
                let max_wait_until = self.runs[job.run].stages[stage].max_wait_until;
                let polled = if is_signal { wait.give_up_after } else { wait.poll_every };
                let mut after = after_ms.unwrap_or(millis(polled)).min(max_wait_until.saturating_sub(before));
                if max_wait_until <= before {
                    if !(is_signal && self.is_woken_or_lost(job, stage)) {
                        return Ok((self.fail(job, stage, "WAIT_TIMED_OUT", false)?, Vec::new()));
                    }
                    // A signal has arrived since the check began, so another check follows.
                    after = 0;
                }
                self.commit_with_retry(|it| it.write(|it| it.postpone(job, stage, after)))?
            }
            (End::Fail { after_ms } | End::Pending { after_ms }, _) => {
                let policy = &self.runs[job.run].workflow.stages[stage].retry;
                // Crashes have a limit of their own.
                let failures = job.attempt - job.crashes;
                if failures >= policy.max_attempts {
                    return Ok((self.fail(job, stage, "STAGE_FAILED", false)?, Vec::new()));
                }
                let delay = after_ms.unwrap_or(millis(policy.initial) << (failures - 1));
                self.commit_with_retry(|it| it.write(|it| it.retry(job, stage, delay)))?
            }
            (End::FailForGood, _) => self.fail(job, stage, "STAGE_FAILED", false)?,
        };
        Ok((outcome, Vec::new()))
    }

    /// Returns the process's cache of the job's run.
    pub(super) fn run_cache(&mut self, process: usize, job: &Claimed) -> &mut RunCache {
        let run_caches = &mut self.run_caches;
        self.processes[process].run_caches.entry((job.run, job.generation)).or_insert_with(|| {
            *run_caches += 1;
            RunCache { number: *run_caches, ..RunCache::default() }
        })
    }

    /// Returns whether the job's lease is the newest of its stage, in the run's current generation.
    pub fn holds(&self, job: &Claimed, stage: usize) -> bool {
        let run = &self.runs[job.run];
        let held = run.stages.get(stage).and_then(|stage| stage.job.as_ref());
        run.status == Status::Running
            && run.generation == job.generation
            && held.is_some_and(|held| held.status == Status::Running && held.epoch == job.epoch)
    }

    fn complete(
        &mut self,
        job: &Claimed,
        stage: usize,
        value: u64,
        room: usize,
        process: usize,
    ) -> Option<Vec<Claimed>> {
        if !self.holds(job, stage) {
            self.processes[process].run_caches.remove(&(job.run, job.generation));
            return None;
        }
        let run = &mut self.runs[job.run];
        let active = run.active();
        let waits_before: Vec<usize> = (0..run.stages.len()).map(|other| run.waits_for(other)).collect();
        run.stages[stage].status = Status::Completed;
        run.stages[stage].output = Some(value);
        run.stages[stage].has_error = false;
        run.stages[stage].job = None;
        run.consume_signal(stage);
        run.emit_for("stage:completed", stage);
        run.choose(stage, arm_of(run.workflow, run.id_of(stage), value));

        let (mut next, mut left) = (Vec::new(), Vec::new());
        let released = run.workflow.stages[stage].successors.iter().filter(|&&successor| {
            run.stages[successor].status != Status::Skipped
                && run.waits_for(successor) < waits_before[successor]
        });
        let released: Vec<usize> = released.copied().collect();
        let mut free = room;
        for successor in released {
            let delay = self.runs[job.run].delay_of(successor);
            let claims = free > 0 && delay == 0;
            free -= usize::from(claims);
            if self.runs[job.run].is_ready(successor) {
                next.extend(self.enqueue(job.run, successor, delay, claims.then_some(process)));
                let is_left = !claims && delay == 0;
                left.extend(is_left.then(|| self.runs[job.run].id_of(successor).to_owned()));
            }
        }
        let known = self.overtaken.take().map(|overtaken| overtaken.run_cache);
        let known = known.unwrap_or_else(|| self.run_cache(process, job).clone());
        for sibling in &known.queued {
            let sibling = self.runs[job.run].position(sibling);
            if next.len() < room && self.runs[job.run].is_queued(sibling, self.now) {
                next.push(self.take(job.run, sibling, process));
            }
        }
        let memory = self.run_cache(process, job);
        if memory.number == known.number {
            memory.queued.extend(left);
        }
        let run = &mut self.runs[job.run];
        if run.open_outputs() == 0 {
            run.complete();
        }
        run.emit_suspended(active);
        Some(next)
    }

    fn suspend(
        &mut self,
        job: &Claimed,
        stage: usize,
        suspended_state: u64,
        poll: u64,
        give_up: u64,
    ) -> Outcome {
        if !self.holds(job, stage) {
            return Outcome::Superseded;
        }
        let now = self.now;
        let starts_child = self.creates_child(job.run, stage, job.is_poll);
        let child = starts_child.then(|| self.start_child(job.run, stage));
        let run = &mut self.runs[job.run];
        let active = run.active();
        let record = &mut run.stages[stage];
        record.status = Status::Suspended;
        record.child = child;
        record.suspended_state = Some(suspended_state).filter(|_| child.is_none());
        record.max_wait_until = now + give_up;
        record.has_error = false;
        if run.next_signal(stage).is_some() {
            run.stages[stage].job.as_mut().expect("it is held").woken = true;
        }
        run.wait_for_check(stage, now, poll);
        run.emit_for("stage:suspended", stage);
        run.emit_suspended(active);
        Outcome::Suspended { after_ms: poll }
    }

    fn postpone(&mut self, job: &Claimed, stage: usize, after: u64) -> Outcome {
        if !self.holds(job, stage) {
            return Outcome::Superseded;
        }
        let now = self.now;
        self.runs[job.run].stages[stage].has_error = false;
        self.runs[job.run].wait_for_check(stage, now, after);
        Outcome::Suspended { after_ms: after }
    }

    pub(super) fn return_job(&mut self, process: usize, lease: usize) -> Result<Response, Stop> {
        let job = self.leases[lease].job.clone();
        self.run_cache(process, &job).queued.remove(&job.stage);
        let stage = self.runs[job.run].position(&job.stage);
        let outcome = self.commit_with_retry(|it| {
            it.write(|it| {
                if !it.holds(&job, stage) {
                    return Outcome::Superseded;
                }
                let (now, mut is_event) = (it.now, false);
                let record = &mut it.runs[job.run].stages[stage];
                // A returned attempt does not count.
                let held = record.job.as_mut().expect("it is held");
                held.attempt -= 1;
                held.run_at = now;
                if record.status == Status::Running {
                    record.attempt -= 1;
                    is_event = true;
                }
                record.requeue();
                if is_event {
                    it.runs[job.run].emit_attempt("stage:returned", stage, job.attempt);
                }
                Outcome::HandedBack
            })
        })?;
        Ok(Response::Outcome(outcome, Vec::new()))
    }
}

impl Run {
    /// Schedules the next check, whose attempts count from zero. A wake that arrived during the last check is kept.
    fn wait_for_check(&mut self, stage: usize, now: u64, after: u64) {
        let record = &mut self.stages[stage];
        record.requeue();
        let job = record.job.as_mut().expect("it is held");
        (job.attempt, job.crashes) = (0, 0);
        job.run_at = if job.woken { now } else { now + after };
        job.woken = false;
    }
}

/// Returns a duration in milliseconds.
pub(super) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("the stages of this test wait for seconds")
}
