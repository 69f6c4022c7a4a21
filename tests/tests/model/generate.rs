//! What a case does next: mostly what brings its runs on, and often enough what should not.

use proptest::prelude::*;
use workflow_engine::records::Status;

use crate::spec::{Held, PROCESSES, Reference, Run};
use crate::step::{Command, End, Fault, Index, Moment, Step, Trouble};

/// More runs than this are not made: a case is about what happens to a few.
const RUNS: usize = 3;

/// One step from this state.
pub fn step(state: &Reference) -> BoxedStrategy<Step> {
    let chosen = (command(state), 0..PROCESSES).prop_map(|(command, process)| (process, command));
    (chosen, trouble(state)).prop_filter_map("nobody knows that lease", {
        let state = state.clone();
        move |((process, command), trouble)| {
            let process = carrier(&state, process, &command)?;
            let trouble = fitting(&state, process, &command, trouble);
            Some(Step { process, command, trouble })
        }
    })
    .boxed()
}

/// Whether a step fits a state, for one that was made for another.
pub fn fits(state: &Reference, step: &Step) -> bool {
    let refers = |process: Index, command: &Command| match command {
        Command::Execute { run, .. }
        | Command::Transition { run }
        | Command::Cancel { run }
        | Command::Wake { run, .. }
        | Command::Rerun { run, .. }
        | Command::Flush { refused: Some(run), .. } => *run < state.runs.len() && stage_fits(state, command),
        Command::Deliver { .. } | Command::HandBack { .. } => {
            carrier(state, process, command) == Some(process)
        }
        _ => true,
    };
    let other = match &step.trouble {
        Trouble::Fault { .. } => !is_late(state, &step.command),
        Trouble::Race { process, command } => refers(*process, command),
        _ => true,
    };
    other && refers(step.process, &step.command)
}

fn stage_fits(state: &Reference, command: &Command) -> bool {
    match command {
        Command::Execute { run, stage, .. }
        | Command::Wake { run, stage }
        | Command::Rerun { run, stage, .. } => *stage < state.runs[*run].workflow.stages.len(),
        _ => true,
    }
}

/// The process that carries it out: of what is about a lease, the one that has it.
fn carrier(state: &Reference, process: Index, command: &Command) -> Option<Index> {
    match command {
        Command::Deliver { lease, .. } | Command::HandBack { lease } => {
            state.leases.get(*lease).filter(|held| held.known).map(|held| held.process)
        }
        _ => Some(process),
    }
}

/// Whether it is about a lease that is lost. Such an attempt writes nothing, but how often it tries depends on what its
/// process remembers, so that no number of a write means anything.
fn is_late(state: &Reference, command: &Command) -> bool {
    match command {
        Command::Deliver { lease, .. } | Command::HandBack { lease } => {
            state.leases.get(*lease).is_some_and(|held| !is_good(state, held))
        }
        _ => false,
    }
}

/// Only what decides from a whole run, or under a lease, can be overtaken between its look and its write, and only by
/// another process.
fn fitting(state: &Reference, process: Index, command: &Command, trouble: Trouble) -> Trouble {
    if is_late(state, command) && matches!(trouble, Trouble::Fault { .. }) {
        return Trouble::None;
    }
    let Trouble::Race { process: other, command: by } = trouble else { return trouble };
    let overtaken = matches!(
        command,
        Command::Cancel { .. }
            | Command::Wake { .. }
            | Command::Transition { .. }
            | Command::Rerun { .. }
            | Command::Deliver { .. }
            | Command::HandBack { .. }
    );
    match carrier(state, other, &by) {
        Some(other) if overtaken && other != process => Trouble::Race { process: other, command: by },
        _ => Trouble::None,
    }
}

fn trouble(state: &Reference) -> BoxedStrategy<Trouble> {
    let fault = (
        prop_oneof![4 => Just(0_usize), 2 => Just(1), 1 => Just(2)],
        prop_oneof![Just(Moment::Before), Just(Moment::After)],
        prop_oneof![2 => Just(Fault::Crash), 1 => Just(Fault::Away)],
    );
    let fault = fault.prop_map(|(write, moment, fault)| Trouble::Fault { write, moment, fault });
    let race = (0..PROCESSES, command(state))
        .prop_map(|(process, command)| Trouble::Race { process, command: Box::new(command) });
    let race = race.prop_map(|race| match race {
        // Two creations, or two steps in time, have nothing to overtake.
        Trouble::Race { command, .. }
            if matches!(
                *command,
                Command::Wait { .. } | Command::Create { .. } | Command::Flush { .. } | Command::Renew
            ) =>
        {
            Trouble::None
        }
        race => race,
    });
    prop_oneof![6 => Just(Trouble::None), 2 => fault, 2 => race].boxed()
}

