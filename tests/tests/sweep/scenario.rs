//! What happens to one child.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;

use tests::sweep::points::{Armed, Reaction};
use tests::sweep::run::{LEASE, Order, Shape};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};
use tokio::time::timeout;
use workflow_engine::ports::Store;

/// A workflow, and what happens where.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub shape: Shape,
    pub armed: Option<Armed>,
}

/// What has become of it.
pub struct Outcome {
    pub scenario: Scenario,
    /// Whether the child has come to the point.
    pub struck: bool,
    /// How often it came to each point, where it lived to say so.
    pub reached: BTreeMap<String, usize>,
}

pub struct Child {
    process: tokio::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
    last: Option<String>,
    was_killed: bool,
}

impl Child {
    pub fn start(order: &Order) -> Self {
        let order = serde_json::to_string(order).expect("it is plain data");
        let mut process = Command::new(env!("CARGO_BIN_EXE_sweep_child"))
            .arg(order)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the child is built with this test");
        let lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        Self { process, lines, last: None, was_killed: false }
    }

    /// `false` where it ends before.
    pub async fn wait_until_struck(&mut self) -> bool {
        self.last = self.lines.next_line().await.expect("a pipe");
        self.last.as_deref() == Some("hit")
    }

    /// It stands at its point now, or has failed there.
    pub async fn react(&mut self, scenario: &Scenario, order: &Order, store: &Arc<dyn Store>) {
        match scenario.armed.as_ref().map(|armed| armed.reaction) {
            Some(Reaction::Kill) => {
                self.process.kill().await.expect("it is there");
                self.was_killed = true;
            }
            Some(Reaction::Pause) => {
                self.signal("-STOP").await;
                // Another process takes over as soon as the leases have run out, and waits where the sleeper holds a
                // lock of the database. Then the sleeper wakes, and knows of nothing.
                let engine = order.engine(Arc::clone(store)).await.expect("an engine");
                let _ = timeout(LEASE * 4, order.run(&engine)).await;
                self.signal("-CONT").await;
                let input = self.process.stdin.as_mut().expect("it is piped");
                input.write_all(b"go\n").await.expect("it is there");
                self.last = self.lines.next_line().await.expect("a pipe");
                engine.drain().await;
            }
            Some(Reaction::Fail) | None => {}
        }
    }

    /// Waits for its end; answers what it has reached.
    pub async fn end(mut self, scenario: &Scenario) -> BTreeMap<String, usize> {
        while let Some(line) = self.lines.next_line().await.expect("a pipe") {
            self.last = Some(line);
        }
        let status = self.process.wait().await.expect("it is ours");
        if self.was_killed {
            return BTreeMap::new();
        }
        assert!(status.success(), "{scenario:?}: the child has failed: {status}");
        let last = self.last.expect("it says what it has reached");
        serde_json::from_str(&last).unwrap_or_else(|error| panic!("{scenario:?}: `{last}`: {error}"))
    }

    async fn signal(&self, signal: &str) {
        let id = self.process.id().expect("it is there").to_string();
        let sent = Command::new("kill").args([signal, &id]).status().await.expect("every system has it");
        assert!(sent.success(), "kill {signal} {id}");
    }
}
