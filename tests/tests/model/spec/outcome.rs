//! What an attempt ends with. Whoever lost the lease writes nothing.

use workflow_engine::records::Status;

use super::state::Memory;
use super::trouble::Stop;
use super::{Reference, Run};
use crate::step::{Answer, Claimed, End, Outcome};

impl Reference {
    pub(super) fn deliver(
        &mut self,
        process: usize,
        lease: usize,
        end: End,
        room: usize,
    ) -> Result<Answer, Stop> {
        let job = self.leases[lease].job.clone();
        let (outcome, next) = self.end_attempt(process, &job, end, room)?;
        self.hold(process, &next);
        Ok(Answer::Outcome(outcome, next))
    }

    pub(super) fn end_attempt(
        &mut self,
        process: usize,
        job: &Claimed,
        end: End,
        room: usize,
    ) -> Result<(Outcome, Vec<Claimed>), Stop> {
        let stage = self.runs[job.run].position(&job.stage);
        self.memory(process, job).queued.remove(&job.stage);
        let wait = self.runs[job.run].workflow.stages[stage].wait;
        let before = self.now;
        let outcome = match (end, wait) {
            (End::Value(value), Some(wait)) if !job.waits => {
                let poll = millis(wait.poll_every);
                let give_up = millis(wait.give_up_after);
                self.commit_with_retry(|it| it.write(|it| it.suspend(job, stage, value, poll, give_up)))?
            }
            (End::Value(value), _) => {
                let done = self
                    .commit_with_retry(|it| it.write(|it| it.complete(job, stage, value, room, process)))?;
                return Ok(done.map_or((Outcome::Ghost, Vec::new()), |next| (Outcome::Completed, next)));
            }
            (End::Pending { after_ms }, Some(wait)) if job.waits => {
                let give_up_at = self.runs[job.run].stages[stage].give_up_at;
                if give_up_at <= before {
                    return Ok((self.fail(job, stage, "WAIT_TIMED_OUT", false)?, Vec::new()));
                }
                let after = after_ms.unwrap_or(millis(wait.poll_every)).min(give_up_at - before);
                self.commit_with_retry(|it| it.write(|it| it.postpone(job, stage, after)))?
            }
            (End::Fail { after_ms } | End::Pending { after_ms }, _) => {
                let policy = &self.runs[job.run].workflow.stages[stage].retry;
                if job.attempt >= policy.max_attempts {
                    return Ok((self.fail(job, stage, "STAGE_FAILED", false)?, Vec::new()));
                }
                let delay = after_ms.unwrap_or(millis(policy.initial) << (job.attempt - 1));
                self.commit_with_retry(|it| it.write(|it| it.retry(job, stage, delay)))?
            }
            (End::FailForGood, _) => self.fail(job, stage, "STAGE_FAILED", false)?,
        };
        Ok((outcome, Vec::new()))
    }

    /// What the process knows of this job's run.
    pub(super) fn memory(&mut self, process: usize, job: &Claimed) -> &mut Memory {
        let memories = &mut self.memories;
        self.processes[process].memories.entry((job.run, job.generation)).or_insert_with(|| {
            *memories += 1;
            Memory { number: *memories, ..Memory::default() }
        })
    }

    /// Whether this lease is the newest of its stage, in the run's own generation.
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
            self.processes[process].memories.remove(&(job.run, job.generation));
            return None;
        }
        let run = &mut self.runs[job.run];
        let active = run.active();
        run.stages[stage].status = Status::Completed;
        run.stages[stage].output = Some(value);
        run.stages[stage].has_error = false;
        run.stages[stage].job = None;
        run.tell_of("stage:completed", stage);

        let (mut next, mut left) = (Vec::new(), Vec::new());
        for (position, &successor) in run.workflow.stages[stage].successors.iter().enumerate() {
            if self.runs[job.run].is_ready(successor) {
                let claimer = (position < room).then_some(process);
                next.extend(self.enqueue(job.run, successor, claimer));
                left.extend(claimer.is_none().then(|| self.runs[job.run].id_of(successor).to_owned()));
            }
        }
        let known = self.overtaken.take().unwrap_or_else(|| self.memory(process, job).clone());
        for sibling in &known.queued {
            let sibling = self.runs[job.run].position(sibling);
            if next.len() < room && self.runs[job.run].is_queued(sibling, self.now) {
                next.push(self.take(job.run, sibling, process));
            }
        }
        let memory = self.memory(process, job);
        if memory.number == known.number {
            memory.queued.extend(left);
        }
        let run = &mut self.runs[job.run];
        if run.lacks() == 0 {
            run.status = Status::Completed;
            run.tell("workflow:completed");
        }
        run.tell_standstill(active);
        Some(next)
    }

    fn suspend(&mut self, job: &Claimed, stage: usize, ticket: u64, poll: u64, give_up: u64) -> Outcome {
        if !self.holds(job, stage) {
            return Outcome::Ghost;
        }
        let now = self.now;
        let run = &mut self.runs[job.run];
        let active = run.active();
        let record = &mut run.stages[stage];
        record.status = Status::Suspended;
        record.ticket = Some(ticket);
        record.give_up_at = now + give_up;
        record.has_error = false;
        run.wait_for_check(stage, now, poll);
        run.tell_of("stage:suspended", stage);
        run.tell_standstill(active);
        Outcome::Suspended { after_ms: poll }
    }

    fn postpone(&mut self, job: &Claimed, stage: usize, after: u64) -> Outcome {
        if !self.holds(job, stage) {
            return Outcome::Ghost;
        }
        let now = self.now;
        self.runs[job.run].stages[stage].has_error = false;
        self.runs[job.run].wait_for_check(stage, now, after);
        Outcome::Suspended { after_ms: after }
    }

    pub(super) fn hand_back(&mut self, process: usize, lease: usize) -> Result<Answer, Stop> {
        let job = self.leases[lease].job.clone();
        self.memory(process, &job).queued.remove(&job.stage);
        let stage = self.runs[job.run].position(&job.stage);
        let outcome = self.commit_with_retry(|it| {
            it.write(|it| {
                if !it.holds(&job, stage) {
                    return Outcome::Ghost;
                }
                let now = it.now;
                let record = &mut it.runs[job.run].stages[stage];
                // The attempt does not count.
                let held = record.job.as_mut().expect("it is held");
                held.attempt -= 1;
                held.run_at = now;
                if record.status == Status::Running {
                    record.attempt -= 1;
                }
                record.requeue();
                Outcome::HandedBack
            })
        })?;
        Ok(Answer::Outcome(outcome, Vec::new()))
    }
}

impl Run {
    /// The next check, whose attempts begin anew. A wake that came during the last one is not lost.
    fn wait_for_check(&mut self, stage: usize, now: u64, after: u64) {
        let record = &mut self.stages[stage];
        record.requeue();
        let job = record.job.as_mut().expect("it is held");
        job.attempt = 0;
        job.run_at = if job.woken { now } else { now + after };
        job.woken = false;
    }
}

pub(super) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("the stages here wait for seconds")
}
