//! The check of the stored rows finds each broken invariant. A database is brought into many states; then rows are changed
//! with SQL, as a defective store would have written them, and the check must name the invariant.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tests::postgres::Schema;
use tests::stored::{self, Database, Invariant, violations};
use tests::{postgres, signal};
use workflow_engine::ports::{Store, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::stores::SqliteStore;
use workflow_engine::{EngineBuilder, RunId};

/// Waits for the signal `end`, so that the stage is held.
#[stage]
async fn held(number: u32, ctx: &StageContext) -> StageResult<u32> {
    signal::give(ctx.run_id(), "started");
    signal::wait(ctx.run_id(), "end").await;
    Ok(number)
}

#[stage]
async fn quick(number: u32) -> StageResult<u32> {
    Ok(number)
}

/// Waits for something outside, for ever.
#[stage(check = never, poll_every = "1h", give_up_after = "30d")]
async fn remote(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[check]
async fn never(_ticket: &u32) -> StageResult<Check<u32>> {
    Ok(Check::Pending)
}

/// Fails once, and is retried in an hour.
#[stage(retry(initial = "1h", max = "1h"))]
async fn retried(number: u32, ctx: &StageContext) -> StageResult<u32> {
    signal::give(ctx.run_id(), "tried");
    if ctx.attempt() == 1 { Err(StageError::retryable("not yet")) } else { Ok(number) }
}

#[stage]
async fn join(left: u32, right: u32) -> StageResult<u32> {
    Ok(left + right)
}

workflow! { open = quick >> [held, remote] >> join }
workflow! { later = quick >> retried }
workflow! { done = quick }

/// A change of rows that breaks an invariant. `{run}` names a run that is open, `{later}` one whose stage is to be retried,
/// `{done}` one that has completed.
const DEFECTS: [(Invariant, &str); 25] = [
    // A stage that is held also has a job; a stage that waits has one; a stage that is ready has none.
    (Invariant::OnePlace, "UPDATE workflow_job_queue SET stage_id = 'held' WHERE workflow_run_id = '{run}'"),
    (Invariant::OnePlace, "UPDATE workflow_job_queue SET stage_id = 'join' WHERE workflow_run_id = '{run}'"),
    (Invariant::OnePlace, "DELETE FROM workflow_job_queue WHERE workflow_run_id = '{later}'"),
    (
        Invariant::End,
        "UPDATE workflow_job_queue SET workflow_run_id = '{done}', stage_id = 'quick' WHERE workflow_run_id = '{later}'",
    ),
    (Invariant::OnePlace, "UPDATE workflow_job_queue SET status = 'DEAD' WHERE workflow_run_id = '{later}'"),
    // Leases without an owner, an owner without leases, and a bound that is too late.
    (Invariant::Owner, "UPDATE workflow_runs SET owner = NULL WHERE id = '{run}'"),
    (Invariant::Owner, "UPDATE workflow_runs SET owner = 'other' WHERE id = '{later}'"),
    (Invariant::Owner, "UPDATE workflow_runs SET held_until = held_until {+} WHERE id = '{run}'"),
    (Invariant::Owner, "UPDATE workflow_runs SET held_until = NULL WHERE id = '{run}'"),
    (Invariant::End, "UPDATE workflow_runs SET owner = 'other' WHERE id = '{done}'"),
    (Invariant::End, "UPDATE workflow_runs SET completed_at = NULL WHERE id = '{done}'"),
    // A lease without a worker, a worker without a lease, a job of another generation.
    (Invariant::Lease, "UPDATE workflow_job_queue SET worker_id = 'other' WHERE workflow_run_id = '{later}'"),
    (Invariant::Lease, "UPDATE workflow_job_queue SET status = 'RUNNING' WHERE workflow_run_id = '{later}'"),
    (Invariant::Lease, "UPDATE workflow_job_queue SET generation = 2 WHERE workflow_run_id = '{run}'"),
    (
        Invariant::Lease,
        "UPDATE workflow_stage_rows SET generation = 2 WHERE workflow_run_id = '{later}' AND status = 'PENDING'",
    ),
    // An epoch that was reset, and an attempt that was not counted.
    (Invariant::Epoch, "UPDATE workflow_job_queue SET lease_epoch = 0 WHERE workflow_run_id = '{later}'"),
    (Invariant::Epoch, "UPDATE workflow_job_queue SET attempt = 2 WHERE workflow_run_id = '{later}'"),
    // A gap, and an event that the run does not know.
    (Invariant::Sequence, "DELETE FROM workflow_commits WHERE workflow_run_id = '{done}' AND sequence > 1"),
    (Invariant::Sequence, "UPDATE workflow_runs SET last_sequence = last_sequence + 1 WHERE id = '{done}'"),
    // A lease without a row that was renewed in its place.
    (
        Invariant::NeverRenewed,
        "UPDATE workflow_commits SET occurred_at = occurred_at {+} WHERE workflow_run_id = '{run}'",
    ),
    // A stage that is described and has a row, and a job whose stage has none.
    (
        Invariant::Outline,
        "UPDATE workflow_stage_rows SET stage_id = 'held' WHERE workflow_run_id = '{run}' AND status = 'COMPLETED'",
    ),
    // A terminal run with an open stage.
    (Invariant::End, "UPDATE workflow_stage_rows SET status = 'PENDING' WHERE workflow_run_id = '{done}'"),
    // A lease that was forgotten: its stage is as if it had not begun, and is counted all the same.
    (
        Invariant::Counters,
        "UPDATE workflow_runs SET owner = NULL, held = NULL, held_until = NULL WHERE id = '{run}'",
    ),
    // Counters that are not what the stages say, of a run and of a join.
    (Invariant::Counters, "UPDATE workflow_runs SET active = active + 1 WHERE id = '{run}'"),
    (Invariant::Counters, "UPDATE workflow_runs SET waiting_on = 2 WHERE id = '{run}'"),
];

/// Brings runs into many states, with an engine whose bodies are still running.
async fn check_finds_each_defect(store: Arc<dyn Store>, mut database: Database) {
    let engine = EngineBuilder::with_store(store, Arc::new(SystemClock))
        .register::<open>()
        .register::<later>()
        .register::<done>()
        // No heartbeat gives the held stage its rows.
        .lease(Duration::from_secs(3_600))
        .build()
        .await
        .unwrap();
    let run = engine.start::<open>(QuickInput { number: 1 }).await.unwrap();
    let retried = engine.start::<later>(QuickInput { number: 2 }).await.unwrap();
    let over = engine.start::<done>(QuickInput { number: 3 }).await.unwrap();
    over.output().await.unwrap();
    signal::wait(run.id(), "started").await;
    signal::wait(retried.id(), "tried").await;
    wait_for(&mut database, run.id(), "SUSPENDED").await;
    wait_for(&mut database, retried.id(), "PENDING").await;
    stored::check(&mut database).await;

    let later_by = match database {
        Database::Sqlite(_) => "+ 3600000000",
        Database::Postgres(_) => "+ interval '1 hour'",
    };
    let mut found = BTreeMap::<Invariant, usize>::new();
    for (invariant, defect) in DEFECTS {
        let sql = defect
            .replace("{run}", &run.id().to_string())
            .replace("{later}", &retried.id().to_string())
            .replace("{done}", &over.id().to_string())
            .replace("{+}", later_by);
        database.run("BEGIN").await;
        database.run(&sql).await;
        let violations = violations(&mut database).await;
        database.run("ROLLBACK").await;
        assert!(
            violations.iter().any(|it| it.invariant == invariant),
            "{defect}: found only {violations:#?}"
        );
        *found.entry(invariant).or_default() += 1;
    }
    assert_eq!(found.len(), Invariant::ALL.len(), "each invariant was broken: {found:?}");
    stored::check(&mut database).await;
    signal::give(run.id(), "end");
    engine.shutdown().await;
    stored::check(&mut database).await;
    database.close().await;
}

/// Waits until a job of the run has this status.
async fn wait_for(database: &mut Database, run: RunId, status: &str) {
    let jobs = format!(
        "SELECT status FROM workflow_job_queue WHERE CAST(workflow_run_id AS text) = '{run}' AND status = '{status}'"
    );
    while database.column(&jobs).await.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_broken_invariant_is_found_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.db").to_str().unwrap().to_owned();
    let store = Arc::new(SqliteStore::open(path.as_str()).await.unwrap());
    let database = Database::sqlite(&path).await;
    check_finds_each_defect(store, database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_broken_invariant_is_found_on_postgres() {
    if !postgres::is_available("each_broken_invariant_is_found_on_postgres") {
        return;
    }
    let schema = Schema::new();
    let store = Arc::new(schema.open().await);
    let database = Database::of(&schema).await;
    check_finds_each_defect(store, database).await;
}
