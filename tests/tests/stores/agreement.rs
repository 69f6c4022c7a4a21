//! Agreement of the stores: thousands of random decisions, valid and invalid, with preconditions that hold or fail,
//! have the same outcome and leave the same rows in each store as in the store in memory.

use std::sync::Arc;
use std::time::Duration;

use tests::world::World;
use workflow_engine::ports::{
    Change, Commit, Decision, IdempotencyEntry, NewRun, NewStage, Precondition, Revision, RunEnd, Snapshot,
    Store,
};
use workflow_engine::records::{Claimant, ClaimedJob, Lease, RunError, RunRequest, StoredValue};
use workflow_engine::stores::MemoryStore;
use workflow_engine::{Json, LogLevel, RunId, StageKey};

const STAGES: [&str; 4] = ["a", "b", "c", "d"];

/// Stages of which one is at several places.
const PLACES: [&str; 4] = ["a", "b[0]", "b[17]", "b[17][3]"];

/// A reproducible source of random choices ([SplitMix64](https://prng.di.unimi.it/splitmix64.c)), and the stages of runs.
struct Choices(u64, [&'static str; 4]);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    fn stage(&mut self) -> StageKey {
        let stages = self.1;
        (*self.of(&stages)).into()
    }

    fn claim(&mut self) -> Claimant {
        Claimant {
            worker_id: format!("worker-{}", self.below(3)),
            lease: Duration::from_secs(10),
            number: None,
        }
    }

    fn change(&mut self) -> Change {
        let stage_key = self.stage();
        let claim = if self.one_in(2) { Some(self.claim()) } else { None };
        let output = StoredValue::Inline(Json::encode(&self.below(100)).unwrap());
        let error = "no\0 \"way\"".to_owned();
        match self.below(20) {
            0 => Change::Enqueue { stage_key, max_attempts: 3, max_crashes: 3, claim },
            1 => Change::Claim { stage_key, claim: self.claim() },
            2 | 3 => Change::Complete { stage_key, output, elapsed: Duration::from_millis(3) },
            4 | 5 => Change::Release { stage_key, max_attempts: 3, max_crashes: 3, claim },
            6 => Change::ReleaseRun { output: Some(output), stages: Vec::new() },
            7 => Change::Retry { stage_key, error, delay: Duration::from_secs(self.below(20) as u64) },
            8 => Change::ReturnJob { stage_key, reason: "the worker stops".into() },
            9 if self.one_in(3) => Change::Fail { stage_key, error },
            10 if self.one_in(3) => Change::Cancel { stage_key },
            11 if self.one_in(6) => {
                Change::EndRun(RunEnd::Failed(RunError { code: "STAGE_FAILED".into(), message: error }))
            }
            14 | 15 => Change::Suspend {
                stage_key,
                ticket: output,
                check_after: Duration::from_secs(self.below(9) as u64),
                give_up_after: Duration::MAX,
                awaits_signal: false,
            },
            16 => Change::Postpone { stage_key, check_after: Duration::from_secs(self.below(9) as u64) },
            17 => Change::Wake { stage_key },
            18 => Change::Recount { active: *self.of(&[1, 2, 3]), suspended: *self.of(&[0, 1, 2]) },
            19 => Change::NoteError { stage_key, error },
            12 => {
                let about = (!self.one_in(3)).then_some(stage_key);
                Change::Log { stage_key: about, level: LogLevel::Warn, message: error, fields: Json::null() }
            }
            _ => Change::Progress { stage_key, fraction: 0.25, message: error },
        }
    }

    /// Returns a precondition that often holds.
    fn precondition(&mut self, snapshot: Option<&Snapshot>) -> Precondition {
        let Some(snapshot) = snapshot else { return Precondition::Absent };
        let run = &snapshot.run;
        let mut revision = Revision { version: run.version, last_sequence: run.last_sequence };
        if self.one_in(6) {
            revision.version += 1;
        }
        let stage_key = self.stage();
        let job = snapshot.jobs.iter().find(|job| job.key() == stage_key);
        let epoch = job.map_or(1, |job| job.lease_epoch) + u64::from(self.one_in(6));
        let generation = 1 + u32::from(self.one_in(12));
        let lease = Lease { run_id: run.id, stage_key: stage_key.clone(), generation, epoch };
        match self.below(9) {
            8 => Precondition::ClaimableAt { stage_key, generation, epoch },
            0 => Precondition::Claimable { stage_key, generation },
            1 | 2 => Precondition::Lease(lease),
            3 => Precondition::LeaseAndRevision(lease, revision),
            4 => Precondition::ExpiredLease(lease),
            5 => Precondition::ExpiredLeaseAndRevision(lease, revision),
            _ => Precondition::Revision(revision),
        }
    }

    fn decision(&mut self, run_id: RunId, snapshot: Option<&Snapshot>) -> Decision {
        let precondition = self.precondition(snapshot);
        let changes = match snapshot {
            None => vec![Change::CreateRun(new_run(i32::try_from(self.below(3)).unwrap()))],
            Some(snapshot) if snapshot.stages.is_empty() => vec![start(&self.1), head("a")],
            Some(_) => (0..=self.below(3)).map(|_| self.change()).collect(),
        };
        let idempotency = self.one_in(4).then(|| IdempotencyEntry {
            command: ["run.create", "run.cancel"][self.below(2)],
            key: format!("key-{}", self.below(40)),
            request_hash: "hash".into(),
            result: Json::encode(&self.below(1_000)).unwrap(),
        });
        Decision { run_id, command: "test", precondition, idempotency, changes }
    }
}

