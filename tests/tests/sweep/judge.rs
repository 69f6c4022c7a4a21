//! Trusts nothing that an engine says: reads the database with SQL of its own, what the sink has written, and the
//! ledger of the bodies.

use std::collections::HashMap;

use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use tests::sweep::run::{Order, delivered, ledger};

use crate::scenario::Scenario;

pub struct Judge {
    database: Connected,
}

enum Connected {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Judge {
    pub async fn open(order: &Order) -> Self {
        let database = match &order.schema {
            None => {
                let options = SqliteConnectOptions::new().filename(&order.database);
                let patient = options.busy_timeout(std::time::Duration::from_secs(60));
                Connected::Sqlite(patient.connect().await.expect("the file is there"))
            }
            Some(schema) => {
                let mut connection =
                    PgConnection::connect(&order.database).await.expect("the server is there");
                let path = AssertSqlSafe(format!("SET search_path = {schema}"));
                sqlx::raw_sql(path).execute(&mut connection).await.expect("the schema is there");
                Connected::Postgres(connection)
            }
        };
        Self { database }
    }

    /// As if half a minute had passed for whoever delivers events.
    pub async fn let_time_pass(&mut self) {
        match &mut self.database {
            Connected::Sqlite(db) => {
                sqlx::raw_sql("UPDATE plugin_deliveries SET due_at = 0").execute(db).await.map(|_| ())
            }
            Connected::Postgres(db) => {
                sqlx::raw_sql("UPDATE plugin_deliveries SET due_at = 'epoch'").execute(db).await.map(|_| ())
            }
        }
        .expect("the database is there");
    }

    /// The first column, as text.
    async fn column(&mut self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        match &mut self.database {
            Connected::Sqlite(db) => {
                let rows = sqlx::raw_sql(sql).fetch_all(db).await.expect("the database is there");
                rows.iter().map(|row| row.get(0)).collect()
            }
            Connected::Postgres(db) => {
                let rows = sqlx::raw_sql(sql).fetch_all(db).await.expect("the database is there");
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// Looks at the run of this order.
    pub async fn look(&mut self, scenario: &Scenario, order: &Order) {
        let key = order.key();
        let keyed = format!("SELECT CAST(workflow_run_id AS text) FROM idempotency_keys WHERE key = '{key}'");
        let runs = self.column(&keyed).await;
        let [run] = &runs[..] else { panic!("{scenario:?}: its key has the runs {runs:?}") };

        let of_run = |what: &str, table: &str, id: &str| {
            format!("SELECT {what} FROM {table} WHERE CAST({id} AS text) = '{run}'")
        };
        let statuses = self.column(&of_run("status", "workflow_runs", "id")).await;
        assert_eq!(statuses, ["COMPLETED"], "{scenario:?}: the run has ended well");
        let others = "SELECT CAST(id AS text) FROM workflow_runs
                      WHERE id NOT IN (SELECT workflow_run_id FROM idempotency_keys) OR completed_at IS NULL";
        let others = self.column(others).await;
        assert!(
            others.is_empty(),
            "{scenario:?}: runs that nobody asked for, or that are not over: {others:?}"
        );
        let jobs = self.column(&of_run("stage_id", "job_queue", "workflow_run_id")).await;
        assert!(jobs.is_empty(), "{scenario:?}: jobs are left: {jobs:?}");
        let open = of_run("stage_id", "workflow_stages", "workflow_run_id") + " AND status <> 'COMPLETED'";
        assert!(self.column(&open).await.is_empty(), "{scenario:?}: a stage is open");

        let sequences = of_run("CAST(sequence AS text)", "outbox_events", "workflow_run_id")
            + " ORDER BY outbox_events.sequence";
        let sequences = self.column(&sequences).await;
        let gapless = (1..=sequences.len()).map(|number| number.to_string());
        assert!(
            gapless.eq(sequences.iter().cloned()),
            "{scenario:?}: the sequences have a gap: {sequences:?}"
        );
        let ended =
            of_run("payload", "outbox_events", "workflow_run_id") + " AND event_type = 'stage:completed'";
        let mut completed: Vec<String> =
            self.column(&ended).await.iter().map(|text| stage_of(text)).collect();
        completed.sort_unstable();
        assert_eq!(completed, order.shape.stages(), "{scenario:?}: each stage is committed once");

        let executed = lines(&ledger(&order.folder), run);
        for stage in order.shape.stages() {
            assert!(executed.iter().any(|line| line.starts_with(stage)), "{scenario:?}: `{stage}` never ran");
        }
        look_at_deliveries(scenario, order, run, &sequences);
    }
}

/// Each event at least once; first deliveries in order.
fn look_at_deliveries(scenario: &Scenario, order: &Order, run: &str, sequences: &[String]) {
    let mut first = HashMap::new();
    for (position, sequence) in lines(&delivered(&order.folder), run).into_iter().enumerate() {
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
    let payload: serde_json::Value = serde_json::from_str(payload).expect("it is JSON");
    payload["stage_id"].as_str().expect("it names its stage").to_owned()
}

/// What the lines of a file say about a run.
fn lines(file: &std::path::Path, run: &str) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let of_run = text.lines().filter_map(|line| line.strip_prefix(run));
    of_run.map(|line| line.trim_start().to_owned()).collect()
}
