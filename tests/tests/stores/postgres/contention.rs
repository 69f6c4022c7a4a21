//! Many tasks at the same time, on separate connections and in separate stores.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use sqlx::AssertSqlSafe;
use tests::postgres::Schema;
use workflow_engine::ports::{Change, Commit, Decision, JobTransport, Persistence, Precondition};
use workflow_engine::records::ClaimedJob;
use workflow_engine::stores::PostgresStore;

use super::fixture::{apply, complete, create, due, entry, named_url, number, running};

/// A change that the holder of the lease may commit at any time.
fn progress(job: &ClaimedJob) -> Decision {
    let change = Change::Progress { stage_key: "a".into(), fraction: 0.5, message: "half".into() };
    Decision { changes: vec![change], ..complete(job) }
}

/// Sixteen tasks over four stores write the same runs, and the same idempotency keys in opposite orders: there is no
/// deadlock, and of each key one decision wins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn committers_that_overlap_do_not_deadlock() {
    const COMMITTERS: usize = 16;
    const KEYS: usize = 40;
    needs_postgres!("committers_that_overlap_do_not_deadlock");
    let schema = Schema::new();
    let opened = join_all((0..4).map(|_| schema.open())).await;
    let stores: Vec<_> = opened.into_iter().map(Arc::new).collect();
    let jobs = Arc::new(join_all((0..KEYS).map(|_| running(&*stores[0]))).await);
    let committers = (0..COMMITTERS).map(|committer| {
        let (store, jobs) = (Arc::clone(&stores[committer % 4]), Arc::clone(&jobs));
        tokio::spawn(async move {
            let backwards = committer % 2 == 1;
            let order = (0..KEYS).map(|at| if backwards { KEYS - 1 - at } else { at });
            let work = order.map(|at| {
                let created = Decision { idempotency: Some(entry(&format!("key-{at:02}"))), ..create() };
                let (store, step, lease) = (&store, progress(&jobs[at]), jobs[at].lease.clone());
                async move {
                    apply(&**store, step).await;
                    let lost = store.renew_leases(vec![lease], Duration::from_secs(30)).await.unwrap();
                    assert!(lost.is_empty());
                    matches!(store.commit(created).await.unwrap(), Commit::Applied(_))
                }
            });
            join_all(work.collect::<Vec<_>>()).await.into_iter().filter(|applied| *applied).count()
        })
    });
    let won = join_all(committers.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).sum::<usize>();
    assert_eq!(won, KEYS, "G1: a key makes one run");
    for job in jobs.iter() {
        let events = stores[1].events(job.lease.run_id, 0, usize::MAX).await.unwrap();
        let sequences: Vec<u64> = events.iter().map(|event| event.sequence).collect();
        let expected: Vec<u64> = (1..=3 + COMMITTERS as u64).collect();
        assert_eq!(sequences, expected, "G7: the events of a run are numbered without a gap");
    }
    let mut connection = schema.connect().await;
    let runs = format!("SELECT count(*) FROM {}.workflow_runs", schema.name());
    assert_eq!(number(&mut connection, &runs).await, 2 * i64::try_from(KEYS).unwrap());
    // The store retries after a deadlock, but the server counts it.
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    join_all(stores.iter().map(|store| store.close())).await;
    assert_eq!(number(&mut connection, deadlocks).await, 0);
}

