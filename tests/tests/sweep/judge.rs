//! Checks the result of a run without the engine: it reads the database with its own SQL, the file of the sink, and the
//! ledger of the bodies.

use std::collections::HashMap;
use std::path::Path;

use tests::stored::{self, Database};
use tests::sweep::points::Reaction;
use tests::sweep::run::{ChildConfig, Shape, delivered, handled, ledger};

use crate::scenario::Scenario;

pub struct Judge {
    database: Database,
}

/// A lease on a stage.
#[derive(Clone, Debug)]
pub struct HeldLease {
    run: String,
    stage: String,
    /// In microseconds.
    until: i64,
}

impl HeldLease {
    fn parse(row: &str) -> Self {
        let mut columns = row.split(' ').map(str::to_owned);
        let mut next = || columns.next().expect("three columns");
        let (run, stage) = (next(), next());
        Self { run, stage, until: next().parse().expect("a number") }
    }
}

impl Judge {
    pub async fn open(config: &ChildConfig) -> Self {
        Self { database: Database::open(&config.database, config.schema.as_deref()).await }
    }

    /// Checks the rows of all runs, as they are now.
    pub async fn check_rows(&mut self) {
        stored::check(&mut self.database).await;
    }

    /// Waits until every event is delivered to every subscriber.
    pub async fn wait_for_deliveries(&mut self) {
        let pending = "SELECT 'pending' FROM workflow_plugin_deliveries
                       UNION ALL SELECT 'unpublished' FROM workflow_commits WHERE published_at IS NULL";
        while !self.database.column(pending).await.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    /// Creates the table of the bookings.
    pub async fn create_bookings(&mut self, config: &ChildConfig) {
        self.database.run(&format!("CREATE TABLE {} (run TEXT, stage TEXT)", config.bookings())).await;
    }

    /// Makes all deliveries due, as if the leases of their flushers had expired.
    pub async fn expire_deliveries(&mut self) {
        let epoch = if matches!(self.database, Database::Sqlite(_)) { "0" } else { "'epoch'" };
        self.database.run(&format!("UPDATE workflow_plugin_deliveries SET due_at = {epoch}")).await;
    }

    /// Returns the ends of the leases that a worker holds, by run and stage, in microseconds.
    pub async fn leases(&mut self, worker: &str) -> Vec<HeldLease> {
        let until = self.database.micros("leased_until");
        let sql = format!(
            "SELECT CAST(workflow_run_id AS text) || ' ' || stage_id || ' ' || CAST({until} AS text)
             FROM workflow_leases WHERE worker_id = '{worker}'"
        );
        let rows = self.database.column(&sql).await;
        rows.iter().map(|row| HeldLease::parse(row)).collect()
    }

    /// Checks that these leases, of a worker that was killed, were taken over, and none of them before its end. The
    /// judge has read them before; the ends can only have grown since.
    pub async fn check_ends(&mut self, scenario: &Scenario, leases: &[HeldLease]) {
        let at = self.database.micros("occurred_at");
        for HeldLease { run, stage, until } in leases {
            let sql = format!(
                "SELECT CAST({at} AS text) FROM workflow_outbox_events WHERE event_type = 'stage:retrying'
                 AND CAST(workflow_run_id AS text) = '{run}' AND payload LIKE '%\"{stage}\"%'"
            );
            let taken = self.database.column(&sql).await;
            assert!(!taken.is_empty(), "{scenario:?}: the lease on `{stage}` was not taken over");
            for at in taken {
                let at: i64 = at.parse().expect("a number");
                assert!(at >= *until, "{scenario:?}: `{stage}` was taken at {at}, its lease ends at {until}");
            }
        }
    }

    /// Checks the run of this configuration.
    pub async fn check(&mut self, scenario: &Scenario, config: &ChildConfig) {
        let key = config.key();
        let keyed = format!(
            "SELECT CAST(workflow_run_id AS text) FROM workflow_idempotency_keys WHERE key = '{key}'"
        );
        let runs = self.database.column(&keyed).await;
        let [run] = &runs[..] else { panic!("{scenario:?}: its key has the runs {runs:?}") };

        let of_run = |what: &str, table: &str, id: &str| {
            format!("SELECT {what} FROM {table} WHERE CAST({id} AS text) = '{run}'")
        };
        let statuses = self.database.column(&of_run("status", "workflow_runs", "id")).await;
        assert_eq!(statuses, ["COMPLETED"], "{scenario:?}: the run has completed");
        let others = "SELECT CAST(id AS text) FROM workflow_runs
                      WHERE id NOT IN (SELECT workflow_run_id FROM workflow_idempotency_keys) AND parent_run_id IS NULL
                      OR completed_at IS NULL";
        let others = self.database.column(others).await;
        assert!(others.is_empty(), "{scenario:?}: there are unrequested or unfinished runs: {others:?}");
        let children = self.database.column(&of_run("status", "workflow_runs", "parent_run_id")).await;
        assert_eq!(
            children,
            vec!["COMPLETED"; config.shape.children()],
            "{scenario:?}: each child runs once"
        );
        let jobs = self.database.column(&of_run("stage_id", "workflow_job_queue", "workflow_run_id")).await;
        assert!(jobs.is_empty(), "{scenario:?}: jobs are left: {jobs:?}");
        let stages = of_run("stage_id", "workflow_stages", "workflow_run_id");
        let open = self
            .database
            .column(&format!("{stages} AND status NOT IN ('COMPLETED', 'SKIPPED', 'FAILED')"))
            .await;
        assert!(open.is_empty(), "{scenario:?}: a stage has not completed: {open:?}");
        let failed = self.database.column(&format!("{stages} AND status = 'FAILED'")).await;
        let expected = Vec::from_iter(config.shape.failed(config.number));
        assert_eq!(failed, expected, "{scenario:?}: a failure that was caught, and no other one");
        let skipped = self.database.column(&format!("{stages} AND status = 'SKIPPED'")).await;
        let expected = Vec::from_iter(config.shape.skipped(config.number));
        assert_eq!(skipped, expected, "{scenario:?}: the other arm is skipped");

        let sequences = of_run("CAST(sequence AS text)", "workflow_outbox_events", "workflow_run_id")
            + " ORDER BY workflow_outbox_events.sequence";
        let sequences = self.database.column(&sequences).await;
        let gapless = (1..=sequences.len()).map(|number| number.to_string());
        assert!(
            gapless.eq(sequences.iter().cloned()),
            "{scenario:?}: the sequences have a gap: {sequences:?}"
        );
        let ended = of_run("payload", "workflow_outbox_events", "workflow_run_id")
            + " AND event_type = 'stage:completed'";
        let mut completed: Vec<String> =
            self.database.column(&ended).await.iter().map(|text| stage_of(text)).collect();
        completed.sort_unstable();
        let mut expected = config.shape.stages(config.number);
        expected.retain(|stage| config.shape.failed(config.number) != Some(stage));
        assert_eq!(completed, expected, "{scenario:?}: each stage is committed once");
        let booked = format!("SELECT stage FROM {} WHERE run = '{run}' ORDER BY stage", config.bookings());
        let booked = self.database.column(&booked).await;
        assert_eq!(
            booked,
            config.shape.booked(),
            "{scenario:?}: the statements of a stage are committed once"
        );

        let executed = lines(&ledger(&config.folder), run);
        for stage in config.shape.stages(config.number) {
            let is_child = stage == "doubling";
            assert!(
                is_child || executed.iter().any(|line| line.starts_with(stage)),
                "{scenario:?}: `{stage}` never ran"
            );
        }
        check_deliveries(scenario, &delivered(&config.folder), run, &sequences);
        if config.shape == Shape::Delivering {
            check_deliveries(scenario, &handled(&config.folder), run, &sequences);
        }
        let signals = "number || ' ' || CASE WHEN consumed_at IS NULL THEN 'kept' ELSE 'consumed' END";
        let signals = of_run(signals, "workflow_signals", "workflow_run_id") + " ORDER BY number";
        let signals = self.database.column(&signals).await;
        assert_eq!(signals, config.shape.signals(), "{scenario:?}: one signal for each key, and one winner");
        let signalled = of_run("payload", "workflow_outbox_events", "workflow_run_id")
            + " AND event_type = 'stage:signalled'";
        let signalled = self.database.column(&signalled).await;
        assert_eq!(signalled.len(), signals.len(), "{scenario:?}: one event for each signal");
        if config.reaction().is_some_and(Reaction::is_steady) {
            self.check_undisturbed(scenario, config, run).await;
        }
    }

    /// Checks that nothing was lost of a run whose process has lived on.
    async fn check_undisturbed(&mut self, scenario: &Scenario, config: &ChildConfig, run: &str) {
        let lost = format!(
            "SELECT payload FROM workflow_outbox_events WHERE CAST(workflow_run_id AS text) = '{run}'
             AND event_type IN ('stage:retrying', 'stage:returned', 'stage:failed')"
        );
        let lost = self.database.column(&lost).await;
        assert!(lost.is_empty(), "{scenario:?}: an attempt was lost: {lost:?}");
        let mut executed = lines(&ledger(&config.folder), run);
        executed.sort_unstable();
        let once: Vec<_> =
            config.shape.stages(config.number).iter().map(|stage| format!("{stage} 1")).collect();
        assert_eq!(executed, once, "{scenario:?}: each stage was executed once");
    }
}

/// Checks that each event was delivered at least once, and that the first deliveries are in order.
fn check_deliveries(scenario: &Scenario, file: &Path, run: &str, sequences: &[String]) {
    let mut first = HashMap::new();
    for (position, sequence) in lines(file, run).into_iter().enumerate() {
        first.entry(sequence).or_insert(position);
    }
    let positions: Vec<_> = sequences.iter().map(|sequence| first.get(sequence)).collect();
    assert!(
        positions.iter().all(Option::is_some),
        "{scenario:?}: an event was never delivered: {positions:?}"
    );
    assert!(positions.is_sorted(), "{scenario:?}: first deliveries are out of order: {positions:?}");
}

fn stage_of(payload: &str) -> String {
    let payload: serde_json::Value = serde_json::from_str(payload).expect("valid JSON");
    payload["stage_id"].as_str().expect("the event names its stage").to_owned()
}

/// Returns the lines of a file about a run, without its id.
fn lines(file: &Path, run: &str) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let of_run = text.lines().filter_map(|line| line.strip_prefix(run));
    of_run.map(|line| line.trim_start().to_owned()).collect()
}
