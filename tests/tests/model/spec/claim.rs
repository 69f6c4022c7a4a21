//! Starts runs, and claims jobs.

use std::cmp::Reverse;

use workflow_engine::records::Status;

use super::create::PRIORITY;
use super::writes::Stop;
use super::{Held, Job, LEASE_MS, Reference, Run, Stage};
use crate::step::{Claimed, End, Response};

impl Reference {
    pub(super) fn claim_pending(
        &mut self,
        process: usize,
        limit: usize,
        mut slots: usize,
    ) -> Result<Response, Stop> {
        let pending = (0..self.runs.len()).filter(|&run| self.runs[run].status == Status::Pending);
        let pending = pending.map(|run| {
            let it = &self.runs[run];
            (it.workflow.id.as_str(), it.priority, (it.created_at, run), run)
        });
        let mut pending = fair_order(pending.collect());
        pending.truncate(limit);
        let (mut started, mut stop) = (Vec::new(), None);
        for run in pending {
            let room = slots.min(1); // Every workflow of this test begins with one stage.
            slots -= room;
            match self.write(|it| it.start(run, (room > 0).then_some(process))) {
                Ok(jobs) => started.push((run, jobs)),
                Err(Stop::Died) => return Err(Stop::Died),
                // A run that cannot be started delays no other, but the response is its error.
                Err(other) => stop = Some(other),
            }
        }
        if let Some(stop) = stop {
            return Err(stop);
        }
        for (_, jobs) in &started {
            self.hold(process, jobs);
        }
        Ok(Response::Started(started))
    }

    /// Starts a run, and claims its first stage if a process is given.
    pub(super) fn start(&mut self, run: usize, process: Option<usize>) -> Vec<Claimed> {
        let it = &mut self.runs[run];
        it.status = Status::Running;
        it.stages = it.workflow.stages.iter().map(|_| Stage::open(1)).collect();
        it.emit("workflow:started");
        self.enqueue(run, 0, 0, process).into_iter().collect()
    }

    /// Queues a stage that is ready, due after a delay, and claims it if a process is given.
    pub(super) fn enqueue(
        &mut self,
        run: usize,
        stage: usize,
        delay: u64,
        process: Option<usize>,
    ) -> Option<Claimed> {
        self.runs[run].stages[stage].job = Some(Job {
            status: Status::Pending,
            attempt: 0,
            crashes: 0,
            epoch: 0,
            lease: None,
            run_at: self.now + delay,
            woken: false,
        });
        process.map(|process| self.take(run, stage, process))
    }

    pub(super) fn claim_jobs(&mut self, process: usize, limit: usize) -> Result<Response, Stop> {
        let claimed = self.write(|it| {
            let mut due = it.due_jobs();
            due.truncate(limit);
            due.into_iter().map(|(run, stage)| it.take(run, stage, process)).collect::<Vec<_>>()
        })?;
        self.hold(process, &claimed);
        Ok(Response::Claimed(claimed))
    }

    /// Returns the jobs that can be claimed now: pending ones have their run's priority, checks the default one.
    fn due_jobs(&self) -> Vec<(usize, usize)> {
        let mut due = Vec::new();
        for (index, run) in self.runs.iter().enumerate() {
            for (stage, job) in run.open_jobs().filter(|(_, job)| job.is_due(self.now)) {
                let waits = job.status == Status::Suspended;
                // Every check has the default priority.
                let priority = if waits { PRIORITY } else { run.priority };
                let age = (job.run_at, index, run.id_of(stage));
                due.push((run.workflow.id.as_str(), priority, age, (index, stage)));
            }
        }
        fair_order(due)
    }

