//! A worker process that is killed: the other workers of its machine take its jobs back at once, although its leases last
//! for another hour.

use std::time::Duration;

use tests::events::wait_for;
use tests::kills::work_under_kills;
use tests::postgres::Schema;
use tests::takeover::{Database, HoldInput, OccupyInput, held, occupied};
use tests::{postgres as server, signal};
use tokio::time::timeout;
use workflow_engine::records::EventKind;

const WORKER: &str = env!("CARGO_BIN_EXE_takeover_worker");

/// Far below the lease, and far above what a busy machine needs.
const LIMIT: Duration = Duration::from_secs(30);

/// The survivor has started before the other worker, and has no free slot while that one claims.
async fn a_survivor_takes_back_everything(database: Database, jobs: u32) {
    let survivor = database.engine().concurrency(1).build().await.unwrap();
    let occupant = survivor.start::<occupied>(OccupyInput { number: 1 }).await.unwrap();
    signal::wait(occupant.id(), "started").await;
    let mut runs = Vec::new();
    for number in 0..jobs {
        runs.push(survivor.start::<held>(HoldInput { number }).await.unwrap());
    }
    let mut worker = database.hold(WORKER, runs.len());
    worker.kill().unwrap();

    for run in &runs {
        let taken_back = wait_for(run, |kind| matches!(kind, EventKind::StageRetrying { .. }));
        timeout(LIMIT, taken_back).await.expect("the survivor takes the job back at once");
    }
    worker.wait().unwrap();
    signal::give(occupant.id(), "end");
    for (number, run) in (0..).zip(&runs) {
        let output = timeout(LIMIT, run.output()).await.expect("the survivor has a slot");
        assert_eq!(output.unwrap(), (number, 2), "a crash does not use up the only attempt");
    }
    survivor.shutdown().await;
}

/// A worker that restarts finds the jobs of its predecessor, whose process has ended before.
async fn a_restarted_worker_takes_back_the_job_of_its_predecessor(database: Database) {
    let starter = database.engine().without_worker().build().await.unwrap();
    let run = starter.start::<held>(HoldInput { number: 7 }).await.unwrap();
    let mut worker = database.hold(WORKER, 1);
    worker.kill().unwrap();
    worker.wait().unwrap();
    let successor = database.engine().build().await.unwrap();
    let output = timeout(LIMIT, run.output()).await.expect("the successor takes the job back at once");
    assert_eq!(output.unwrap(), (7, 2));
    successor.shutdown().await;
    starter.shutdown().await;
}

/// Two survivors notice the end at the same moment. Each job is taken back once.
async fn two_survivors_take_each_job_of_a_killed_worker_back_once(database: Database) {
    let starter = database.engine().without_worker().build().await.unwrap();
    let mut runs = Vec::new();
    for number in 0..100 {
        runs.push(starter.start::<held>(HoldInput { number }).await.unwrap());
    }
    let mut worker = database.hold(WORKER, runs.len());
    let survivors = [database.engine().build().await.unwrap(), database.engine().build().await.unwrap()];
    worker.kill().unwrap();
    for run in &runs {
        let output = timeout(LIMIT, run.output()).await.expect("a survivor takes the job back at once");
        assert_eq!(output.unwrap().1, 2);
        let taken_back = tests::events::names(run).await;
        assert_eq!(taken_back.iter().filter(|name| **name == "stage:retrying").count(), 1);
    }
    worker.wait().unwrap();
    for survivor in survivors {
        survivor.shutdown().await;
    }
    starter.shutdown().await;
}

/// Each of three workers holds many jobs when it is killed. The others take them back, in few commits, and each of them
/// once, although they are killed as well meanwhile.
async fn three_workers_that_are_killed_every_fifth_of_a_second_complete_every_run(database: Database) {
    const RUNS: u32 = 600;
    const MAX_KILLS: usize = 30;
    // The commits that take back the jobs of one worker: a process may be killed half-way, and on PostgreSQL
    // several connections commit at the same time.
    const COMMITS: usize = 8;
    let report = work_under_kills(&database, WORKER, RUNS, MAX_KILLS).await;
    let rate = f64::from(RUNS) / report.elapsed.as_secs_f64();
    println!("{} kills, {rate:.0} runs/s, {:?}", report.kills, report.taken_back);
    assert!(report.kills > 2, "too few kills to prove anything: {report:?}");
    assert!(!report.taken_back.is_empty(), "no kill hit a worker with jobs: {report:?}");
    // On a busy machine, the jobs of some workers are taken back in more pieces.
    let mut commits: Vec<_> = report.taken_back.values().map(|(_, commits)| *commits).collect();
    commits.sort_unstable();
    let median = commits[commits.len() / 2];
    assert!(median <= COMMITS, "{median} commits took back the jobs of a worker: {:?}", report.taken_back);
}

async fn a_survivor_takes_back_the_job_of_a_killed_worker(database: Database) {
    a_survivor_takes_back_everything(database, 1).await;
}

async fn a_survivor_takes_back_all_jobs_of_a_killed_worker(database: Database) {
    a_survivor_takes_back_everything(database, 300).await;
}

macro_rules! on_shared_stores {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let url = folder.path().join("runs.db").to_str().unwrap().to_owned();
                super::$name(Database { url, schema: None }).await;
            })+
        }
        mod postgres {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                if !server::is_available(stringify!($name)) {
                    return;
                }
                let schema = Schema::new();
                let (url, name) = (schema.url().to_owned(), schema.name().to_owned());
                super::$name(Database { url, schema: Some(name) }).await;
            })+
        }
    };
}

on_shared_stores!(
    a_survivor_takes_back_the_job_of_a_killed_worker,
    a_survivor_takes_back_all_jobs_of_a_killed_worker,
    a_restarted_worker_takes_back_the_job_of_its_predecessor,
    two_survivors_take_each_job_of_a_killed_worker_back_once,
    three_workers_that_are_killed_every_fifth_of_a_second_complete_every_run,
);
