//! Checks the result of a run without the engine: it reads the database with its own SQL, the file of the sink, and the
//! ledger of the bodies.

use std::collections::HashMap;

use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use tests::sweep::run::{ChildConfig, delivered, ledger};

use crate::scenario::Scenario;

pub struct Judge {
    database: Connected,
}

enum Connected {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Judge {
    pub async fn open(config: &ChildConfig) -> Self {
        let database = match &config.schema {
            None => {
                let options = SqliteConnectOptions::new().filename(&config.database);
                let options = options.busy_timeout(std::time::Duration::from_secs(60));
                Connected::Sqlite(options.connect().await.expect("the file exists"))
            }
            Some(schema) => {
                let mut connection =
                    PgConnection::connect(&config.database).await.expect("the server is running");
                let path = AssertSqlSafe(format!("SET search_path = {schema}"));
                sqlx::raw_sql(path).execute(&mut connection).await.expect("the schema exists");
                Connected::Postgres(connection)
            }
        };
        Self { database }
    }

    /// Makes all deliveries due, as if the leases of their flushers had expired.
    pub async fn expire_deliveries(&mut self) {
        match &mut self.database {
            Connected::Sqlite(db) => sqlx::raw_sql("UPDATE workflow_plugin_deliveries SET due_at = 0")
                .execute(db)
                .await
                .map(|_| ()),
            Connected::Postgres(db) => {
                sqlx::raw_sql("UPDATE workflow_plugin_deliveries SET due_at = 'epoch'")
                    .execute(db)
                    .await
                    .map(|_| ())
            }
        }
        .expect("the database is available");
    }

    /// Returns the first column of a result as text.
    async fn column(&mut self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        match &mut self.database {
            Connected::Sqlite(db) => {
                let rows = sqlx::raw_sql(sql).fetch_all(db).await.expect("the database is available");
                rows.iter().map(|row| row.get(0)).collect()
            }
            Connected::Postgres(db) => {
                let rows = sqlx::raw_sql(sql).fetch_all(db).await.expect("the database is available");
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// Checks the run of this configuration.
    pub async fn check(&mut self, scenario: &Scenario, config: &ChildConfig) {
        let key = config.key();
        let keyed = format!(
            "SELECT CAST(workflow_run_id AS text) FROM workflow_idempotency_keys WHERE key = '{key}'"
        );
        let runs = self.column(&keyed).await;
        let [run] = &runs[..] else { panic!("{scenario:?}: its key has the runs {runs:?}") };

        let of_run = |what: &str, table: &str, id: &str| {
            format!("SELECT {what} FROM {table} WHERE CAST({id} AS text) = '{run}'")
        };
        let statuses = self.column(&of_run("status", "workflow_runs", "id")).await;
        assert_eq!(statuses, ["COMPLETED"], "{scenario:?}: the run has completed");
        let others = "SELECT CAST(id AS text) FROM workflow_runs
                      WHERE id NOT IN (SELECT workflow_run_id FROM workflow_idempotency_keys) OR completed_at IS NULL";
        let others = self.column(others).await;
        assert!(others.is_empty(), "{scenario:?}: there are unrequested or unfinished runs: {others:?}");
        let jobs = self.column(&of_run("stage_id", "workflow_job_queue", "workflow_run_id")).await;
        assert!(jobs.is_empty(), "{scenario:?}: jobs are left: {jobs:?}");
        let stages = of_run("stage_id", "workflow_stages", "workflow_run_id");
        let open = self.column(&format!("{stages} AND status NOT IN ('COMPLETED', 'SKIPPED')")).await;
        assert!(open.is_empty(), "{scenario:?}: a stage has not completed: {open:?}");
        let skipped = self.column(&format!("{stages} AND status = 'SKIPPED'")).await;
        let expected = Vec::from_iter(config.shape.skipped(config.number));
        assert_eq!(skipped, expected, "{scenario:?}: the other arm is skipped");

        let sequences = of_run("CAST(sequence AS text)", "workflow_outbox_events", "workflow_run_id")
            + " ORDER BY workflow_outbox_events.sequence";
        let sequences = self.column(&sequences).await;
        let gapless = (1..=sequences.len()).map(|number| number.to_string());
        assert!(
            gapless.eq(sequences.iter().cloned()),
            "{scenario:?}: the sequences have a gap: {sequences:?}"
        );
        let ended = of_run("payload", "workflow_outbox_events", "workflow_run_id")
            + " AND event_type = 'stage:completed'";
        let mut completed: Vec<String> =
            self.column(&ended).await.iter().map(|text| stage_of(text)).collect();
        completed.sort_unstable();
        assert_eq!(
            completed,
            config.shape.stages(config.number),
            "{scenario:?}: each stage is committed once"
        );

        let executed = lines(&ledger(&config.folder), run);
        for stage in config.shape.stages(config.number) {
            assert!(executed.iter().any(|line| line.starts_with(stage)), "{scenario:?}: `{stage}` never ran");
        }
        check_deliveries(scenario, config, run, &sequences);
    }
}

/// Checks that each event was delivered at least once, and that the first deliveries are in order.
fn check_deliveries(scenario: &Scenario, config: &ChildConfig, run: &str, sequences: &[String]) {
    let mut first = HashMap::new();
    for (position, sequence) in lines(&delivered(&config.folder), run).into_iter().enumerate() {
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
fn lines(file: &std::path::Path, run: &str) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let of_run = text.lines().filter_map(|line| line.strip_prefix(run));
    of_run.map(|line| line.trim_start().to_owned()).collect()
}