    pub(super) fn execute(
        &mut self,
        process: usize,
        run: usize,
        stage: usize,
        end: End,
    ) -> Result<Response, Stop> {
        let it = &self.runs[run];
        let Some(record) = it.stages.get(stage) else { return Err(Stop::Refused("STAGE_NOT_FOUND")) };
        if record.status == Status::Completed {
            return Ok(Response::Outcome(crate::step::Outcome::Completed, Vec::new()));
        }
        let now = self.now;
        let claimed = self.write(|it| {
            let is_due = it.runs[run].open_jobs().any(|(open, job)| open == stage && job.is_due(now));
            is_due.then(|| it.take(run, stage, process))
        })?;
        match claimed {
            None => Ok(Response::Outcome(crate::step::Outcome::Superseded, Vec::new())),
            Some(job) => {
                let (outcome, _) = self.end_attempt(process, &job, end, 0)?;
                Ok(Response::Outcome(outcome, Vec::new()))
            }
        }
    }

    /// Claims a job. The claim counts the attempt.
    pub(super) fn take(&mut self, run: usize, stage: usize, process: usize) -> Claimed {
        let lease = (self.processes[process].name(process), self.now + LEASE_MS);
        let it = &mut self.runs[run];
        let generation = it.generation;
        let record = &mut it.stages[stage];
        let job = record.job.as_mut().expect("a job that is due");
        job.status = Status::Running;
        job.attempt += 1;
        job.epoch += 1;
        job.lease = Some(lease);
        let (epoch, attempt, crashes) = (job.epoch, job.attempt, job.crashes);
        let is_poll = record.status == Status::Suspended;
        if !is_poll {
            record.status = Status::Running;
            record.attempt = attempt;
            it.emit_attempt("stage:started", stage, attempt);
        }
        let stage = self.runs[run].id_of(stage).to_owned();
        Claimed { run, stage, generation, epoch, attempt, crashes, is_poll }
    }

    /// Notes that the process has received these jobs.
    pub(super) fn hold(&mut self, process: usize, jobs: &[Claimed]) {
        let held = jobs.iter().map(|job| Held { process, job: job.clone(), is_alive: true });
        self.leases.extend(held);
    }
}

/// Sorts waiting work by priority; at the same priority the workflows take turns, each with its oldest work first.
fn fair_order<Age: Ord + Copy, T: Copy>(mut waiting: Vec<(&str, i32, Age, T)>) -> Vec<T> {
    waiting.sort_by_key(|&(_, priority, age, _)| (Reverse(priority), age));
    let mut turns = Vec::new();
    for (place, &(workflow, priority, ..)) in waiting.iter().enumerate() {
        let before = waiting[..place].iter().filter(|other| (other.0, other.1) == (workflow, priority));
        turns.push((Reverse(priority), before.count(), place));
    }
    turns.sort();
    turns.into_iter().map(|(.., place)| waiting[place].3).collect()
}

impl Run {
    /// Returns the jobs that can be claimed, now or later.
    fn open_jobs(&self) -> impl Iterator<Item = (usize, &Job)> {
        let is_running = self.status == Status::Running;
        let jobs = self.stages.iter().enumerate();
        jobs.filter_map(|(stage, record)| Some((stage, record.job.as_ref()?)))
            .filter(move |(_, job)| is_running && matches!(job.status, Status::Pending | Status::Suspended))
    }

    /// Returns whether the stage's job is pending and due.
    pub(super) fn is_queued(&self, stage: usize, now: u64) -> bool {
        let mut open = self.open_jobs();
        open.any(|(open, job)| open == stage && job.status == Status::Pending && job.is_due(now))
    }
}

impl Job {
    fn is_due(&self, now: u64) -> bool {
        self.run_at <= now
    }
}

impl Stage {
    /// Creates a stage as it is at the start of a generation.
    pub(super) fn open(generation: u32) -> Self {
        Self {
            status: Status::Pending,
            generation,
            attempt: 0,
            output: None,
            arm: None,
            has_failure: false,
            suspended_state: None,
            child: None,
            max_wait_until: 0,
            has_error: false,
            job: None,
        }
    }
}
