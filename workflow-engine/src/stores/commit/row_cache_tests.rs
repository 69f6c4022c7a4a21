//! Tests of the row cache.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;

use super::*;
use crate::records::CostSummary;
use crate::value::Place;

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
        times: crate::records::RunTimes::default(),
        parent: None,
        created_at: DateTime::UNIX_EPOCH,
        started_at: None,
        completed_at: None,
    }
}

fn stage(run_id: RunId, status: Status) -> StageRecord {
    StageRecord {
        run_id,
        stage_id: "a".into(),
        place: Place::default(),
        stage_name: "A".into(),
        stage_number: 1,
        execution_group: 1,
        generation: 1,
        status,
        attempt: 1,
        waiting_on: 0,
        arm: None,
        failure: None,
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

fn commit(row_cache: &mut RowCache, run_status: Status, stage_status: Status) -> RunId {
    let run_id = RunId::generate();
    let mut set = WorkingSet::default();
    set.load_run(run(run_id, run_status));
    set.load_stage(stage(run_id, stage_status));
    row_cache.insert(set.runs, |_| 0);
    run_id
}

fn take(row_cache: &mut RowCache, run_id: RunId) -> (usize, usize) {
    let runs = BTreeMap::from([(run_id, BTreeSet::from(["a".into()]))]);
    let footprint = Footprint { runs, ..Footprint::default() };
    let mut set = WorkingSet::default();
    let missing = row_cache.take(&footprint, &mut set);
    let found = (set.run(run_id).is_some(), set.stage(run_id, &"a".into()).is_some());
    let missed = (missing.runs.len(), missing.stages.len());
    assert_eq!(missed, (usize::from(!found.0), usize::from(!found.1)), "each row is either found or missing");
    missed
}

#[test]
fn a_taken_row_is_cached_again_only_by_its_commit() {
    let mut row_cache = RowCache::default();
    let run_id = commit(&mut row_cache, Status::Running, Status::Running);
    assert_eq!(take(&mut row_cache, run_id), (0, 0));
    assert_eq!(take(&mut row_cache, run_id), (1, 1), "no transaction has committed");
    assert_eq!(row_cache.rows, 0);
}

#[test]
fn suspended_and_terminal_stages_are_not_cached() {
    let mut row_cache = RowCache::default();
    for (run, stage, missing) in [
        (Status::Running, Status::Pending, (0, 0)),
        (Status::Running, Status::Suspended, (0, 1)),
        (Status::Running, Status::Completed, (0, 1)),
        (Status::Completed, Status::Completed, (1, 1)),
        (Status::Failed, Status::Running, (1, 1)),
        (Status::Pending, Status::Pending, (0, 0)),
    ] {
        let run_id = commit(&mut row_cache, run, stage);
        assert_eq!(take(&mut row_cache, run_id), missing, "{run:?}, {stage:?}");
    }
}

#[test]
fn a_removed_row_is_missing() {
    let mut row_cache = RowCache::default();
    let [stage, run, all] = std::array::from_fn(|_| commit(&mut row_cache, Status::Running, Status::Running));
    row_cache.remove_stage(stage, &"a".into());
    assert_eq!(take(&mut row_cache, stage), (0, 1));
    row_cache.remove_run(run);
    assert_eq!(take(&mut row_cache, run), (1, 1));
    assert_eq!(row_cache.rows, 2);
    row_cache.clear();
    assert_eq!(take(&mut row_cache, all), (1, 1));
    assert_eq!(row_cache.rows, 0);
}

#[test]
fn idle_runs_are_dropped_and_busy_runs_are_not() {
    let mut row_cache = RowCache::default();
    let (busy, idle) = (RunId::generate(), commit(&mut row_cache, Status::Running, Status::Running));
    for round in 0..2 * MAX_ROWS {
        let mut set = WorkingSet::default();
        let runs = BTreeMap::from([(busy, BTreeSet::new())]);
        row_cache.take(&Footprint { runs, ..Footprint::default() }, &mut set);
        set.load_run(run(busy, Status::Running));
        row_cache.insert(set.runs, |_| 0);
        commit(&mut row_cache, Status::Running, Status::Running);
        if round % 1_000 > 0 {
            continue;
        }
        let cached =
            [&row_cache.young, &row_cache.old].map(|half| half.values().map(CachedRun::rows).sum::<usize>());
        assert_eq!(cached[0], row_cache.rows);
        assert!(cached.iter().all(|rows| *rows <= MAX_ROWS + 2), "{cached:?}");
    }
    assert_eq!(take(&mut row_cache, busy).0, 0);
    assert_eq!(take(&mut row_cache, idle), (1, 1));
}

/// Inserts the run and one of its stages, as a transaction that has read them at `read` and has moved `commits` by one.
fn commit_at(row_cache: &mut RowCache, run_id: RunId, stage_id: &str, read: i64) {
    let mut set = WorkingSet::default();
    set.load_run(run(run_id, Status::Running));
    set.load_stage(StageRecord { stage_id: stage_id.into(), ..stage(run_id, Status::Running) });
    set.runs.entry(run_id).or_default().commits = read;
    row_cache.insert(set.runs, |_| 1);
}

fn cached_stages(row_cache: &RowCache, run_id: RunId) -> (i64, Vec<&str>) {
    let cached = &row_cache.young[&run_id];
    (cached.commits, cached.stages.keys().map(|key| &*key.id).collect())
}

#[test]
fn the_cached_rows_of_a_run_are_from_one_state() {
    let mut row_cache = RowCache::default();
    let run_id = RunId::generate();
    commit_at(&mut row_cache, run_id, "a", 4);
    commit_at(&mut row_cache, run_id, "b", 5);
    assert_eq!(cached_stages(&row_cache, run_id), (6, vec!["a", "b"]));
    // Another process has committed in between.
    commit_at(&mut row_cache, run_id, "c", 9);
    assert_eq!(cached_stages(&row_cache, run_id), (10, vec!["c"]));
    // An earlier transaction that is slower to arrive changes nothing.
    commit_at(&mut row_cache, run_id, "d", 4);
    assert_eq!(cached_stages(&row_cache, run_id), (10, vec!["c"]));
}
