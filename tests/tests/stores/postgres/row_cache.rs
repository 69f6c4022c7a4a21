//! Cached rows of runs that other stores have changed: the store notices it before it writes.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::{Connection, PgConnection};
use tests::postgres::{Cluster, Schema};
use workflow_engine::ports::{
    Change, Commit, Decision, JobTransport, Persistence, Precondition, Purge, Retention,
};
use workflow_engine::records::{ClaimedJob, Status};
use workflow_engine::stores::{PostgresOptions, PostgresStore};
use workflow_engine::testing::FakeClock;

use super::fixture::{apply, claim, complete, definitions, number, running};

fn progress(job: &ClaimedJob) -> Decision {
    let change = Change::Progress { stage_key: "a".into(), fraction: 0.5, message: "half".into() };
    Decision { changes: vec![change], ..complete(job) }
}

fn return_job(job: &ClaimedJob) -> Decision {
    Decision {
        changes: vec![Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() }],
        ..complete(job)
    }
}

/// Each store has cached the run as it was before the other's last commit.
#[tokio::test]
async fn stores_that_alternate_on_a_run_continue_from_each_others_commits() {
    needs_postgres!("stores_that_alternate_on_a_run_continue_from_each_others_commits");
    let schema = Schema::new();
    let stores = [schema.open().await, schema.open().await];
    let mut job = running(&stores[0]).await;
    let run_id = job.lease.run_id;
    for turn in 0..20 {
        let (store, other) = (&stores[turn % 2], &stores[(turn + 1) % 2]);
        apply(store, progress(&job)).await;
        apply(other, progress(&job)).await;
        apply(store, return_job(&job)).await;
        assert_eq!(
            store.commit(progress(&job)).await.unwrap(),
            Commit::PreconditionFailed,
            "G4: its lease was returned"
        );
        assert_eq!(
            other.commit(complete(&job)).await.unwrap(),
            Commit::PreconditionFailed,
            "G4: its lease was returned"
        );
        let next = other.claim_jobs(&claim(), &definitions(), 1).await.unwrap().remove(0);
        assert_eq!(
            store.commit(complete(&job)).await.unwrap(),
            Commit::PreconditionFailed,
            "G4: another store has a lease"
        );
        assert_eq!(next.lease.epoch, job.lease.epoch + 1);
        job = next;
    }
    apply(&stores[0], complete(&job)).await;
    assert_eq!(
        stores[1].commit(progress(&job)).await.unwrap(),
        Commit::PreconditionFailed,
        "G8: the run is terminal"
    );
    let run = stores[1].run(run_id).await.unwrap().unwrap();
    assert_eq!(run.status, Status::Completed);
    let events = stores[1].events(run_id, 0, usize::MAX).await.unwrap();
    let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, (1..=run.last_sequence).collect::<Vec<_>>(), "G7: numbered without a gap");
    let instants: Vec<_> = events.iter().map(|event| event.at).collect();
    assert!(instants.is_sorted(), "the instants are the database's, whichever store writes");
    for store in stores {
        store.close().await;
    }
}

/// The guard of the statement finds it. Without one the keys of the events would conflict, and the statement would fail.
#[tokio::test]
async fn a_run_that_another_store_has_changed_makes_no_statement_fail() {
    needs_postgres!("a_run_that_another_store_has_changed_makes_no_statement_fail");
    // A server of its own, whose statements can be counted.
    let Some(cluster) = Cluster::start() else { return };
    let mut connection = PgConnection::connect(cluster.url()).await.unwrap();
    let mut failures = Vec::new();
    // The first time, the schema is made. The second time, the stores are only opened and closed.
    for turns in [0, 0, 5] {
        let open = || PostgresStore::open(PostgresOptions::new(cluster.url()));
        let stores = [open().await.unwrap(), open().await.unwrap()];
        let jobs = [running(&stores[0]).await, running(&stores[0]).await];
        for _ in 0..turns {
            for store in &stores {
                apply(store, progress(&jobs[0])).await;
                join_all(jobs.iter().map(|job| apply(store, progress(job)))).await;
            }
        }
        for store in &stores {
            store.close().await;
        }
        // A session counts its last statements when it ends.
        let others = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        while number(&mut connection, others).await > 0 {}
        let failed = "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()";
        failures.push(number(&mut connection, failed).await);
    }
    assert_eq!(failures[2] - failures[1], failures[1] - failures[0], "{failures:?}");
}