fn command(state: &Reference) -> BoxedStrategy<Command> {
    let runs = state.runs.len();
    let mut choices = vec![
        (2, (1..3_usize, 0..3_usize).prop_map(|(max, slots)| Command::ClaimPending { max, slots }).boxed()),
        (6, (1..4_usize).prop_map(|max| Command::ClaimJobs { max }).boxed()),
        (2, reap().boxed()),
        (4, wait().boxed()),
        (1, Just(Command::Renew).boxed()),
        (2, flush(runs).boxed()),
    ];
    if runs < RUNS {
        choices.push((if runs == 0 { 40 } else { 3 }, create().boxed()));
    }
    if runs > 0 {
        let one = move || (0..runs).prop_flat_map(stage_of(state));
        choices.push((1, (0..runs).prop_map(|run| Command::Transition { run }).boxed()));
        choices.push((1, (0..runs).prop_map(|run| Command::Cancel { run }).boxed()));
        choices.push((1, one().prop_map(|(run, stage)| Command::Wake { run, stage }).boxed()));
        let rerun = (one(), key(), prop::bool::weighted(0.1));
        let weight = if state.runs.iter().any(|run| run.status.is_terminal()) { 4 } else { 1 };
        choices.push((
            weight,
            rerun.prop_map(|((run, stage), key, dry)| Command::Rerun { run, stage, key, dry }).boxed(),
        ));
        let execute = (one(), end());
        choices.push((
            2,
            execute.prop_map(|((run, stage), end)| Command::Execute { run, stage, end }).boxed(),
        ));
    }
    let held: Vec<Index> = leases(state, true);
    if !held.is_empty() {
        choices.push((14, deliver(held.clone()).boxed()));
        choices.push((1, prop::sample::select(held).prop_map(|lease| Command::HandBack { lease }).boxed()));
    }
    let late: Vec<Index> = leases(state, false);
    if !late.is_empty() {
        choices.push((3, deliver(late.clone()).boxed()));
        choices.push((1, prop::sample::select(late).prop_map(|lease| Command::HandBack { lease }).boxed()));
    }
    prop::strategy::Union::new_weighted(choices).boxed()
}

/// The leases that somebody knows: those that are good, or those that are lost or used up.
fn leases(state: &Reference, good: bool) -> Vec<Index> {
    let known = state.leases.iter().enumerate().filter(|(_, held)| held.known);
    known.filter(|(_, held)| is_good(state, held) == good).map(|(lease, _)| lease).collect()
}

fn is_good(state: &Reference, held: &Held) -> bool {
    let stage = state.runs[held.job.run].position(&held.job.stage);
    state.holds(&held.job, stage)
}

fn stage_of(state: &Reference) -> impl Fn(Index) -> BoxedStrategy<(Index, usize)> + use<> {
    let run = |run: &Run| {
        let waits = run.stages.iter().position(|stage| stage.status == Status::Suspended);
        (run.workflow.stages.len(), waits)
    };
    let runs: Vec<(usize, Option<usize>)> = state.runs.iter().map(run).collect();
    move |run| match runs[run] {
        (_, Some(waits)) => Just((run, waits)).boxed(),
        (stages, None) => (0..stages).prop_map(move |stage| (run, stage)).boxed(),
    }
}

fn create() -> impl Strategy<Value = Command> {
    (0..crate::workflows::all().len(), key(), 0..2_u64, 4..7_i32)
        .prop_map(|(workflow, key, number, priority)| Command::Create { workflow, key, number, priority })
}

fn key() -> impl Strategy<Value = Option<u8>> {
    prop_oneof![2 => Just(None), 3 => (0..2_u8).prop_map(Some)]
}

fn reap() -> impl Strategy<Value = Command> {
    (prop_oneof![4 => Just(0_u64), 1 => Just(1_000)], any::<bool>())
        .prop_map(|(threshold_ms, gone)| Command::Reap { threshold_ms, gone })
}

fn wait() -> impl Strategy<Value = Command> {
    let ms = prop_oneof![1 => Just(100_u64), 3 => Just(1_000), 1 => Just(5_000), 3 => Just(10_000), 2 => Just(15_000)];
    ms.prop_map(|ms| Command::Wait { ms })
}

fn flush(runs: usize) -> impl Strategy<Value = Command> {
    let refused = if runs == 0 {
        Just(None).boxed()
    } else {
        prop_oneof![2 => Just(None), 1 => (0..runs).prop_map(Some)].boxed()
    };
    (prop_oneof![Just(2_usize), Just(100)], refused).prop_map(|(max, refused)| Command::Flush { max, refused })
}

fn deliver(leases: Vec<Index>) -> impl Strategy<Value = Command> {
    (prop::sample::select(leases), end(), 0..3_usize)
        .prop_map(|(lease, end, room)| Command::Deliver { lease, end, room })
}

fn end() -> impl Strategy<Value = End> {
    let after = || prop_oneof![Just(None), Just(Some(0_u64)), Just(Some(3_000)), Just(Some(60_000))];
    prop_oneof![
        8 => (0..100_000_u64).prop_map(End::Value),
        1 => (0..100_000_u64).prop_map(|value| End::Value(1_000_000_000_000 + value)),
        2 => after().prop_map(|after_ms| End::Pending { after_ms }),
        2 => after().prop_map(|after_ms| End::Fail { after_ms }),
        1 => Just(End::FailForGood),
    ]
}
