//! A database, and one scenario after another on it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tests::postgres::Schema;
use tests::sweep::run::Order;
use tokio::time::timeout;
use workflow_engine::kernel::FlushOutbox;
use workflow_engine::ports::Store;

use crate::judge::Judge;
use crate::scenario::{Child, Outcome, Scenario};

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// Longer than anything takes on the slowest machine.
const TIMEOUT: Duration = Duration::from_secs(60);

pub struct Lane {
    order: Order,
    /// Of the engines that come after the children.
    store: Arc<dyn Store>,
    judge: Judge,
    next: u64,
    _folder: TempDir,
    _schema: Option<Schema>,
}

impl Lane {
    pub async fn open(database: Database, number: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path: PathBuf = folder.path().to_owned();
        let file = path.join("sweep.db").to_str().expect("a temporary path is text").to_owned();
        let schema = (database == Database::Postgres).then(Schema::new);
        let order = Order {
            database: schema.as_ref().map_or(file, |schema| schema.url().to_owned()),
            schema: schema.as_ref().map(|schema| schema.name().to_owned()),
            folder: path,
            shape: tests::sweep::run::Shape::Chain,
            number: 0,
            armed: None,
        };
        let store = order.open().await.expect("a new database");
        let judge = Judge::open(&order).await;
        Self { order, store, judge, next: 1_000 * number as u64, _folder: folder, _schema: schema }
    }

    /// A child works until something happens to it; others bring its run to an end; the judge looks at what is left.
    pub async fn execute(&mut self, scenario: &Scenario) -> Outcome {
        self.next += 1;
        let order = Order {
            shape: scenario.shape,
            number: self.next,
            armed: scenario.armed.clone(),
            ..self.order.clone()
        };
        let carried_out = timeout(TIMEOUT, self.try_to(scenario, &order)).await;
        carried_out.unwrap_or_else(|_| panic!("{scenario:?}: it takes for ever"))
    }

    async fn try_to(&mut self, scenario: &Scenario, order: &Order) -> Outcome {
        let mut child = Child::start(order);
        let struck = child.wait_until_struck().await;
        if struck {
            child.react(scenario, order, &self.store).await;
        }
        let reached = child.end(scenario).await;

        // Half a minute later: nobody is left who delivers, and what was refused is offered again.
        self.judge.let_time_pass().await;
        let engine = order.engine(Arc::clone(&self.store)).await.expect("an engine");
        let output = order.run(&engine).await.unwrap_or_else(|error| panic!("{scenario:?}: {error}"));
        assert_eq!(output, order.shape.expected(order.number), "{scenario:?}: its output");
        engine.drain().await;
        self.judge.let_time_pass().await;
        let flush = || FlushOutbox { worker_id: "last".into(), limit: 1_000, plugin: None };
        while engine.dispatch(flush()).await.expect("a database").published > 0 {}
        self.judge.look(scenario, order).await;
        Outcome { scenario: scenario.clone(), struck, reached }
    }
}
