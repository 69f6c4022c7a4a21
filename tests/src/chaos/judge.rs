//! Checks the result without the engine: it reads the database with its own SQL, the ledger of the bodies, and the file
//! of the sink.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use sqlx::PgConnection;

use super::connect;
use crate::stored::{self, Database};

/// The visible effects of the faults.
#[derive(Debug)]
pub struct Effects {
    /// Executions of bodies whose outcome was not committed.
    pub repeated_bodies: usize,
    /// Outcomes that were rejected because their lease was lost.
    pub stale_writes: usize,
    /// Events that were delivered more than once.
    pub repeated_deliveries: usize,
}

/// Checks `runs` runs.
///
/// # Panics
/// When a guarantee is broken; the message names it.
pub async fn judge(database: &str, folder: &Path, runs: usize) -> Effects {
    let mut db = connect(database).await.expect("the server is running");
    let mut rows = Database::postgres(database, "workflow_engine").await;
    stored::check(&mut rows).await;
    rows.close().await;
    every_run_has_its_result(&mut db, runs).await;
    each_stage_was_committed_once(&mut db, runs).await;
    let repeated_deliveries = events_are_gapless_and_were_delivered(&mut db, &read(folder, "sink.txt")).await;
    let log = read(folder, "log.txt");
    let repeated_bodies = no_body_ran_after_its_commit(&mut db, &read(folder, "ledger.txt"), &log).await;
    let stale_writes = log.lines().filter(|line| line.contains("came too late")).count();
    Effects { repeated_bodies, stale_writes, repeated_deliveries }
}

async fn every_run_has_its_result(db: &mut PgConnection, runs: usize) {
    let rows = column(
        db,
        "SELECT status || ' ' || (r.output::bigint = 3 * (q.input::json ->> 'number')::bigint + 1) || ' ' || (q.input::json ->> 'number')
         FROM workflow_runs AS r JOIN workflow_run_requests AS q ON q.workflow_run_id = r.id",
    )
    .await;
    let mut numbers = HashSet::new();
    for row in &rows {
        let number =
            row.strip_prefix("COMPLETED true ").unwrap_or_else(|| panic!("a run has a wrong result: {row}"));
        assert!(numbers.insert(number), "G1: a key made two runs: {number}");
    }
    assert_eq!(numbers.len(), runs, "G1: no run is lost");
    let open = column(db, "SELECT stage_id FROM workflow_job_queue").await;
    assert_eq!(open, Vec::<String>::new(), "no job is left");
}

async fn each_stage_was_committed_once(db: &mut PgConnection, runs: usize) {
    let commits = column(
        db,
        "SELECT count(*)::text FROM workflow_outbox_events WHERE event_type = 'stage:completed'
         GROUP BY workflow_run_id, payload::json ->> 'stage_id'",
    )
    .await;
    assert_eq!(commits.len(), runs * 4, "G2: every stage was committed");
    assert!(commits.iter().all(|count| count == "1"), "G2: each stage was committed once");
}

async fn events_are_gapless_and_were_delivered(db: &mut PgConnection, sink: &str) -> usize {
    let gaps = column(
        db,
        "SELECT workflow_run_id::text FROM workflow_outbox_events GROUP BY workflow_run_id
         HAVING min(sequence) <> 1 OR max(sequence) <> count(*)",
    )
    .await;
    assert_eq!(gaps, Vec::<String>::new(), "G7: sequences have no gaps");

    let mut delivered: HashMap<&str, u64> = HashMap::new();
    let mut repeated = 0;
    for line in sink.lines() {
        let mut words = line.split(' ');
        let (Some(run), Some(sequence)) = (words.next(), words.next()) else {
            panic!("not a delivery: {line}")
        };
        let sequence: u64 = sequence.parse().expect("a number");
        let last = delivered.entry(run).or_default();
        if sequence <= *last {
            repeated += 1;
            continue;
        }
        assert_eq!(sequence, *last + 1, "G7: first deliveries of run {run} are in order");
        *last = sequence;
    }
    let numbered = column(
        db,
        "SELECT workflow_run_id || ' ' || max(sequence) FROM workflow_outbox_events GROUP BY workflow_run_id",
    )
    .await;
    for row in &numbered {
        let (run, last) = row.split_once(' ').expect("two columns");
        assert_eq!(
            delivered.get(run).map(u64::to_string).as_deref(),
            Some(last),
            "G7: run {run} was delivered"
        );
    }
    repeated
}

/// Checks that each stage ran at least once, no attempt twice unless its worker returned the job to the queue, which does
/// not count as an attempt, and that the last attempt is the committed one.
async fn no_body_ran_after_its_commit(db: &mut PgConnection, ledger: &str, log: &str) -> usize {
    let returned: Vec<&str> =
        log.lines().filter(|line| line.contains("returns its job to the queue")).collect();
    let mut executed: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for line in ledger.lines() {
        let (stage, attempt) = line.rsplit_once(' ').expect("three words");
        executed.entry(stage).or_default().push(attempt.parse().expect("a number"));
    }
    let stages =
        column(db, "SELECT workflow_run_id || ' ' || stage_id || ' ' || attempt FROM workflow_stages").await;
    assert_eq!(stages.len(), executed.len(), "G2: every stage ran");
    let mut repeated = 0;
    for row in &stages {
        let (stage, attempt) = row.rsplit_once(' ').expect("three words");
        let mut ran = executed.remove(stage).unwrap_or_else(|| panic!("G2: {stage} never ran"));
        ran.sort_unstable();
        repeated += ran.len() - 1;
        let (run, id) = stage.split_once(' ').expect("two words");
        let returns =
            returned.iter().filter(|line| line.contains(run) && line.contains(&format!("\"{id}\"")));
        let again = ran.windows(2).filter(|pair| pair[0] == pair[1]).count();
        assert!(again <= returns.count(), "G4: an attempt of {stage} ran twice: {ran:?}");
        let last = ran.last().map(u64::to_string);
        assert_eq!(last.as_deref(), Some(attempt), "G4: {stage} ran after its commit: {ran:?}");
    }
    repeated
}

async fn column(db: &mut PgConnection, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(db).await.expect("a valid statement")
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
