//! Runs one scenario after the other on one database.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tests::postgres::Schema;
use tests::sweep::run::{ChildConfig, Shape};
use tokio::time::timeout;
use workflow_engine::kernel::FlushOutbox;
use workflow_engine::ports::Store;

use crate::judge::Judge;
use crate::scenario::{Child, Outcome, Scenario};

/// The kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// The limit for one scenario, longer than any takes on the slowest machine: some last for three leases of ten seconds.
const TIMEOUT: Duration = Duration::from_secs(180);

pub struct Lane {
    config: ChildConfig,
    /// The store of the engines that finish the runs.
    store: Arc<dyn Store>,
    judge: Judge,
    next: u64,
    _folder: TempDir,
    _schema: Option<Schema>,
}

impl Lane {
    pub async fn open(database: Database, number: usize, shape: Shape) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path: PathBuf = folder.path().to_owned();
        let file = path.join("sweep.db").to_str().expect("a temporary path is text").to_owned();
        let schema = (database == Database::Postgres).then(Schema::new);
        let config = ChildConfig {
            database: schema.as_ref().map_or(file, |schema| schema.url().to_owned()),
            schema: schema.as_ref().map(|schema| schema.name().to_owned()),
            folder: path,
            shape,
            number: 0,
            armed: None,
        };
        let store = config.open().await.expect("a new database");
        // Registers the subscribers: where a child is paused, it may hold the lock that a registration needs.
        config.engine(Arc::clone(&store)).await.expect("an engine").drain().await;
        let mut judge = Judge::open(&config).await;
        judge.create_bookings(&config).await;
        Self { config, store, judge, next: 1_000 * number as u64, _folder: folder, _schema: schema }
    }

    /// Starts a child that runs until its armed point, finishes its run with another engine, and has the judge check
    /// the result.
    pub async fn execute(&mut self, scenario: &Scenario) -> Outcome {
        self.next += 1;
        // A failure is caught where the number is odd, and signals come before the wait where it is even.
        let parity = match scenario.shape {
            Shape::Catching | Shape::Expiring => 1,
            Shape::Early => 0,
            _ => self.next % 2,
        };
        let config = ChildConfig {
            shape: scenario.shape,
            number: 2 * self.next + parity,
            armed: scenario.armed.clone(),
            ..self.config.clone()
        };
        let executed = timeout(TIMEOUT, self.try_execute(scenario, &config)).await;
        executed.unwrap_or_else(|_| panic!("{scenario:?}: the scenario timed out"))
    }

    async fn try_execute(&mut self, scenario: &Scenario, config: &ChildConfig) -> Outcome {
        let mut child = Child::start(config);
        let hit = child.wait_for_hit().await;
        if hit {
            child.react(scenario, config, &self.store, &mut self.judge).await;
        }
        let reached = child.end(scenario).await;
        // A killed child renews them no longer, and no other process knows that.
        let unseen = self.judge.leases(&config.worker()).await;
        self.judge.check_rows().await;

        let waits_for_deliveries = config.shape == Shape::Delivering;
        if !waits_for_deliveries {
            // The child's flusher has ended, and refused events are due again.
            self.judge.expire_deliveries().await;
        }
        let engine = config.engine(Arc::clone(&self.store)).await.expect("an engine");
        let output = config.run(&engine).await.unwrap_or_else(|error| panic!("{scenario:?}: {error}"));
        assert_eq!(output, config.shape.expected(config.number), "{scenario:?}: its output");
        if waits_for_deliveries {
            // They are under leases of an hour, and taken over from a process that has ended.
            self.judge.wait_for_deliveries().await;
        }
        engine.drain().await;
        self.judge.expire_deliveries().await;
        let flush = || FlushOutbox { worker_id: "last".into(), limit: 1_000, plugin: None };
        while engine.dispatch(flush()).await.expect("a database").published > 0 {}
        self.judge.check(scenario, config).await;
        self.judge.check_ends(scenario, &unseen).await;
        self.judge.check_rows().await;
        Outcome { scenario: scenario.clone(), hit, reached }
    }
}
