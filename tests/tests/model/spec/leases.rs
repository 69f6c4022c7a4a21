//! Renews leases, and reaps expired ones.

use workflow_engine::records::Status;

use super::writes::Stop;
use super::{LEASE_MS, Reference};
use crate::step::{Claimed, Outcome, Response};

impl Reference {
    pub(super) fn renew(&mut self, process: usize) -> Result<Response, Stop> {
        let mine: Vec<usize> = (0..self.leases.len())
            .filter(|&lease| self.leases[lease].is_alive && self.leases[lease].process == process)
            .collect();
        if mine.is_empty() {
            return Ok(Response::Lost(Vec::new()));
        }
        let lost = self.write(|it| {
            let until = it.now + LEASE_MS;
            let mut lost = Vec::new();
            for lease in mine {
                let job = it.leases[lease].job.clone();
                let stage = it.runs[job.run].position(&job.stage);
                if it.holds(&job, stage) {
                    let held = it.runs[job.run].stages[stage].job.as_mut().expect("it is held");
                    held.lease.as_mut().expect("it is held").1 = until;
                } else {
                    lost.push(lease);
                }
            }
            lost
        })?;
        Ok(Response::Lost(lost))
    }

    /// Returns jobs whose lease has expired, or whose worker is dead, to the queue. The crash counts: with the last
    /// one the stage fails. Those that fail come last. An unavailable store affects one job, not the others.
    pub(super) fn reap(&mut self, threshold: u64, gone: bool) -> Result<Response, Stop> {
        if gone && !self.dead.is_empty() {
            self.write(Self::release_deliveries)?;
        }
        let (mut released, mut failed, mut is_unavailable) = (0, 0, false);
        let lost = self.stale_jobs(gone).into_iter().filter(|(until, worker, _)| {
            let is_gone = gone && self.dead.contains(worker);
            is_gone || (*until <= self.now && self.now - until >= threshold)
        });
        let (last, others): (Vec<_>, Vec<_>) = lost.map(|(.., job)| job).partition(|job| self.was_last(job));
        for job in others {
            let stage = self.runs[job.run].position(&job.stage);
            match self.write(|it| it.record_crash(&job, stage)) {
                Ok(outcome) => released += usize::from(outcome == Outcome::Failed { retryable: true }),
                Err(Stop::Unavailable) => is_unavailable = true,
                Err(stop) => return Err(stop),
            }
        }
        for job in last {
            let stage = self.runs[job.run].position(&job.stage);
            match self.fail(&job, stage, "WORKER_LOST", true) {
                Ok(outcome) => failed += usize::from(outcome == Outcome::Failed { retryable: false }),
                Err(Stop::Unavailable) => is_unavailable = true,
                Err(stop) => return Err(stop),
            }
        }
        if is_unavailable { Err(Stop::Unavailable) } else { Ok(Response::Reaped { released, failed }) }
    }

    fn record_crash(&mut self, job: &Claimed, stage: usize) -> Outcome {
        if self.holds(job, stage) {
            self.runs[job.run].stages[stage].job.as_mut().expect("it is held").crashes += 1;
        }
        self.retry(job, stage, 0)
    }

    fn was_last(&self, job: &Claimed) -> bool {
        let stage = self.runs[job.run].position(&job.stage);
        job.crashes + 1 >= self.runs[job.run].workflow.stages[stage].retry.max_crashes
    }

    /// Returns the stale jobs, sorted by the end of their lease.
    fn stale_jobs(&self, gone: bool) -> Vec<(u64, String, Claimed)> {
        let mut stale = Vec::new();
        for (index, run) in self.runs.iter().enumerate().filter(|(_, run)| run.status == Status::Running) {
            for (stage, record) in run.stages.iter().enumerate() {
                let Some(job) = record.job.as_ref() else { continue };
                let Some((worker, until)) = &job.lease else { continue };
                if *until <= self.now || (gone && self.dead.contains(worker)) {
                    let claimed = Claimed {
                        run: index,
                        stage: run.id_of(stage).to_owned(),
                        generation: run.generation,
                        epoch: job.epoch,
                        attempt: job.attempt,
                        crashes: job.crashes,
                        is_poll: record.status == Status::Suspended,
                    };
                    stale.push((*until, worker.clone(), claimed));
                }
            }
        }
        stale.sort_by_key(|(until, _, job)| (*until, job.run, job.stage.clone()));
        stale
    }
}
