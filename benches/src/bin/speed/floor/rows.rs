//! The rows of each operation, equal to the engine's.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::types::Uuid;

use super::shape::Shape;
use crate::Outcome;

/// The state of a run in progress.
pub struct Run {
    id: Uuid,
    sequence: i64,
    active: i64,
    /// For each stage, the number of predecessors that have not completed.
    waiting_on: Vec<i64>,
}

/// The rows of a run that one commit writes.
pub struct Operation {
    pub run: RunRow,
    /// All stages of a new run; the changed stages in later operations.
    pub stages: Vec<StageRow>,
    /// The claimed stages: a job is inserted for each.
    pub claimed: Vec<&'static str>,
    /// The completed stage: its job is deleted.
    pub done: Option<&'static str>,
    pub events: Vec<EventRow>,
}

pub struct RunRow {
    pub id: Uuid,
    /// Set for a new run.
    pub input: Option<String>,
    pub status: &'static str,
    pub sequence: i64,
    pub active: i64,
    pub waiting_on: i64,
    pub output: Option<String>,
}

pub struct StageRow {
    pub index: usize,
    pub status: &'static str,
    pub waiting_on: i64,
    pub output: Option<String>,
}

pub struct EventRow {
    sequence: i64,
    kind: &'static str,
    payload: String,
}

/// The row of an operation's events.
pub struct CommitRow {
    pub run: Uuid,
    pub first: i64,
    pub last: i64,
    pub cause: String,
    pub types: String,
    pub events: String,
    /// Set for a new run.
    pub input: Option<String>,
}

impl Operation {
    fn commit(&self) -> CommitRow {
        let list = |items: Vec<String>| format!("[{}]", items.join(","));
        let types = self.events.iter().map(|event| format!("\"{}\"", event.kind)).collect();
        let payloads = self.events.iter().map(|event| event.payload.clone()).collect();
        CommitRow {
            run: self.run.id,
            first: self.events.first().map_or(0, |event| event.sequence),
            last: self.run.sequence,
            cause: self.done.map_or_else(|| "run.create".to_owned(), |stage| format!("{stage}/1/1/1")),
            types: list(types),
            events: list(payloads),
            input: self.run.input.clone(),
        }
    }
}

impl Run {
    /// Creates a run with its first stage claimed.
    pub fn start(shape: &Shape, number: u64) -> Outcome<(Self, Operation)> {
        let mut run = Self {
            id: id(number)?,
            sequence: 0,
            active: 1,
            waiting_on: shape.stages.iter().map(|stage| stage.after).collect(),
        };
        let stages = shape.stages.iter().enumerate().map(|(index, stage)| StageRow {
            index,
            status: if stage.after == 0 { "RUNNING" } else { "PENDING" },
            waiting_on: stage.after,
            output: None,
        });
        let stages = stages.collect();
        let events = vec![
            run.event("workflow:created", format!(r#"{{"workflow_id":"{}"}}"#, shape.id)),
            run.event("workflow:started", "{}".to_owned()),
            run.started(shape, 0),
        ];
        let input = format!(r#"{{"run":{number}}}"#);
        let operation = Operation {
            run: run.row("RUNNING", Some(input), None),
            stages,
            claimed: vec![shape.stages[0].id],
            done: None,
            events,
        };
        Ok((run, operation))
    }

    /// Completes a stage. Returns the operation and the successors that become ready.
    pub fn complete(&mut self, shape: &Shape, index: usize, output: String) -> (Operation, Vec<usize>) {
        let stage = &shape.stages[index];
        self.active -= 1;
        let payload =
            format!(r#"{{"stage_id":"{}","stage_name":"{}","duration_ms":0}}"#, stage.id, stage.name);
        let mut events = vec![self.event("stage:completed", payload)];
        let is_last = stage.next.is_empty();
        let mut released = Vec::new();
        let mut stages = Vec::new();
        for &next in stage.next {
            self.waiting_on[next] -= 1;
            let is_ready = self.waiting_on[next] == 0;
            if is_ready {
                self.active += 1;
                released.push(next);
                events.push(self.started(shape, next));
            }
            let status = if is_ready { "RUNNING" } else { "PENDING" };
            stages.push(StageRow { index: next, status, waiting_on: self.waiting_on[next], output: None });
        }
        if is_last {
            events
                .push(self.event("workflow:completed", format!(r#"{{"duration_ms":1,"output":{output}}}"#)));
        }
        let run = if is_last {
            self.row("COMPLETED", None, Some(output.clone()))
        } else {
            self.row("RUNNING", None, None)
        };
        stages.push(StageRow { index, status: "COMPLETED", waiting_on: 0, output: Some(output) });
        let claimed = released.iter().map(|&next| shape.stages[next].id).collect();
        (Operation { run, stages, claimed, done: Some(stage.id), events }, released)
    }

    fn row(&self, status: &'static str, input: Option<String>, output: Option<String>) -> RunRow {
        RunRow {
            id: self.id,
            input,
            status,
            sequence: self.sequence,
            active: self.active,
            waiting_on: i64::from(output.is_none()),
            output,
        }
    }

    fn event(&mut self, kind: &'static str, payload: String) -> EventRow {
        self.sequence += 1;
        EventRow { sequence: self.sequence, kind, payload }
    }

    fn started(&mut self, shape: &Shape, index: usize) -> EventRow {
        let stage = &shape.stages[index];
        let payload = format!(
            r#"{{"stage_id":"{}","stage_name":"{}","stage_number":{},"attempt":1}}"#,
            stage.id,
            stage.name,
            index + 1
        );
        self.event("stage:started", payload)
    }
}

/// Returns a new id that sorts by age, like a `UUIDv7`.
fn id(number: u64) -> Outcome<Uuid> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(Uuid::from_u128((since.as_millis() << 80) | (7 << 76) | (2 << 62) | u128::from(number)))
}

/// Operations that share a commit. Each row is written once, with the values of the last operation.
#[derive(Default)]
pub struct Batch {
    pub new: Vec<RunRow>,
    pub updated: BTreeMap<Uuid, RunRow>,
    pub new_stages: Vec<(Uuid, StageRow)>,
    pub stages: BTreeMap<(Uuid, usize), StageRow>,
    pub claimed: Vec<(Uuid, &'static str)>,
    pub done: Vec<(Uuid, &'static str)>,
    pub commits: Vec<CommitRow>,
}

impl Batch {
    pub fn add(&mut self, operation: Operation) {
        let run = operation.run.id;
        self.commits.push(operation.commit());
        if operation.run.input.is_some() {
            self.new.push(operation.run);
            self.new_stages.extend(operation.stages.into_iter().map(|stage| (run, stage)));
        } else {
            self.updated.insert(run, operation.run);
            self.stages.extend(operation.stages.into_iter().map(|stage| ((run, stage.index), stage)));
        }
        self.claimed.extend(operation.claimed.into_iter().map(|stage| (run, stage)));
        self.done.extend(operation.done.map(|stage| (run, stage)));
    }
}