/// A lease is renewed without the run's lock, so the cached rows do not show it.
#[tokio::test]
async fn a_lease_that_another_store_has_renewed_has_not_expired() {
    needs_postgres!("a_lease_that_another_store_has_renewed_has_not_expired");
    let schema = Schema::new();
    let clock = FakeClock::new();
    let mut options = schema.options();
    options.clock = Some(Arc::new(clock.clone()));
    let one = PostgresStore::open(options.clone()).await.unwrap();
    let two = PostgresStore::open(options).await.unwrap();
    let job = running(&one).await;
    let lost = two.renew_leases(vec![job.lease.clone()], Duration::from_secs(90)).await.unwrap();
    assert!(lost.is_empty());
    clock.advance(Duration::from_secs(60));
    let reap = Decision { precondition: Precondition::ExpiredLease(job.lease.clone()), ..return_job(&job) };
    assert_eq!(one.commit(reap.clone()).await.unwrap(), Commit::PreconditionFailed, "it was renewed");
    apply(&one, progress(&job)).await;
    assert_eq!(
        two.commit(reap.clone()).await.unwrap(),
        Commit::PreconditionFailed,
        "a commit does not undo the renewal"
    );
    clock.advance(Duration::from_secs(60));
    apply(&two, reap).await;
    assert_eq!(one.commit(complete(&job)).await.unwrap(), Commit::PreconditionFailed, "G4: it was taken");
    one.close().await;
    two.close().await;
}

/// A store writes no row of a run that another store has purged.
#[tokio::test]
async fn a_run_that_another_store_has_purged_is_not_written_again() {
    needs_postgres!("a_run_that_another_store_has_purged_is_not_written_again");
    let schema = Schema::new();
    let (one, two) = (schema.open().await, schema.open().await);
    let job = running(&one).await;
    apply(&two, complete(&job)).await;
    let everything = Purge {
        older_than: Duration::ZERO,
        include_undelivered: true,
        external_blobs: false,
        limit: 10,
        only: None,
    };
    assert_eq!(two.purge_runs(&everything).await.unwrap(), [job.lease.run_id]);
    assert_eq!(one.commit(progress(&job)).await.unwrap(), Commit::PreconditionFailed);
    assert_eq!(one.commit(complete(&job)).await.unwrap(), Commit::PreconditionFailed);
    let mut connection = schema.connect().await;
    for table in ["workflow_runs", "workflow_stage_rows", "workflow_job_queue", "workflow_commits"] {
        let left = format!("SELECT count(*) FROM {}.{table}", schema.name());
        assert_eq!(number(&mut connection, &left).await, 0, "{table}");
    }
    one.close().await;
    two.close().await;
}

/// A server that has returned to an older state, as after a failover to a replica, and has continued from there with as
/// many commits as before, but others.
#[tokio::test]
async fn cached_rows_of_commits_that_the_server_has_lost_are_not_used() {
    needs_postgres!("cached_rows_of_commits_that_the_server_has_lost_are_not_used");
    let schema = Schema::new();
    let (one, two) = (schema.open().await, schema.open().await);
    let mut connection = schema.connect().await;
    let name = schema.name();
    let job = running(&one).await;
    let copy = format!(
        "CREATE TABLE {name}.old_runs AS TABLE {name}.workflow_runs;
        CREATE TABLE {name}.old_stages AS TABLE {name}.workflow_stage_rows;
        CREATE TABLE {name}.old_jobs AS TABLE {name}.workflow_job_queue;
        CREATE TABLE {name}.old_commits AS TABLE {name}.workflow_commits"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(copy)).execute(&mut connection).await.unwrap();
    apply(&one, progress(&job)).await;
    let restore = format!(
        "DELETE FROM {name}.workflow_runs; INSERT INTO {name}.workflow_runs TABLE {name}.old_runs;
        DELETE FROM {name}.workflow_stage_rows; INSERT INTO {name}.workflow_stage_rows TABLE {name}.old_stages;
        DELETE FROM {name}.workflow_job_queue; INSERT INTO {name}.workflow_job_queue TABLE {name}.old_jobs;
        DELETE FROM {name}.workflow_commits; INSERT INTO {name}.workflow_commits TABLE {name}.old_commits"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(restore)).execute(&mut connection).await.unwrap();
    apply(&two, return_job(&job)).await;
    assert_eq!(
        one.commit(complete(&job)).await.unwrap(),
        Commit::PreconditionFailed,
        "G4: its lease was returned"
    );
    one.close().await;
    two.close().await;
}

/// Behind a pooler the statement is between `BEGIN` and `COMMIT`; nothing is read there either.
#[tokio::test]
async fn a_commit_behind_a_pooler_reads_no_cached_rows() {
    needs_postgres!("a_commit_behind_a_pooler_reads_no_cached_rows");
    let schema = Schema::new();
    let mut options = schema.options();
    options.behind_pooler = true;
    let one = PostgresStore::open(options).await.unwrap();
    let two = schema.open().await;
    let job = running(&one).await;
    // A statement that has waited for the processor for a second is repeated, so the least of three commits counts.
    let mut least = u64::MAX;
    for _ in 0..3 {
        let before = one.statistics().statements;
        apply(&one, progress(&job)).await;
        least = least.min(one.statistics().statements - before);
    }
    assert_eq!(least, 1);
    apply(&two, return_job(&job)).await;
    assert_eq!(
        one.commit(complete(&job)).await.unwrap(),
        Commit::PreconditionFailed,
        "G4: its lease was returned"
    );
    one.close().await;
    two.close().await;
}
