//! Generates the steps of a case: mostly commands that make its runs progress, and often ones that must not.
//!
//! A step is derived from random numbers. Combined proptest strategies would express the same, but take most of the
//! test's time.

use proptest::prelude::*;
use workflow_engine::records::Status;

use crate::spec::{Held, PROCESSES, Reference, Run};
use crate::step::{Command, End, Fault, Index, Moment, Step, Trouble};
use crate::workflows::{self, Theme};

/// The most runs that a case creates: a case examines what happens to a few.
const RUNS: usize = 3;

/// Ticks are handled only while there are fewer runs than this.
const MAX_RUNS: usize = 5;

/// Generates one step from this state, in a case with these workflows.
pub fn step(state: &Reference, theme: Theme) -> BoxedStrategy<Step> {
    let state = state.clone();
    any::<[u16; 24]>().prop_map(move |thrown| Dice { theme, thrown, next: 0 }.step(&state)).boxed()
}

/// Random numbers. A shrunk number is zero, which selects the first alternative.
struct Dice {
    theme: Theme,
    thrown: [u16; 24],
    next: usize,
}

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        let thrown = self.thrown[self.next % self.thrown.len()];
        self.next += 1;
        usize::from(thrown) % bound
    }

    fn one_of<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.below(things.len())]
    }

    /// Selects one alternative with a probability in proportion to its weight.
    fn weighed<T: Copy>(&mut self, things: &[(usize, T)]) -> T {
        let mut left = self.below(things.iter().map(|(weight, _)| weight).sum());
        for &(weight, thing) in things {
            if left < weight {
                return thing;
            }
            left -= weight;
        }
        unreachable!("the number is less than the sum of the weights")
    }

    fn step(&mut self, state: &Reference) -> Step {
        let (process, command) = self.command_of(state);
        let trouble = self.trouble(state, &command);
        Step { process, command, trouble }
    }

    /// Generates a command and the process that executes it: for a command about a lease, the process that has claimed
    /// it.
    fn command_of(&mut self, state: &Reference) -> (Index, Command) {
        let command = self.command(state);
        let process = self.below(PROCESSES);
        (carrier(state, &command).unwrap_or(process), command)
    }

    fn trouble(&mut self, state: &Reference, command: &Command) -> Trouble {
        match self.weighed(&[(12, 'n'), (2, 'f'), (4, 'r')]) {
            'f' if !is_late(state, command) => Trouble::Fault {
                write: self.weighed(&[(4, 0), (2, 1), (1, 2)]),
                moment: self.one_of(&[Moment::Before, Moment::After]),
                fault: self.weighed(&[(2, Fault::Crash), (1, Fault::Unavailable)]),
            },
            'r' if can_be_overtaken(command) => {
                let rival = rival(state, command).filter(|_| self.below(2) > 0);
                let (by, overtaking) = match rival {
                    Some(rival) => (self.below(PROCESSES), rival),
                    None => self.command_of(state),
                };
                let create_runs = creates_run(state, command) && creates_run(state, &overtaking);
                let are_ticks = matches!((command, &overtaking), (Command::Tick, Command::Tick));
                if !can_overtake(&overtaking) || create_runs && !are_ticks {
                    return Trouble::None;
                }
                Trouble::Race { process: by, command: Box::new(overtaking) }
            }
            _ => Trouble::None,
        }
    }

    fn command(&mut self, state: &Reference) -> Command {
        let runs = state.runs.len();
        if runs == 0 {
            return self.create();
        }
        let some = |is_it: fn(&Run) -> bool| state.runs.iter().any(is_it);
        let if_so = |so: bool, weight: usize| if so { weight } else { 1 };
        let (good, late) = (leases(state, true), leases(state, false));
        let choice = self.weighed(&[
            (16, "wait"),
            (20, "claim jobs"),
            (4, "claim pending"),
            (if_so(some(|run| run.status == Status::Running), 6), "execute"),
            (if good.is_empty() { 0 } else { 50 }, "deliver"),
            (if late.is_empty() { 0 } else { 6 }, "deliver late"),
            (if good.is_empty() { 0 } else { 2 }, "hand back"),
            (if late.is_empty() { 0 } else { 2 }, "hand back late"),
            (8, "reap"),
            (3, "renew"),
            (5, "flush"),
            (if runs < RUNS { 6 } else { 0 }, "create"),
            (3, "transition"),
            (if_so(some(|run| run.parent.is_some() && !run.status.is_terminal()), 6), "cancel"),
            (if_so(some(|run| run.suspended() > 0), 6), "wake"),
            (if some(Run::has_signal_stage) { 8 } else { 0 }, "signal"),
            (if state.runs.iter().any(|run| is_overdue(state, run)) { 12 } else { 1 }, "fail overdue"),
            (if state.has_due_tick() && runs < MAX_RUNS { 8 } else { 0 }, "tick"),
            (if_so(some(|run| run.status.is_terminal()), 12), "rerun"),
        ]);
        match choice {
            "wait" => Command::Wait { ms: self.one_of(&[1_000, 10_000, 15_000, 100, 25_000]) },
            "claim jobs" => Command::ClaimJobs { limit: 1 + self.below(3) },
            "claim pending" => Command::ClaimPending { limit: 1 + self.below(2), slots: self.below(3) },
            "execute" => {
                let (run, stage) = self.stage(state);
                Command::Execute { run, stage, end: self.end() }
            }
            "deliver" => self.deliver(&good),
            "deliver late" => self.deliver(&late),
            "hand back" => Command::HandBack { lease: self.one_of(&good) },
            "hand back late" => Command::HandBack { lease: self.one_of(&late) },
            "reap" => Command::Reap {
                threshold_ms: self.weighed(&[(4, 0), (1, 1_000)]),
                gone: self.one_of(&[false, true]),
            },
            "renew" => Command::Renew,
            "flush" => Command::Flush {
                limit: self.one_of(&[100, 2]),
                refused: self.weighed(&[(2, None), (1, Some(()))]).map(|()| self.below(runs)),
            },
            "create" => self.create(),
            "transition" => Command::Transition { run: self.below(runs) },
            "cancel" => Command::Cancel { run: self.below(runs) },
            "wake" => {
                let (run, stage) = self.stage(state);
                Command::Wake { run, stage }
            }
            "signal" => {
                let (run, stage) = self.signal_stage(state);
                let payload = self.weighed(&[(3, 0), (1, 1_000_000_000_000)]) + self.below(2) as u64;
                Command::Signal { run, stage, key: self.key(), payload }
            }
            "tick" => Command::Tick,
            "fail overdue" => Command::FailOverdue { limit: self.one_of(&[100, 1]) },
            _ => {
                let (run, stage) = self.stage(state);
                Command::Rerun { run, stage, key: self.key(), dry: self.below(10) == 9 }
            }
        }
    }

    fn create(&mut self) -> Command {
        Command::Create {
            workflow: self.one_of(self.theme),
            key: self.key(),
            number: self.below(2) as u64,
            priority: self.one_of(&[5, 4, 6]),
        }
    }

    fn key(&mut self) -> Option<u8> {
        self.weighed(&[(2, None), (2, Some(0)), (1, Some(1))])
    }

    fn deliver(&mut self, leases: &[Index]) -> Command {
        Command::Deliver { lease: self.one_of(leases), end: self.end(), room: self.below(3) }
    }

    /// Selects a stage of a run that has a stage which waits for a signal; usually that stage.
    fn signal_stage(&mut self, state: &Reference) -> (Index, usize) {
        let runs = state.runs.iter().enumerate().filter(|(_, run)| run.has_signal_stage());
        let runs: Vec<Index> = runs.map(|(index, _)| index).collect();
        let run = self.one_of(&runs);
        let stages = &state.runs[run].workflow.stages;
        let waits = stages.iter().position(workflows::waits_for_signal);
        let other = self.below(stages.len());
        (run, waits.filter(|_| self.below(8) > 0).unwrap_or(other))
    }

    fn end(&mut self) -> End {
        let number = self.below(100_000) as u64;
        let after_ms = self.one_of(&[None, Some(0), Some(3_000), Some(60_000)]);
        self.weighed(&[
            (16, End::Value(number)),
            (2, End::Value(1_000_000_000_000 + number)),
            (5, End::Pending { after_ms }),
            (2, End::Fail { after_ms }),
            (1, End::FailForGood),
        ])
    }

    /// Selects a stage of a run; more often than not a suspended one, if there is any.
    fn stage(&mut self, state: &Reference) -> (Index, usize) {
        let run = self.below(state.runs.len());
        let stage = self.below(state.runs[run].workflow.stages.len());
        let waits = state.runs[run].stages.iter().position(|stage| stage.status == Status::Suspended);
        (run, waits.filter(|_| self.below(3) > 0).unwrap_or(stage))
    }
}

