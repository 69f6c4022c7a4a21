//! The reference: what the kernel must do, without stores, transactions, preconditions, counters or concurrency.
//!
//! Everything is derived from the state of the stages: a stage is ready when all its predecessors have completed, and a
//! run completes when all its output stages have. There is no revision and no `waiting_on`; the test shows that the
//! kernel, which has both, behaves in the same way.

mod arms;
mod state;
mod events;
mod writes;
mod create;
mod claim;
mod outcome;
mod failure;
mod signals;
mod deadlines;
mod schedules;
mod children;
mod leases;
mod structure;
mod outbox;

pub use children::AT_ONCE;
pub use schedules::Schedule;
pub use state::{Held, Job, Reference, Run, Signal, Stage};

use self::state::{Overtaken, Recovery};
use self::writes::Stop;
use crate::step::{Command, Response, Step, Trouble};

/// The duration of a lease.
pub const LEASE_MS: u64 = 15_000;
/// The number of processes that share the store.
pub const PROCESSES: usize = 3;

impl Reference {
    /// Executes a step; returns its response, and that of the command that raced with it.
    pub fn step(&mut self, step: &Step) -> (Response, Option<Response>) {
        match &step.trouble {
            Trouble::None => (self.command(step.process, &step.command), None),
            Trouble::Fault { write, moment, fault } => {
                self.writes.plan(*write, *moment, *fault);
                let response = self.command(step.process, &step.command);
                self.writes.clear();
                (response, None)
            }
            // A command that is overtaken decides again, so the result is that of executing it second. A command that
            // writes nothing cannot be overtaken.
            Trouble::Race { process, command } => {
                let mut alone = self.clone();
                alone.command(step.process, &step.command);
                if alone.writes.count() > 0 {
                    let known = match step.command {
                        Command::Deliver { lease, .. } => {
                            let job = self.leases[lease].job.clone();
                            let stage = self.runs[job.run].position(&job.stage);
                            let signal = self.runs[job.run].next_signal(stage);
                            let woken = self.is_woken(job.run, stage);
                            let child = self.child_end(job.run, stage);
                            let run_cache = self.run_cache(step.process, &job).clone();
                            Some(Overtaken { run_cache, signal, woken, child })
                        }
                        _ => None,
                    };
                    let ticks = matches!(step.command, Command::Tick).then(|| self.due_ticks());
                    let deadlines = matches!(step.command, Command::FailOverdue { .. });
                    let deadlines = deadlines.then(|| self.overdue_runs());
                    let other = self.command(*process, command);
                    (self.overtaken, self.overtaken_ticks) = (known, ticks);
                    self.overtaken_deadlines = deadlines;
                    let response = self.command(step.process, &step.command);
                    (self.overtaken, self.overtaken_ticks) = (None, None);
                    self.overtaken_deadlines = None;
                    (response, Some(other))
                } else {
                    let response = self.command(step.process, &step.command);
                    (response, Some(self.command(*process, command)))
                }
            }
        }
    }

    fn command(&mut self, process: usize, command: &Command) -> Response {
        self.writes.begin();
        let response = match *command {
            Command::Create { workflow, key, number, priority } => {
                self.create(workflow, key, number, priority)
            }
            Command::ClaimPending { limit, slots } => self.claim_pending(process, limit, slots),
            Command::ClaimJobs { limit } => self.claim_jobs(process, limit),
            Command::Execute { run, stage, end } => self.execute(process, run, stage, end),
            Command::Deliver { lease, end, room } => self.deliver(process, lease, end, room),
            Command::HandBack { lease } => self.return_job(process, lease),
            Command::Renew => self.renew(process),
            Command::Reap { threshold_ms, gone } => self.reap(threshold_ms, gone),
            Command::Transition { run } => self.transition(run),
            Command::Cancel { run } => self.cancel(run),
            Command::Wake { run, stage } => self.wake(run, stage),
            Command::Signal { run, stage, key, payload } => self.signal(run, stage, key, payload),
            Command::Tick => self.tick(),
            Command::FailOverdue { limit } => self.fail_overdue(limit),
            Command::Rerun { run, stage, key, dry } => self.rerun(run, stage, key, dry),
            Command::Flush { limit, refused } => self.flush(process, limit, refused),
            Command::Wait { ms } => {
                self.now += ms;
                Ok(Response::Waited)
            }
        };
        response.unwrap_or_else(|stop| match stop {
            Stop::Refused(code) => Response::Refused(code),
            Stop::Unavailable => Response::Refused("STORE_UNAVAILABLE"),
            Stop::Died => {
                self.replace(process);
                Response::Died
            }
        })
    }

    /// Replaces a process that has died. The new process does not hold its leases.
    fn replace(&mut self, process: usize) {
        let name = self.processes[process].name(process);
        self.dead.push(name);
        self.processes[process].lives += 1;
        self.processes[process].run_caches.clear();
        self.processes[process].recovery = Recovery::default();
        for held in self.leases.iter_mut().filter(|held| held.process == process) {
            held.is_alive = false;
        }
    }
}
