//! The fixture that the cases share: a store, its clock, and short constructors for decisions.

use std::sync::Arc;
use std::time::Duration;

use crate::ledger::{CallOutcome, CallReservation, SettledCall};
use crate::ports::{
    Applied, Change, Commit, Decision, IdempotencyEntry, NewRun, NewStage, Precondition, Revision, RunEnd,
    Snapshot, Store,
};
use crate::records::{
    CallType, Claimant, ClaimedJob, Event, JobRecord, Lease, RunError, RunRecord, RunRequest, StageRecord,
    StoredValue,
};
use crate::testing::clock::FakeClock;
use crate::value::{CallId, Cost, Json, RunId, StageKey};

/// The fingerprint of the definition of the cases' workflow.
pub(super) const DEFINITION: &str = "definition-1";
/// The duration of the cases' leases.
pub(super) const LEASE: Duration = Duration::from_secs(30);
/// The maximum number of attempts of the cases' stages.
pub(super) const ATTEMPTS: u32 = 3;

/// A store with its clock.
#[derive(Clone)]
pub(super) struct Fixture {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: FakeClock,
}

impl Fixture {
    /// Runs a step until no hint of another process came meanwhile, and returns what it has found. Such a hint may come at
    /// any time and wakes every watcher, so a step that expects no hint returns its findings instead of asserting them.
    pub(super) async fn undisturbed<T, F>(&self, step: impl Fn() -> F) -> T
    where
        F: Future<Output = T>,
    {
        let external = self.store.hints().watch_external();
        // Many times: a slow machine may need more than one, and only a store that takes its own commits for those of
        // other processes needs all.
        for _ in 0..100 {
            let before = *external.borrow();
            let found = step().await;
            if *external.borrow() == before {
                return found;
            }
        }
        panic!("the store notifies of commits of other processes, and there is no other process");
    }

    /// Creates a pending run.
    pub(super) async fn create(&self) -> RunId {
        self.create_as(new_run()).await
    }

    /// Creates a run from `new`.
    pub(super) async fn create_as(&self, new: NewRun) -> RunId {
        let run_id = RunId::generate();
        self.apply(decision(run_id, Precondition::Absent, vec![Change::CreateRun(new)])).await;
        run_id
    }

    /// Starts a run with these stages, given by id and number of predecessors. Stages without predecessors are queued.
    pub(super) async fn start(&self, run_id: RunId, stages: &[(&str, u32)], outputs: u32) -> Applied {
        let precondition = Precondition::Revision(self.revision(run_id).await);
        self.apply(decision(run_id, precondition, start_changes(stages, outputs))).await
    }

    /// Starts a run of `a >> [b, c] >> d`; `a` is queued.
    pub(super) async fn diamond(&self) -> RunId {
        let run_id = self.create().await;
        self.start(run_id, &[("a", 0), ("b", 1), ("c", 1), ("d", 2)], 1).await;
        run_id
    }

    /// Starts a run of one stage, `a`, which is queued.
    pub(super) async fn single(&self) -> RunId {
        let run_id = self.create().await;
        self.start(run_id, &[("a", 0)], 1).await;
        run_id
    }

    /// Starts a run of one stage, `a`, and claims it in the same commit.
    pub(super) async fn running(&self) -> (RunId, ClaimedJob) {
        let run_id = self.create().await;
        let start = Change::StartRun { stages: new_stages(&[("a", 0)]), waiting_on: 1 };
        let (stage_key, claim) = ("a".into(), Some(claim("worker")));
        let enqueue = Change::Enqueue { stage_key, max_attempts: ATTEMPTS, max_crashes: 3, claim };
        let precondition = Precondition::Revision(self.revision(run_id).await);
        let applied = self.apply(decision(run_id, precondition, vec![start, enqueue])).await;
        (run_id, applied.claimed[0].clone())
    }

    /// Claims one job for `worker`.
    pub(super) async fn claim(&self, worker: &str) -> ClaimedJob {
        let mut claimed = self.claim_up_to(worker, 1).await;
        claimed.pop().expect("a job is due")
    }

    /// Claims up to `limit` jobs for `worker`.
    pub(super) async fn claim_up_to(&self, worker: &str, limit: usize) -> Vec<ClaimedJob> {
        self.store.claim_jobs(&claim(worker), &definitions(), limit).await.unwrap()
    }