/// Returns whether a step that was generated from another state is possible in this one.
pub fn fits(state: &Reference, step: &Step) -> bool {
    let fits = match &step.trouble {
        Trouble::Race { process, command } => refers(state, *process, command),
        Trouble::Fault { .. } => !is_late(state, &step.command),
        Trouble::None => true,
    };
    fits && refers(state, step.process, &step.command)
}

/// Returns whether the runs, stages and leases of a command exist.
fn refers(state: &Reference, process: Index, command: &Command) -> bool {
    match command {
        Command::Execute { run, stage, .. }
        | Command::Wake { run, stage }
        | Command::Signal { run, stage, .. }
        | Command::Rerun { run, stage, .. } => {
            state.runs.get(*run).is_some_and(|run| *stage < run.workflow.stages.len())
        }
        Command::Transition { run } | Command::Cancel { run } | Command::Flush { refused: Some(run), .. } => {
            *run < state.runs.len()
        }
        Command::Deliver { .. } | Command::HandBack { .. } => carrier(state, command) == Some(process),
        _ => true,
    }
}

/// Returns the process that has claimed the command's lease.
fn carrier(state: &Reference, command: &Command) -> Option<Index> {
    match command {
        Command::Deliver { lease, .. } | Command::HandBack { lease } => {
            state.leases.get(*lease).filter(|held| held.is_alive).map(|held| held.process)
        }
        _ => None,
    }
}

