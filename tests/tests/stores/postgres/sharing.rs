//! Several stores on one schema, as in several processes.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::postgres::PgListener;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tests::postgres::{Cluster, Schema};
use tokio::time::timeout;
use workflow_engine::ports::{Change, Commit, JobTransport, Persistence};
use workflow_engine::records::Status;
use workflow_engine::stores::{PostgresOptions, PostgresStore};

use super::fixture::{TIMEOUT, claim, complete, create, definitions, due, number, running};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_sees_what_the_other_commits() {
    needs_postgres!("each_sees_what_the_other_commits");
    let schema = Schema::new();
    let (one, two) = (schema.open().await, schema.open().await);
    for _ in 0..10 {
        let mut external = two.hints().watch_external();
        let job = running(&one).await;
        timeout(TIMEOUT, external.changed())
            .await
            .expect("the store notices another store's commit")
            .unwrap();
        assert_eq!(two.run(job.lease.run_id).await.unwrap().unwrap().status, Status::Running);

        let mut external = one.hints().watch_external();
        let mut watch = one.hints().watch_run(job.lease.run_id);
        assert!(matches!(two.commit(complete(&job)).await.unwrap(), Commit::Applied(_)));
        timeout(TIMEOUT, external.changed())
            .await
            .expect("the store notices another store's commit")
            .unwrap();
        timeout(TIMEOUT, watch.changed()).await.expect("the watcher of the run is notified");
        assert_eq!(one.run(job.lease.run_id).await.unwrap().unwrap().status, Status::Completed);
    }
    one.close().await;
    two.close().await;
}

/// A notification carries the priority of the claimable work, for which a busy worker may free a slot.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_receives_the_priority_of_the_work_that_the_other_made_ready() {
    needs_postgres!("each_receives_the_priority_of_the_work_that_the_other_made_ready");
    let schema = Schema::new();
    let (one, two) = (schema.open().await, schema.open().await);
    let urgency = two.hints().watch_highest_priority();
    for priority in [9, 4, i32::MAX, i32::MIN] {
        let mut work = two.hints().watch_work();
        let received = async {
            loop {
                // The other store may not listen yet and miss a notification, so commits are repeated.
                let mut decision = create();
                decision.changes.truncate(1);
                if let Change::CreateRun(new) = &mut decision.changes[0] {
                    new.priority = priority;
                }
                one.commit(decision).await.unwrap();
                while timeout(Duration::from_secs(1), work.changed()).await.is_ok() {
                    if let Some(priority) = urgency.reset() {
                        return priority;
                    }
                }
            }
        };
        assert_eq!(timeout(TIMEOUT, received).await.expect("the priority is received"), priority);
    }
    one.close().await;
    two.close().await;
}

/// A process that is killed between a commit and its notification. The store has just been opened, and has not polled yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_without_a_notification_is_noticed_even_right_after_the_store_was_opened() {
    needs_postgres!("a_commit_without_a_notification_is_noticed_even_right_after_the_store_was_opened");
    // A server of its own: a poll also sees the commits of other tests.
    let Some(cluster) = Cluster::start() else { return };
    let store = PostgresStore::open(PostgresOptions::new(cluster.url())).await.unwrap();
    let mut external = store.hints().watch_external();
    timeout(TIMEOUT, external.changed()).await.expect("the store listens").unwrap();
    let mut other = PgConnection::connect(cluster.url()).await.unwrap();
    sqlx::raw_sql("CREATE TABLE public.silent ()").execute(&mut other).await.unwrap();
    timeout(TIMEOUT, external.changed()).await.expect("the store notices the commit").unwrap();
    store.close().await;
}