    /// Completes a claimed stage, and releases its successors.
    pub(super) async fn complete(&self, job: &ClaimedJob, releases: &[&str]) -> Commit {
        let mut changes = vec![complete(&job.lease.stage_key)];
        changes.extend(releases.iter().map(|stage| release(*stage)));
        self.commit(held(job, changes)).await
    }

    /// Completes the last stage, and with it the run.
    pub(super) async fn complete_run(&self, job: &ClaimedJob) -> Commit {
        let changes = vec![complete(&job.lease.stage_key), release_run()];
        self.commit(held(job, changes)).await
    }

    /// Commits a decision.
    pub(super) async fn commit(&self, decision: Decision) -> Commit {
        self.store.commit(decision).await.unwrap()
    }

    /// Commits a decision that must be applied.
    pub(super) async fn apply(&self, decision: Decision) -> Applied {
        match self.commit(decision).await {
            Commit::Applied(applied) => applied,
            other => panic!("not applied: {other:?}"),
        }
    }

    /// Returns a run, which must exist.
    pub(super) async fn run(&self, run_id: RunId) -> RunRecord {
        self.store.run(run_id).await.unwrap().expect("the run exists")
    }

    /// Returns a stage of a run, which must exist.
    pub(super) async fn stage(&self, run_id: RunId, stage: impl Into<StageKey>) -> StageRecord {
        let stage_key = stage.into();
        let stages = self.store.stages(run_id).await.unwrap();
        stages.into_iter().find(|stage| stage.is(&stage_key)).expect("the stage exists")
    }

    /// Returns the job of a stage, if it has one.
    pub(super) async fn job(&self, run_id: RunId, stage: impl Into<StageKey>) -> Option<JobRecord> {
        let stage_key = stage.into();
        let snapshot = self.snapshot(run_id).await;
        snapshot.jobs.into_iter().find(|job| job.is_of(&stage_key))
    }

    /// Returns the snapshot of a run.
    pub(super) async fn snapshot(&self, run_id: RunId) -> Snapshot {
        self.store.snapshot(run_id).await.unwrap().expect("the run exists")
    }

    /// Returns the revision of a run.
    pub(super) async fn revision(&self, run_id: RunId) -> Revision {
        let run = self.run(run_id).await;
        Revision { version: run.version, last_sequence: run.last_sequence }
    }

    /// Returns the events of a run.
    pub(super) async fn events(&self, run_id: RunId) -> Vec<Event> {
        self.store.events(run_id, 0, usize::MAX).await.unwrap()
    }

    /// Returns the names of a run's events, and checks that their sequence numbers have no gap.
    pub(super) async fn event_names(&self, run_id: RunId) -> Vec<&'static str> {
        let events = self.events(run_id).await;
        let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
        let expected: Vec<u64> = (1..=events.len() as u64).collect();
        assert_eq!(sequences, expected, "G7: the events of a run are numbered without a gap");
        assert_eq!(self.run(run_id).await.last_sequence, events.len() as u64);
        events.iter().map(|event| event.kind.name()).collect()
    }
}

/// Makes a decision without an idempotency key.
pub(super) fn decision(run_id: RunId, precondition: Precondition, changes: Vec<Change>) -> Decision {
    Decision { run_id, command: "test", precondition, idempotency: None, changes }
}

/// Makes a decision under the lease of a claimed job.
pub(super) fn held(job: &ClaimedJob, changes: Vec<Change>) -> Decision {
    decision(job.lease.run_id, Precondition::Lease(job.lease.clone()), changes)
}

/// Makes an idempotency entry with `result` as its result.
pub(super) fn entry(command: &'static str, key: &str, result: u32) -> IdempotencyEntry {
    IdempotencyEntry { command, key: key.into(), request_hash: format!("hash-{key}"), result: json(&result) }
}

/// Returns the definitions of the cases' workers.
pub(super) fn definitions() -> Vec<String> {
    vec![DEFINITION.to_owned()]
}

/// Makes a claimant whose lease lasts for [`LEASE`].
pub(super) fn claim(worker: &str) -> Claimant {
    Claimant { worker_id: worker.into(), lease: LEASE, number: None }
}