/// Returns whether the command's lease is lost. Such an attempt writes nothing, but the number of its writes depends on
/// the process's run cache, so a fault at the write with a certain number would not be comparable.
fn is_late(state: &Reference, command: &Command) -> bool {
    match command {
        Command::Deliver { lease, .. } | Command::HandBack { lease } => {
            state.leases.get(*lease).is_some_and(|held| !is_good(state, held))
        }
        _ => false,
    }
}

/// Returns whether a command reads before it writes: it decides from a whole run, or under a lease.
fn can_be_overtaken(command: &Command) -> bool {
    matches!(
        command,
        Command::Cancel { .. }
            | Command::Wake { .. }
            | Command::Signal { .. }
            | Command::Tick
            | Command::Transition { .. }
            | Command::Rerun { .. }
            | Command::Deliver { .. }
            | Command::HandBack { .. }
            // Of fewer, it would choose others if it began now.
            | Command::FailOverdue { limit: RUNS.. }
    )
}

/// Returns a command that wants another end of what this command ends: a signal for a check that waits for one, a
/// cancellation for a deadline, and the same tick.
fn rival(state: &Reference, command: &Command) -> Option<Command> {
    match command {
        Command::Deliver { lease, .. } => {
            let job = &state.leases[*lease].job;
            let run = &state.runs[job.run];
            let stage = run.position(&job.stage);
            let waits = job.is_poll && workflows::waits_for_signal(&run.workflow.stages[stage]);
            waits.then_some(Command::Signal { run: job.run, stage, key: None, payload: 1 })
        }
        Command::Tick => Some(Command::Tick),
        Command::FailOverdue { .. } => {
            Some(Command::Cancel { run: state.runs.iter().position(|run| is_overdue(state, run))? })
        }
        _ => None,
    }
}

fn is_overdue(state: &Reference, run: &Run) -> bool {
    !run.status.is_terminal() && run.deadline_at.is_some_and(|deadline| deadline <= state.now)
}

/// Returns whether a command may create a run whose id its response does not name. Of two such runs in one step, the test
/// could not tell which came first.
fn creates_run(state: &Reference, command: &Command) -> bool {
    match command {
        Command::Deliver { lease, .. } => {
            let job = &state.leases[*lease].job;
            state.creates_child(job.run, state.runs[job.run].position(&job.stage), job.is_poll)
        }
        Command::Execute { run, stage, .. } => state.creates_child(*run, *stage, false),
        Command::Tick => true,
        _ => false,
    }
}

/// Returns whether a command can overtake another one: it changes existing runs.
fn can_overtake(command: &Command) -> bool {
    let apart = matches!(
        command,
        Command::Wait { .. } | Command::Create { .. } | Command::Flush { .. } | Command::Renew
    );
    !apart
}

/// Returns the leases whose process is alive: either those that are held, or those that are lost or used up.
fn leases(state: &Reference, good: bool) -> Vec<Index> {
    let known = state.leases.iter().enumerate().filter(|(_, held)| held.is_alive);
    known.filter(|(_, held)| is_good(state, held) == good).map(|(lease, _)| lease).collect()
}

fn is_good(state: &Reference, held: &Held) -> bool {
    let stage = state.runs[held.job.run].position(&held.job.stage);
    state.holds(&held.job, stage)
}