/// The race of trap 4, between processes: a completion and a change of the whole run, decided under its lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_waited_for_a_run_sees_its_latest_state() {
    needs_postgres!("a_commit_that_waited_for_a_run_sees_its_latest_state");
    let schema = Schema::new();
    let (one, two) = (Arc::new(schema.open().await), Arc::new(schema.open().await));
    for _ in 0..50 {
        let run_id = due(&*one).await;
        let claimants = [&one, &two].map(|store| {
            let store = Arc::clone(store);
            let precondition = Precondition::Claimable { stage_key: "a".into(), generation: 1 };
            let claim = Change::Claim { stage_key: "a".into(), claim: super::fixture::claim() };
            let decision =
                Decision { run_id, command: "test", precondition, idempotency: None, changes: vec![claim] };
            tokio::spawn(async move { store.commit(decision).await.unwrap() })
        });
        let taken = join_all(claimants).await.into_iter().map(Result::unwrap);
        let won = taken.filter(|commit| matches!(commit, Commit::Applied(_))).count();
        assert_eq!(won, 1, "G4: one lease at a time");
        assert_eq!(one.snapshot(run_id).await.unwrap().unwrap().jobs[0].lease_epoch, 2);
    }
    one.close().await;
    two.close().await;
}

/// A commit that waits, for a lock or for the user's statements, does not delay other commits, even if too few wait to
/// fill a batch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_waits_for_a_lock_does_not_delay_others() {
    needs_postgres!("a_commit_that_waits_for_a_lock_does_not_delay_others");
    let schema = Schema::new();
    let store = Arc::new(PostgresStore::open(schema.options_at(&named_url(&schema))).await.unwrap());
    let (locked, free) = (running(&*store).await, running(&*store).await);
    let mut blocker = schema.connect().await;
    let lock = format!(
        "BEGIN; SELECT FROM {}.workflow_runs WHERE id = '{}' FOR UPDATE",
        schema.name(),
        locked.lease.run_id
    );
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut blocker).await.unwrap();
    let waiting = {
        let (store, step) = (Arc::clone(&store), progress(&locked));
        tokio::spawn(async move { store.commit(step).await })
    };
    let mut side = schema.connect().await;
    while number(&mut side, &waiting_sessions(&schema)).await == 0 {}

    apply(&*store, progress(&free)).await;
    assert!(!waiting.is_finished(), "the lock is still held");
    sqlx::raw_sql("COMMIT").execute(&mut blocker).await.unwrap();
    assert!(matches!(waiting.await.unwrap().unwrap(), Commit::Applied(_)));
    store.close().await;
}

/// Otherwise a lease that begins after a long wait would begin, and may end, in the past.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_waited_for_a_lock_has_the_time_of_its_write() {
    needs_postgres!("a_commit_that_waited_for_a_lock_has_the_time_of_its_write");
    let schema = Schema::new();
    let store = Arc::new(PostgresStore::open(schema.options_at(&named_url(&schema))).await.unwrap());
    let job = running(&*store).await;
    let run_id = job.lease.run_id;
    let mut blocker = schema.connect().await;
    let lock = format!("BEGIN; SELECT FROM {}.workflow_runs WHERE id = '{run_id}' FOR UPDATE", schema.name());
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut blocker).await.unwrap();
    let waiting = {
        let (store, step) = (Arc::clone(&store), progress(&job));
        tokio::spawn(async move { store.commit(step).await })
    };
    let mut side = schema.connect().await;
    while number(&mut side, &waiting_sessions(&schema)).await == 0 {}

    // By the server's clock, longer than an instant may differ from it.
    let wait = "SELECT pg_sleep(1.5)";
    sqlx::raw_sql(wait).execute(&mut blocker).await.unwrap();
    let released: DateTime<Utc> =
        sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&mut blocker).await.unwrap();
    sqlx::raw_sql("ROLLBACK").execute(&mut blocker).await.unwrap();
    assert!(matches!(waiting.await.unwrap().unwrap(), Commit::Applied(_)));
    let events = store.events(run_id, 0, usize::MAX).await.unwrap();
    assert!(events.last().unwrap().at >= released - TimeDelta::seconds(1), "{released}: {events:?}");
    store.close().await;
}

/// The number of sessions of the schema that wait for a lock.
fn waiting_sessions(schema: &Schema) -> String {
    let name = schema.name();
    format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}' AND wait_event_type = 'Lock'"
    )
}