/// Makes a run of the cases' workflow, at the default priority.
pub(super) fn new_run() -> NewRun {
    NewRun {
        workflow_id: "workflow".into(),
        workflow_name: "Workflow".into(),
        definition_fingerprint: DEFINITION.into(),
        parent: None,
        priority: 5,
        request: RunRequest { input: json("input"), config: json(&()), metadata: None },
    }
}

/// Makes stages in reading order from pairs of id and number of predecessors.
pub(super) fn new_stages(stages: &[(&str, u32)]) -> Vec<NewStage> {
    let stage = |(number, (stage_id, waiting_on)): (u32, &(&str, u32))| NewStage {
        stage_key: (*stage_id).into(),
        stage_name: format!("Stage {stage_id}"),
        stage_number: number,
        execution_group: number,
        waiting_on: *waiting_on,
    };
    (1..).zip(stages).map(stage).collect()
}

/// Makes a change that queues a stage.
pub(super) fn enqueue(stage: impl Into<StageKey>) -> Change {
    Change::Enqueue { stage_key: stage.into(), max_attempts: ATTEMPTS, max_crashes: 3, claim: None }
}

/// Makes a change that completes a stage after five milliseconds, with its id as the output.
pub(super) fn complete(stage: impl Into<StageKey>) -> Change {
    let stage_key = stage.into();
    let output = inline(&stage_key);
    Change::Complete { stage_key, output, elapsed: Duration::from_millis(5) }
}

/// Makes a change that releases a stage.
pub(super) fn release(stage: impl Into<StageKey>) -> Change {
    Change::Release { stage_key: stage.into(), max_attempts: ATTEMPTS, max_crashes: 3, claim: None }
}

/// Makes a reservation of `reserve` picodollars.
pub(super) fn call(topic: &str, reserve: i64) -> CallReservation {
    CallReservation {
        topic: topic.into(),
        call_type: CallType::Text,
        model_key: "model".into(),
        model_id: "provider/model-1".into(),
        prompt: None,
        metadata: None,
        reserve: Cost::from_picodollars(reserve),
    }
}

/// Makes a change that reserves a call for a stage without a declared budget.
pub(super) fn reserve(stage: impl Into<StageKey>, call_id: CallId, call: CallReservation) -> Change {
    Change::ReserveCall { stage_key: stage.into(), call_id, call: Box::new(call), budget: None }
}

/// Makes a change that settles a call for `cost` picodollars, three input tokens and four output tokens.
pub(super) fn settle(stage: impl Into<StageKey>, call_id: CallId, cost: i64) -> Change {
    let cost = Cost::from_picodollars(cost);
    let settled = SettledCall { input_tokens: 3, output_tokens: 4, cost, ..SettledCall::default() };
    Change::SettleCall { stage_key: stage.into(), call_id, end: Box::new(CallOutcome::Settled(settled)) }
}

/// Makes a change that releases the run, with the output `"output"`.
pub(super) fn release_run() -> Change {
    Change::ReleaseRun { output: Some(inline("output")), stages: Vec::new() }
}

/// Makes a change that ends the run as failed.
pub(super) fn fail_run() -> Change {
    Change::EndRun(RunEnd::Failed(RunError { code: "STAGE_FAILED".into(), message: "a: no".into() }))
}

/// Makes a change that ends the run as cancelled.
pub(super) fn cancel_run() -> Change {
    Change::EndRun(RunEnd::Cancelled(Some("enough".into())))
}

/// Encodes a value as JSON.
pub(super) fn json<T: serde::Serialize + ?Sized>(value: &T) -> Json {
    Json::encode(value).unwrap()
}

/// Makes a stored value that is kept in its row.
pub(super) fn inline<T: serde::Serialize + ?Sized>(value: &T) -> StoredValue {
    StoredValue::Inline(json(value))
}

/// Returns the job's previous lease, which no worker holds any more.
pub(super) fn stale(job: &ClaimedJob) -> Lease {
    Lease { epoch: job.lease.epoch - 1, ..job.lease.clone() }
}

/// Makes the changes that start a run with these stages.
pub(super) fn start_changes(stages: &[(&str, u32)], outputs: u32) -> Vec<Change> {
    let heads = stages.iter().filter(|(_, waiting_on)| *waiting_on == 0);
    let start = Change::StartRun { stages: new_stages(stages), waiting_on: outputs };
    std::iter::once(start).chain(heads.map(|(stage, _)| enqueue(*stage))).collect()
}