fn new_run(priority: i32) -> NewRun {
    let request = RunRequest {
        input: Json::null(),
        config: Json::encode("config").unwrap(),
        metadata: Some(Json::null()),
    };
    NewRun {
        workflow_id: "workflow".into(),
        workflow_name: "Workflow".into(),
        definition_fingerprint: "definition".into(),
        parent: None,
        priority,
        request,
    }
}

fn start(stages: &[&str]) -> Change {
    let stage = |(number, id): (u32, &&str)| NewStage {
        stage_key: (*id).into(),
        stage_name: (*id).to_uppercase(),
        stage_number: number,
        execution_group: number,
        waiting_on: [0, 0, 1, 1, 2][number as usize],
    };
    Change::StartRun { stages: (1..).zip(stages).map(stage).collect(), waiting_on: 2 }
}

fn head(stage: &str) -> Change {
    Change::Enqueue { stage_key: stage.into(), max_attempts: 3, max_crashes: 3, claim: None }
}

/// The store in memory and another one.
struct Pair {
    memory: Arc<dyn Store>,
    other: World,
}

impl Pair {
    async fn commit(&self, decision: Decision) -> Option<Commit> {
        let shown = format!("{decision:#?}");
        let memory = self.memory.commit(decision.clone()).await;
        let other = self.other.store.commit(decision).await;
        match (memory, other) {
            (Ok(memory), Ok(other)) => {
                assert_eq!(memory, other, "{shown}");
                Some(memory)
            }
            (Err(memory), Err(other)) => {
                assert_eq!(memory.to_string(), other.to_string(), "{shown}");
                None
            }
            (memory, other) => panic!("memory: {memory:?}\nother: {other:?}\n{shown}"),
        }
    }

    async fn snapshot(&self, run_id: RunId) -> Option<Snapshot> {
        let memory = self.memory.snapshot(run_id).await.unwrap();
        assert_eq!(memory, self.other.store.snapshot(run_id).await.unwrap());
        memory
    }

    async fn claim(&self, claim: &Claimant, limit: usize) -> Vec<ClaimedJob> {
        let definitions = ["definition".to_owned()];
        let memory = self.memory.claim_jobs(claim, &definitions, limit).await.unwrap();
        assert_eq!(memory, self.other.store.claim_jobs(claim, &definitions, limit).await.unwrap());
        memory
    }

    async fn compare(&self, runs: &[RunId], leases: &[Lease]) {
        let definitions = ["definition".to_owned()];
        macro_rules! same {
            ($method:ident($($argument:expr),*)) => {{
                let memory = self.memory.$method($($argument),*).await.unwrap();
                assert_eq!(memory, self.other.store.$method($($argument),*).await.unwrap(), stringify!($method));
            }};
        }
        same!(pending_runs(&definitions, 7));
        same!(unfinished_runs("workflow"));
        same!(stale_jobs(&["worker-1".to_owned()], 9));
        same!(next_job_due(&definitions));
        same!(next_lease_end());
        same!(lost_leases(leases.to_vec()));
        same!(renew_leases(leases.to_vec(), Duration::from_secs(5)));
        for run_id in runs {
            same!(events(*run_id, 0, usize::MAX));
            same!(outputs(*run_id, &STAGES.map(StageKey::from)));
            same!(outputs(*run_id, &PLACES.map(StageKey::from)));
        }
    }
}

async fn agree_with_memory(seed: u64, other: World) {
    let memory = Arc::new(MemoryStore::new(Arc::new(other.clock.clone())));
    let pair = Pair { memory, other };
    let stages = if seed.is_multiple_of(2) { STAGES } else { PLACES };
    let (applied, not_applied, impossible) = walk(&pair, Choices(seed, stages)).await;
    assert!(applied > 50 && not_applied > 50 && impossible > 5, "{applied} {not_applied} {impossible}");
    pair.other.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_agrees_with_memory_on_any_decision() {
    for seed in 0..6 {
        agree_with_memory(seed, World::sqlite().await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_agrees_with_memory_on_any_decision() {
    for seed in 6..9 {
        let test = "postgres_agrees_with_memory_on_any_decision";
        let Some(other) = World::postgres(test).await else { return };
        agree_with_memory(seed, other).await;
    }
}

/// Makes some hundred steps, and returns the numbers of decisions that were applied, not applied and impossible.
async fn walk(pair: &Pair, mut choices: Choices) -> (u32, u32, u32) {
    let mut runs: Vec<RunId> = (0..6).map(|_| RunId::generate()).collect();
    let mut leases = Vec::new();
    let (mut applied, mut not_applied, mut impossible) = (0, 0, 0);
    for step in 0..400 {
        if choices.one_in(12) {
            // Replace runs regularly, because a terminal run accepts few decisions.
            let at = choices.below(runs.len());
            runs[at] = RunId::generate();
        }
        pair.other.clock.advance(Duration::from_millis(choices.below(2_000) as u64));
        let run_id = *choices.of(&runs);
        let snapshot = pair.snapshot(run_id).await;
        let decision = choices.decision(run_id, snapshot.as_ref());
        match pair.commit(decision).await {
            Some(Commit::Applied(done)) => {
                applied += 1;
                leases.extend(done.claimed.into_iter().map(|job| job.lease));
            }
            Some(Commit::PreconditionFailed) => not_applied += 1,
            Some(Commit::Duplicate { .. }) => {}
            None => impossible += 1,
        }
        pair.snapshot(run_id).await;
        if choices.one_in(5) {
            let claim = choices.claim();
            leases.extend(pair.claim(&claim, 2).await.into_iter().map(|job| job.lease));
        }
        if step % 20 == 0 {
            let from = leases.len().saturating_sub(12);
            pair.compare(&runs, &leases[from..]).await;
        }
    }
    (applied, not_applied, impossible)
}
