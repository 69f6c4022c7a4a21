//! Runs one child process with one reaction.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};
use tests::sweep::points::{Armed, Reaction};
use tests::sweep::run::{ChildConfig, LEASE, Shape};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};
use tokio::time::timeout;
use workflow_engine::ports::Store;

use crate::judge::Judge;

/// The distance between the number of a run and that of an unrelated one in the same database.
const UNRELATED: u64 = 500_000;

/// A workflow, and the reaction at one point.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub shape: Shape,
    pub armed: Option<Armed>,
}

/// The result of a scenario.
pub struct Outcome {
    pub scenario: Scenario,
    /// Whether the child has reached the armed point.
    pub hit: bool,
    /// How often it reached each point; empty if it was killed.
    pub reached: BTreeMap<String, usize>,
}

pub struct Child {
    process: tokio::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
    last: Option<String>,
    was_killed: bool,
}

impl Child {
    pub fn start(config: &ChildConfig) -> Self {
        let config = serde_json::to_string(config).expect("plain data");
        let mut process = Command::new(env!("CARGO_BIN_EXE_sweep_child"))
            .arg(config)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the child is built with this test");
        let lines = BufReader::new(process.stdout.take().expect("stdio is piped")).lines();
        Self { process, lines, last: None, was_killed: false }
    }

    /// Waits until the child reaches its point; returns `false` if it ends before.
    pub async fn wait_for_hit(&mut self) -> bool {
        self.last = self.lines.next_line().await.expect("a pipe");
        self.last.as_deref() == Some("hit")
    }

    /// Kills or pauses the child, which waits at its point.
    pub async fn react(
        &mut self,
        scenario: &Scenario,
        config: &ChildConfig,
        store: &Arc<dyn Store>,
        judge: &mut Judge,
    ) {
        match scenario.armed.as_ref().map(|armed| armed.reaction) {
            Some(Reaction::Kill | Reaction::KillUnseen) => {
                self.kill().await;
            }
            Some(Reaction::Pause) => {
                self.signal("-STOP").await;
                // Another engine takes over when the leases have expired, and waits if the paused process holds a lock
                // of the database. Then the paused process continues, unaware of all this.
                let engine = config.engine(Arc::clone(store)).await.expect("an engine");
                let _ = timeout(LEASE * 4, config.run(&engine)).await;
                self.signal("-CONT").await;
                self.go().await;
                self.last = self.lines.next_line().await.expect("a pipe");
                engine.drain().await;
            }
            Some(Reaction::CutOff) => {
                // The child lives and cannot renew its leases. Another engine finishes the run when they have expired.
                let engine = config.engine(Arc::clone(store)).await.expect("an engine");
                config.run(&engine).await.unwrap_or_else(|error| panic!("{scenario:?}: {error}"));
                self.go().await;
                engine.drain().await;
            }
            Some(Reaction::Hold) => {
                let engine = config.engine(Arc::clone(store)).await.expect("an engine");
                self.wait_for("renewed", scenario).await;
                assert_eq!(judge.leases(&config.worker()).await.len(), 1, "{scenario:?}: it holds its lease");
                self.go().await;
                self.end_of_run(scenario).await;
                engine.drain().await;
            }
            Some(Reaction::Lock) => {
                let mut lock = TableLock::take(config).await;
                let engine = config.engine(Arc::clone(store)).await.expect("an engine");
                self.go().await;
                lock.wait_for_waiter().await;
                // An unrelated run ends while the lock is held.
                let number = config.number + UNRELATED;
                let unrelated = ChildConfig { shape: Shape::Choosing, number, ..config.clone() };
                let output =
                    unrelated.run(&engine).await.unwrap_or_else(|error| panic!("{scenario:?}: {error}"));
                assert_eq!(output, unrelated.shape.expected(number), "{scenario:?}: the unrelated run");
                self.wait_for("renewed", scenario).await;
                lock.wait_for_waiter().await;
                lock.release().await;
                self.end_of_run(scenario).await;
                engine.drain().await;
            }
            Some(
                Reaction::Fail
                | Reaction::Abandon
                | Reaction::DropEngine
                | Reaction::EndRuntime
                | Reaction::ShutDown,
            )
            | None => {}
        }
    }

    /// Waits until the child ends; returns how often it has reached each point.
    pub async fn end(mut self, scenario: &Scenario) -> BTreeMap<String, usize> {
        while let Some(line) = self.lines.next_line().await.expect("a pipe") {
            self.last = Some(line);
        }
        let status = self.process.wait().await.expect("a child of this process");
        if self.was_killed {
            return BTreeMap::new();
        }
        assert!(status.success(), "{scenario:?}: the child has failed: {status}");
        let last = self.last.expect("the child prints its counts");
        serde_json::from_str(&last).unwrap_or_else(|error| panic!("{scenario:?}: `{last}`: {error}"))
    }

    /// Kills the child.
    pub async fn kill(&mut self) {
        self.process.kill().await.expect("the child is running");
        self.was_killed = true;
    }

    /// Lets the child continue.
    async fn go(&mut self) {
        let input = self.process.stdin.as_mut().expect("stdio is piped");
        input.write_all(b"go\n").await.expect("the child is running");
    }

    /// Waits for a line of the child.
    async fn wait_for(&mut self, line: &str, scenario: &Scenario) {
        let next = self.lines.next_line().await.expect("a pipe");
        assert_eq!(next.as_deref(), Some(line), "{scenario:?}");
    }

    /// Waits for the line with which the child ends.
    async fn end_of_run(&mut self, scenario: &Scenario) {
        self.last = self.lines.next_line().await.expect("a pipe");
        assert!(self.last.is_some(), "{scenario:?}: the child has failed");
    }

    async fn signal(&self, signal: &str) {
        let id = self.process.id().expect("the child is running").to_string();
        let sent = Command::new("kill").args([signal, &id]).status().await.expect("`kill` is installed");
        assert!(sent.success(), "kill {signal} {id}");
    }
}

/// A lock of another program on the table of the bookings, as `CREATE INDEX` takes it.
struct TableLock {
    session: PgConnection,
    table: String,
}

impl TableLock {
    async fn take(config: &ChildConfig) -> Self {
        let mut session = PgConnection::connect(&config.database).await.expect("the server is running");
        let table = config.bookings();
        let lock = AssertSqlSafe(format!("BEGIN; LOCK TABLE {table} IN SHARE MODE"));
        sqlx::raw_sql(lock).execute(&mut session).await.expect("the table exists");
        Self { session, table }
    }

    /// Waits until a session waits for the lock.
    async fn wait_for_waiter(&mut self) {
        let waiting = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = $1::regclass";
        let is_awaited = || sqlx::query_scalar::<_, bool>(waiting).bind(&self.table);
        while !is_awaited().fetch_one(&mut self.session).await.expect("the server is running") {
            tokio::task::yield_now().await;
        }
    }

    async fn release(mut self) {
        sqlx::raw_sql("ROLLBACK").execute(&mut self.session).await.expect("the server is running");
    }
}
