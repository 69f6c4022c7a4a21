//! A process that is killed at any moment loses nothing, and no committed stage runs again.
//!
//! The judge does not use the engine: it reads the database with its own SQL, and the ledger to which the bodies
//! append.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Row};
use tests::diamond::{FirstInput, diamond};
use tests::random::Random;
use tests::stored::{self, Database};
use workflow_engine::prelude::*;

const RUNS: u32 = 200;
const KILLS: usize = 30;

#[tokio::test]
async fn sigkill_at_random_moments_loses_nothing_and_commits_each_stage_once() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("runs.db");
    let ledger = folder.path().join("ledger.txt");
    create_runs(&database, &ledger).await;

    let mut random = Random::seeded("KILL_SEED");
    for _ in 0..KILLS {
        let mut worker = start_worker(&database);
        // There are 800 bodies, and some run again, so the 30 kills leave enough for each worker.
        let moment = random.below(24);
        let seen = wait_for_lines(&mut worker, moment + 1);
        assert!(seen > moment, "the worker ended by itself after {seen} bodies, before it was killed");
        random.spin();
        worker.kill().unwrap();
        worker.wait().unwrap();
        check_rows(&database).await;
    }
    let mut worker = start_worker(&database);
    wait_for_lines(&mut worker, u64::MAX);
    assert!(worker.wait().unwrap().success());

    check_rows(&database).await;
    judge(&database, &ledger).await;
}

async fn check_rows(database: &Path) {
    let mut tables = Database::sqlite(database.to_str().unwrap()).await;
    stored::check(&mut tables).await;
    tables.close().await;
}

async fn create_runs(database: &Path, ledger: &Path) {
    let engine = Engine::builder(database.to_str().unwrap())
        .register::<diamond>()
        .without_worker()
        .build()
        .await
        .unwrap();
    for number in 0..u64::from(RUNS) {
        let ledger = ledger.to_str().unwrap().to_owned();
        engine.start::<diamond>(FirstInput { ledger, number }).await.unwrap();
    }
    engine.shutdown().await;
}

fn start_worker(database: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_diamond_worker")).arg(database).stdout(Stdio::piped()).spawn().unwrap()
}

/// Reads the worker's output until it has printed `lines` lines or ends; returns the number of lines.
fn wait_for_lines(worker: &mut Child, lines: u64) -> u64 {
    let mut output = BufReader::new(worker.stdout.as_mut().unwrap());
    let mut line = String::new();
    let mut seen = 0;
    while seen < lines {
        line.clear();
        if output.read_line(&mut line).unwrap() == 0 {
            break;
        }
        seen += 1;
    }
    seen
}

async fn judge(database: &Path, ledger: &Path) {
    let mut db: SqliteConnection = SqliteConnectOptions::new().filename(database).connect().await.unwrap();

    let statuses = column(&mut db, "SELECT status FROM workflow_runs").await;
    assert_eq!(statuses, vec!["COMPLETED".to_owned(); RUNS as usize], "every run finished");
    let open = column(&mut db, "SELECT stage_id FROM workflow_job_queue WHERE status <> 'DEAD'").await;
    assert_eq!(open, Vec::<String>::new(), "no open job is left");

    let commits = column(
        &mut db,
        "SELECT workflow_run_id || ' ' || (payload ->> 'stage_id') || ' ' || count(*) FROM workflow_outbox_events
         WHERE event_type = 'stage:completed' GROUP BY workflow_run_id, payload ->> 'stage_id'",
    )
    .await;
    assert_eq!(commits.len(), RUNS as usize * 4, "every stage was committed");
    assert!(commits.iter().all(|line| line.ends_with(" 1")), "each stage was committed once");

    let gaps = column(
        &mut db,
        "SELECT workflow_run_id FROM workflow_outbox_events GROUP BY workflow_run_id
         HAVING min(sequence) <> 1 OR max(sequence) <> count(*)",
    )
    .await;
    assert_eq!(gaps, Vec::<String>::new(), "sequences have no gaps");

    let outputs = column(
        &mut db,
        "SELECT output || ' ' || (3 * (input ->> 'number') + 1) FROM workflow_runs
             JOIN workflow_run_requests ON workflow_run_id = id",
    )
    .await;
    for pair in &outputs {
        let (actual, expected) = pair.split_once(' ').unwrap();
        assert_eq!(actual, expected, "each run has the expected output");
    }

    // The ledger: each stage ran at least once, no attempt ran twice, and none ran after the attempt that the store
    // counts as the last.
    let attempts: HashMap<String, u64> =
        column(&mut db, "SELECT workflow_run_id || ' ' || stage_id || ' ' || attempt FROM workflow_stages")
            .await
            .iter()
            .map(|line| {
                let (stage, attempt) = line.rsplit_once(' ').unwrap();
                (stage.to_owned(), attempt.parse().unwrap())
            })
            .collect();
    let ledger = std::fs::read_to_string(ledger).unwrap();
    let mut executed: HashMap<&str, Vec<u64>> = HashMap::new();
    for line in ledger.lines() {
        let (stage, attempt) = line.rsplit_once(' ').unwrap();
        executed.entry(stage).or_default().push(attempt.parse().unwrap());
    }
    assert_eq!(executed.len(), attempts.len(), "every stage ran");
    let mut repeated = 0;
    for (stage, mut ran) in executed {
        ran.sort_unstable();
        repeated += ran.len() - 1;
        assert!(ran.windows(2).all(|pair| pair[0] < pair[1]), "{stage}: no attempt ran twice: {ran:?}");
        assert_eq!(ran.last(), Some(&attempts[stage]), "{stage}: nothing ran after its commit: {ran:?}");
    }
    assert!(repeated > 0, "no kill hit a stage between its body and its commit, so the test proves nothing");
}

async fn column(db: &mut SqliteConnection, sql: &'static str) -> Vec<String> {
    let rows = sqlx::query(sql).fetch_all(db).await.unwrap();
    rows.into_iter().map(|row| row.get(0)).collect()
}