/// A notification for every commit would cost more than the commits: one covers all that came before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_commits_make_few_notifications() {
    needs_postgres!("many_commits_make_few_notifications");
    let schema = Schema::new();
    let mut options = schema.options();
    options.connections = 1;
    let busy = Arc::new(PostgresStore::open(options).await.unwrap());
    let channel = format!("workflow_engine.{}", schema.name());
    let mut listener = PgListener::connect(schema.url()).await.unwrap();
    listener.listen(&channel).await.unwrap();

    // A read that waits occupies the only connection over which the store can notify.
    let mut other = schema.connect().await;
    let lock = format!("BEGIN; LOCK TABLE {}.workflow_logs", schema.name());
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut other).await.unwrap();
    let reader = Arc::clone(&busy);
    let run_id = running(&*busy).await.lease.run_id;
    let read = tokio::spawn(async move { reader.logs(run_id, 0, 1).await });
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::regclass";
    let table = format!("{}.workflow_logs", schema.name());
    let waiters = || sqlx::query_scalar::<_, i64>(waiting).bind(&table);
    while waiters().fetch_one(&mut other).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        running(&*busy).await;
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    let _ = read.await.unwrap();
    busy.close().await;

    sqlx::query("SELECT pg_notify($1, 'end')").bind(&channel).execute(&mut other).await.unwrap();
    let mut notifications = 0;
    while timeout(TIMEOUT, listener.recv()).await.unwrap().unwrap().payload() != "end" {
        notifications += 1;
    }
    // One for the first commit, one for those made before the notifier began to wait, and one for the rest.
    assert!((1..=3).contains(&notifications), "100 commits made {notifications} notifications");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_claimers_over_four_stores_never_claim_the_same_job() {
    needs_postgres!("eight_claimers_over_four_stores_never_claim_the_same_job");
    let schema = Schema::new();
    let opened = join_all((0..4).map(|_| schema.open())).await;
    let stores: Vec<_> = opened.into_iter().map(Arc::new).collect();
    let creators = (0..4).map(|number| {
        let store = Arc::clone(&stores[number]);
        tokio::spawn(async move { join_all((0..50).map(|_| due(&*store))).await })
    });
    let mut runs: Vec<_> =
        join_all(creators.collect::<Vec<_>>()).await.into_iter().flat_map(Result::unwrap).collect();
    let claimers = (0..8).map(|number: usize| {
        let store = Arc::clone(&stores[number % 4]);
        tokio::spawn(async move {
            let mut all = Vec::new();
            loop {
                let claimed = store.claim_jobs(&claim(), &definitions(), 7).await.unwrap();
                if claimed.is_empty() {
                    return all;
                }
                for job in &claimed {
                    assert_eq!(job.lease.epoch, 2);
                    assert!(matches!(store.commit(complete(job)).await.unwrap(), Commit::Applied(_)));
                }
                all.extend(claimed.into_iter().map(|job| job.lease.run_id));
            }
        })
    });
    let mut claimed: Vec<_> =
        join_all(claimers.collect::<Vec<_>>()).await.into_iter().flat_map(Result::unwrap).collect();
    claimed.sort();
    runs.sort();
    assert_eq!(claimed, runs);
    join_all(stores.iter().map(|store| store.close())).await;
}

/// A lease that one process renews is renewed for all, even if their machines' clocks differ: the database's clock
/// counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_13_a_lease_is_measured_by_the_databases_clock() {
    needs_postgres!("trap_13_a_lease_is_measured_by_the_databases_clock");
    let schema = Schema::new();
    let store = schema.open().await;
    let mut connection = schema.connect().await;
    let micros = |instant: &str| format!("SELECT (extract(epoch FROM {instant}) * 1000000)::bigint");
    let before = number(&mut connection, &micros("clock_timestamp()")).await;
    let job = running(&store).await;
    let until = format!("{} FROM {}.workflow_leases", micros("leased_until"), schema.name());
    let claimed = number(&mut connection, &until).await - 30_000_000;
    let after = number(&mut connection, &micros("clock_timestamp()")).await;
    // The store may know the database's time with a delay.
    assert!((before - 5_000_000..=after).contains(&claimed), "{claimed} between {before} and {after}");
    assert!(store.stale_jobs(&[], 10).await.unwrap().is_empty());
    assert!(store.next_lease_end().await.unwrap().is_some());
    let lost = store.renew_leases(vec![job.lease.clone()], std::time::Duration::MAX).await.unwrap();
    assert!(lost.is_empty());
    store.close().await;
}
