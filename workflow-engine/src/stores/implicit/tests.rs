//! Tests of implicit stages: what is described is read as it was, and everything else has rows.

use std::time::Duration;

use chrono::TimeDelta;

use super::*;
use crate::ports::NewStage;
use crate::records::Lease;
use crate::stores::instant;
use crate::stores::working_set::{RowOp, RunRows, StageRows, Tracked, WorkingSet};
use crate::value::StageKey;

const LEASE: Duration = Duration::from_secs(30);

fn new_stage((stage_id, waiting_on, stage_number): (&str, u32, u32)) -> NewStage {
    let (stage_key, stage_name) = (stage_id.into(), format!("the \"{stage_id}\""));
    NewStage { stage_key, stage_name, stage_number, execution_group: waiting_on + 1, waiting_on }
}

fn run() -> RunRecord {
    RunRecord {
        id: RunId::from_uuid(uuid::Uuid::from_u128(7)),
        workflow_id: "workflow".into(),
        definition_fingerprint: "definition".into(),
        parent: None,
        status: Status::Running,
        priority: 7,
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
        created_at: now(),
        started_at: Some(now()),
        completed_at: None,
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_764_460_000_123_456).unwrap()
}

/// A run `a >> [b, c] >> d` whose worker has claimed `b` and `c`.
fn claimed() -> RunRows {
    let stages = [("a", 0, 1), ("b", 1, 2), ("c", 1, 3), ("d", 2, 4)].map(new_stage);
    let outline = Outline::of(&stages).unwrap();
    let mut rows = RunRows { run: Tracked::stored(run()), stored_version: Some(2), ..RunRows::default() };
    rows.implicit.start(&outline, 2);
    rows.implicit.owner = Some("worker".into());
    for stage_key in ["b", "c", "d"] {
        let mut stage = rows.implicit.rows(&run(), &stage_key.into()).unwrap();
        stage.stage.get_mut();
        rows.stages.insert(stage_key.into(), Box::new(stage));
    }
    for stage_key in ["b", "c"] {
        claim(&mut rows, &stage_key.into(), "worker", now());
    }
    rows
}

fn claim(rows: &mut RunRows, stage_key: &StageKey, worker: &str, at: DateTime<Utc>) {
    let run = rows.run.get().unwrap().clone();
    let slot = rows.stages.get_mut(stage_key).unwrap();
    let lease = HeldLease { since: at, length: TimeDelta::seconds(30), max_attempts: 3, max_crashes: 4 };
    let mut job = rows.implicit.job(&run, stage_key, &lease);
    job.worker_id = Some(worker.to_owned());
    slot.job.set(job);
    let stage = slot.stage.get_mut().unwrap();
    (stage.status, stage.attempt, stage.waiting_on) = (Status::Running, 1, 0);
    stage.started_at = Some(at);
}

fn records(rows: &RunRows) -> Vec<(StageRecord, Option<JobRecord>)> {
    let stages = rows.stages.values();
    stages.map(|rows| (rows.stage.get().unwrap().clone(), rows.job.get().cloned())).collect()
}

/// What a store reads of the stages that have no rows.
fn read_back(rows: &RunRows) -> Vec<(StageRecord, Option<JobRecord>)> {
    let implicit = &rows.implicit;
    let outline = Outline::parse(&implicit.outline.as_ref().unwrap().text()).unwrap();
    assert_eq!(Some(&outline), implicit.outline.as_deref());
    let entries = implicit.held().map(|text| parse_entries(&text).unwrap()).unwrap_or_default();
    let read = ImplicitStages { entries, ..implicit.clone() };
    let rows = rows.stages.keys().map(|stage_key| read.rows(rows.run.get().unwrap(), stage_key).unwrap());
    rows.map(|rows| (rows.stage.get().unwrap().clone(), rows.job.get().cloned())).collect()
}

