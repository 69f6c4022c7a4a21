//! What is kept, what is forgotten, and how much it may be.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;

use super::*;
use crate::records::CostSummary;

fn run(run_id: RunId, status: Status) -> RunRecord {
    RunRecord {
        id: run_id,
        workflow_id: "workflow".into(),
        definition_fingerprint: "definition".into(),
        status,
        priority: 5,
        version: 2,
        generation: 1,
        last_sequence: 3,
        waiting_on: 1,
        active: 1,
        suspended: 0,
        output: None,
        error: None,
        cancel_reason: None,
        spending: CostSummary::default(),
        created_at: DateTime::UNIX_EPOCH,
        started_at: None,
        completed_at: None,
    }
}

fn stage(run_id: RunId, status: Status) -> StageRecord {
    StageRecord {
        run_id,
        stage_id: "a".into(),
        stage_name: "A".into(),
        stage_number: 1,
        execution_group: 1,
        generation: 1,
        status,
        attempt: 1,
        waiting_on: 0,
        suspended_state: None,
        max_wait_until: None,
        output: None,
        error_message: None,
        metrics: BTreeMap::new(),
        spending: CostSummary::default(),
        awaited_cost: None,
        started_at: None,
        completed_at: None,
    }
}

fn commit(in_flight: &mut InFlight, run_status: Status, stage_status: Status) -> RunId {
    let run_id = RunId::generate();
    let mut set = WorkingSet::default();
    set.load_run(run(run_id, run_status));
    set.load_stage(stage(run_id, stage_status));
    in_flight.keep(set.runs);
    run_id
}

fn take(in_flight: &mut InFlight, run_id: RunId) -> (usize, usize) {
    let runs = BTreeMap::from([(run_id, BTreeSet::from(["a".to_owned()]))]);
    let footprint = Footprint { runs, ..Footprint::default() };
    let mut set = WorkingSet::default();
    let missing = in_flight.take(&footprint, &mut set);
    let found = (set.run(run_id).is_some(), set.stage(run_id, "a").is_some());
    let missed = (missing.runs.len(), missing.stages.len());
    assert_eq!(missed, (usize::from(!found.0), usize::from(!found.1)), "what is not found is missing");
    missed
}

#[test]
fn what_is_taken_comes_back_only_with_its_commit() {
    let mut in_flight = InFlight::default();
    let run_id = commit(&mut in_flight, Status::Running, Status::Running);
    assert_eq!(take(&mut in_flight, run_id), (0, 0));
    assert_eq!(take(&mut in_flight, run_id), (1, 1), "nobody has committed");
    assert_eq!(in_flight.rows, 0);
}

#[test]
fn what_waits_or_is_over_is_not_kept() {
    let mut in_flight = InFlight::default();
    for (run, stage, missing) in [
        (Status::Running, Status::Pending, (0, 0)),
        (Status::Running, Status::Suspended, (0, 1)),
        (Status::Running, Status::Completed, (0, 1)),
        (Status::Completed, Status::Completed, (1, 1)),
        (Status::Failed, Status::Running, (1, 1)),
        (Status::Pending, Status::Pending, (1, 1)),
    ] {
        let run_id = commit(&mut in_flight, run, stage);
        assert_eq!(take(&mut in_flight, run_id), missing, "{run:?}, {stage:?}");
    }
}

#[test]
fn what_is_forgotten_is_missing() {
    let mut in_flight = InFlight::default();
    let [stage, run, all] = std::array::from_fn(|_| commit(&mut in_flight, Status::Running, Status::Running));
    in_flight.forget_stage(stage, "a");
    assert_eq!(take(&mut in_flight, stage), (0, 1));
    in_flight.forget_run(run);
    assert_eq!(take(&mut in_flight, run), (1, 1));
    in_flight.begin(DataVersion::default());
    assert_eq!(in_flight.rows, 2);
    in_flight.forget();
    assert_eq!(take(&mut in_flight, all), (1, 1));
    assert_eq!(in_flight.rows, 0);
}

#[test]
fn runs_that_nothing_happens_to_are_dropped_and_the_others_are_not() {
    let mut in_flight = InFlight::default();
    let (busy, idle) = (RunId::generate(), commit(&mut in_flight, Status::Running, Status::Running));
    for round in 0..2 * LARGEST_HALF {
        let mut set = WorkingSet::default();
        let runs = BTreeMap::from([(busy, BTreeSet::new())]);
        in_flight.take(&Footprint { runs, ..Footprint::default() }, &mut set);
        set.load_run(run(busy, Status::Running));
        in_flight.keep(set.runs);
        commit(&mut in_flight, Status::Running, Status::Running);
        if round % 1_000 > 0 {
            continue;
        }
        let kept =
            [&in_flight.young, &in_flight.old].map(|half| half.values().map(Kept::rows).sum::<usize>());
        assert_eq!(kept[0], in_flight.rows);
        assert!(kept.iter().all(|rows| *rows <= LARGEST_HALF + 2), "{kept:?}");
    }
    assert_eq!(take(&mut in_flight, busy).0, 0);
    assert_eq!(take(&mut in_flight, idle), (1, 1));
}
