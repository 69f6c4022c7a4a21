//! The reference: what the kernel must do, without stores, transactions, guards, counters or concurrency.
//!
//! Everything is derived from what the stages are: a stage is ready when all before it have completed, a run is over
//! when all its ends have. There is no revision and no `waiting_on`; that the kernel, which has them, comes to the
//! same is what the test shows.

mod state;
mod events;
mod trouble;
mod create;
mod claim;
mod outcome;
mod failure;
mod leases;
mod structure;
mod outbox;

pub use state::{Held, Job, Reference, Run, Stage};

use self::trouble::Stop;
use crate::step::{Answer, Command, Step, Trouble};

/// How long a claim lasts.
pub const LEASE_MS: u64 = 15_000;
/// Processes that work on the store.
pub const PROCESSES: usize = 3;

impl Reference {
    /// Carries out a step; answers what the step, and the command that raced with it, are answered.
    pub fn step(&mut self, step: &Step) -> (Answer, Option<Answer>) {
        match &step.trouble {
            Trouble::None => (self.command(step.process, &step.command), None),
            Trouble::Fault { write, moment, fault } => {
                self.writes.plan(*write, *moment, *fault);
                let answer = self.command(step.process, &step.command);
                self.writes.forget();
                (answer, None)
            }
            // A command that is overtaken decides again, so it is as if it had come second; one that writes nothing
            // cannot be overtaken.
            Trouble::Race { process, command } => {
                let mut alone = self.clone();
                alone.command(step.process, &step.command);
                if alone.writes.count() > 0 {
                    let known = match step.command {
                        Command::Deliver { lease, .. } => {
                            let job = self.leases[lease].job.clone();
                            Some(self.memory(step.process, &job).clone())
                        }
                        _ => None,
                    };
                    let other = self.command(*process, command);
                    self.overtaken = known;
                    let answer = self.command(step.process, &step.command);
                    self.overtaken = None;
                    (answer, Some(other))
                } else {
                    let answer = self.command(step.process, &step.command);
                    (answer, Some(self.command(*process, command)))
                }
            }
        }
    }

    fn command(&mut self, process: usize, command: &Command) -> Answer {
        self.writes.begin();
        let answer = match *command {
            Command::Create { workflow, key, number, priority } => {
                self.create(workflow, key, number, priority)
            }
            Command::ClaimPending { max, slots } => self.claim_pending(process, max, slots),
            Command::ClaimJobs { max } => self.claim_jobs(process, max),
            Command::Execute { run, stage, end } => self.execute(process, run, stage, end),
            Command::Deliver { lease, end, room } => self.deliver(process, lease, end, room),
            Command::HandBack { lease } => self.hand_back(process, lease),
            Command::Renew => self.renew(process),
            Command::Reap { threshold_ms, gone } => self.reap(threshold_ms, gone),
            Command::Transition { run } => self.transition(run),
            Command::Cancel { run } => self.cancel(run),
            Command::Wake { run, stage } => self.wake(run, stage),
            Command::Rerun { run, stage, key, dry } => self.rerun(run, stage, key, dry),
            Command::Flush { max, refused } => self.flush(max, refused),
            Command::Wait { ms } => {
                self.now += ms;
                Ok(Answer::Waited)
            }
        };
        answer.unwrap_or_else(|stop| match stop {
            Stop::Refused(code) => Answer::Refused(code),
            Stop::Away => Answer::Refused("STORE_UNAVAILABLE"),
            Stop::Died => {
                self.bury(process);
                Answer::Died
            }
        })
    }

    /// A new process takes the place of one that died. Nobody knows its leases any more.
    fn bury(&mut self, process: usize) {
        let name = self.processes[process].name(process);
        self.dead.push(name);
        self.processes[process].lives += 1;
        self.processes[process].memories.clear();
        for held in self.leases.iter_mut().filter(|held| held.process == process) {
            held.known = false;
        }
    }
}