fn has_row(rows: &RunRows, stage_key: &StageKey) -> bool {
    let rows = &rows.stages[stage_key];
    let is_written = rows.stage.row_op() != RowOp::Keep;
    assert!(rows.job.get().is_none() || is_written == (rows.job.row_op() != RowOp::Keep), "both or neither");
    is_written
}

#[test]
fn stages_that_wait_or_run_for_the_first_time_have_no_rows() {
    let mut rows = claimed();
    rows.stages.get_mut(&"d".into()).unwrap().stage.get_mut().unwrap().waiting_on = 1;
    let before = records(&rows);
    rows.settle_implicit();
    assert!(["b", "c", "d"].into_iter().all(|stage_id| !has_row(&rows, &stage_id.into())));
    assert_eq!(read_back(&rows), before);
    assert_eq!(rows.implicit.owner.as_deref(), Some("worker"));
    assert_eq!(rows.implicit.held_until, Some(now() + LEASE));
    let held = rows.implicit.held().unwrap();
    assert_eq!(held, r#"[["b",1764460000123456,30000000,3,4],["c",1764460000123456,30000000,3,4],["d",1]]"#);
}

#[test]
fn a_stage_that_is_anything_else_gets_its_rows() {
    type Change = fn(&mut StageRecord, &mut JobRecord);
    let changes: [Change; 12] = [
        |stage, _| stage.error_message = Some("refused".into()),
        |stage, _| stage.attempt = 2,
        |stage, _| stage.generation = 2,
        |stage, _| _ = stage.metrics.insert("rows".into(), 1.0),
        |stage, _| stage.spending.pending_calls = 1,
        |stage, _| stage.status = Status::Suspended,
        |_, job| job.attempt = 2,
        |_, job| job.crashes = 1,
        |_, job| job.lease_epoch = 2,
        |_, job| job.woken = true,
        |_, job| job.run_at += TimeDelta::microseconds(1),
        |_, job| job.worker_id = Some("other".into()),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut rows = claimed();
        rows.settle_implicit();
        let StageRows { stage, job, .. } = rows.stages.get_mut(&"b".into()).unwrap().as_mut();
        change(stage.get_mut().unwrap(), job.get_mut().unwrap());
        rows.settle_implicit();
        assert!(has_row(&rows, &"b".into()) && !has_row(&rows, &"c".into()), "change {number}");
        assert!(!rows.implicit.held().unwrap().contains("\"b\""), "change {number}");
    }
}

#[test]
fn a_row_is_kept_to_the_end() {
    let mut rows = claimed();
    rows.stages.get_mut(&"b".into()).unwrap().stage.get_mut().unwrap().error_message = Some("retried".into());
    rows.settle_implicit();
    let stage = rows.stages.get_mut(&"b".into()).unwrap();
    stage.stage.settle();
    stage.job.settle();
    stage.stage.get_mut().unwrap().error_message = None;
    rows.settle_implicit();
    assert!(matches!(rows.stages[&"b".into()].stage.row_op(), RowOp::Update(_)));
    assert!(!rows.implicit.held().unwrap().contains("\"b\""), "a ready stage is in one place");
}

#[test]
fn the_owner_is_the_only_worker_whose_jobs_have_no_rows() {
    let mut rows = claimed();
    claim(&mut rows, &"c".into(), "other", now());
    rows.settle_implicit();
    assert!(!has_row(&rows, &"b".into()) && has_row(&rows, &"c".into()));
    rows.stages.values_mut().for_each(|rows| {
        rows.stage.settle();
        rows.job.settle();
    });
    // Without a lease, the run has no owner, and the next worker becomes it.
    rows.stages.get_mut(&"b".into()).unwrap().job.delete();
    rows.stages.get_mut(&"b".into()).unwrap().stage.get_mut().unwrap().status = Status::Completed;
    rows.settle_implicit();
    assert_eq!((rows.implicit.owner.as_deref(), rows.implicit.held_until), (None, None));
    claim(&mut rows, &"d".into(), "other", now());
    rows.settle_implicit();
    assert!(!has_row(&rows, &"d".into()));
    assert_eq!(rows.implicit.owner.as_deref(), Some("other"));
}

#[test]
fn a_stage_without_job_that_waits_for_nothing_has_a_row() {
    let mut rows = claimed();
    rows.stages.get_mut(&"d".into()).unwrap().stage.get_mut().unwrap().waiting_on = 0;
    rows.settle_implicit();
    assert!(has_row(&rows, &"d".into()), "a search for lost jobs finds it");
}

#[test]
fn the_bound_of_the_leases_moves_seldom_and_is_never_late() {
    let mut rows = claimed();
    rows.settle_implicit();
    rows.implicit.change = ImplicitChange::Nothing;
    let mut bounds = vec![rows.implicit.held_until.unwrap()];
    for second in 1..=60 {
        let at = now() + TimeDelta::seconds(second);
        for stage_key in ["b", "c"] {
            claim(&mut rows, &stage_key.into(), "worker", at);
        }
        rows.settle_implicit();
        let bound = rows.implicit.held_until.unwrap();
        assert!(bound <= rows.implicit.earliest_end().unwrap());
        let moved = bounds.last() != Some(&bound);
        let expected = if moved { ImplicitChange::Everything } else { ImplicitChange::Entries };
        assert_eq!(std::mem::take(&mut rows.implicit.change), expected);
        bounds.push(bound);
    }
    bounds.dedup();
    assert!(bounds.len() <= 5, "{bounds:?}");
}

#[test]
fn a_renewed_lease_has_its_rows_and_keeps_its_epoch() {
    let mut set = WorkingSet::default();
    let mut rows = claimed();
    rows.settle_implicit();
    let run_id = rows.run.get().unwrap().id;
    set.runs.insert(run_id, rows);
    let lease =
        |stage_key: &StageKey, epoch| Lease { run_id, stage_key: stage_key.into(), generation: 1, epoch };
    let leases =
        vec![lease(&"b".into(), 1), lease(&"c".into(), 2), lease(&"d".into(), 1), lease(&"e".into(), 1)];
    let later = now() + TimeDelta::seconds(10);
    let renewal = Renewal { leases: leases.clone(), end: LeaseEnd::In(LEASE) };
    assert_eq!(set.renew(&renewal, later), leases[1..], "the others are lost");
    set.settle_implicit();
    let rows = &set.runs[&run_id];
    let RowOp::Insert(job) = rows.stages[&"b".into()].job.row_op() else { panic!("the job has no row") };
    assert_eq!((job.lease_epoch, job.attempt, job.leased_until), (1, 1, Some(later + LEASE)));
    assert!(has_row(rows, &"b".into()) && !has_row(rows, &"c".into()));
    let held = rows.implicit.held().unwrap();
    assert!(!held.contains(&entry_start(&"b".into())) && held.contains(&entry_start(&"c".into())));
}

#[test]
fn a_lease_that_was_written_while_the_clock_was_ahead_lasts_its_length_from_now() {
    let mut set = WorkingSet::default();
    let mut rows = claimed();
    rows.settle_implicit();
    let run_id = rows.run.get().unwrap().id;
    set.runs.insert(run_id, rows);
    let before = now() - TimeDelta::hours(1);
    let lease = Lease { run_id, stage_key: "b".into(), generation: 1, epoch: 1 };
    let renewal = Renewal { leases: vec![lease], end: LeaseEnd::Corrected(TimeDelta::seconds(1)) };
    assert!(set.renew(&renewal, before).is_empty());
    let job = set.stage(run_id, &"b".into()).unwrap().job.get().unwrap();
    assert_eq!(job.leased_until, Some(instant::after(before, LEASE)));
}

#[test]
fn a_large_run_has_no_outline() {
    let stages = |count: u32| -> Vec<NewStage> {
        (1..=count).map(|number| new_stage((&format!("s{number}"), 0, number))).collect()
    };
    assert!(Outline::of(&stages(32)).is_some());
    assert!(Outline::of(&stages(33)).is_none());
}
