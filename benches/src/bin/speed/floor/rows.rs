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
    /// The stages that run, each with the microsecond at which it began.
    running: BTreeMap<usize, u128>,
}

/// The rows of a run that one commit writes.
pub struct Operation {
    pub run: RunRow,
    /// The completed stage.
    pub stage: Option<StageRow>,
    /// The stages of a new run.
    pub outline: Option<String>,
    pub cause: String,
    pub events: Vec<EventRow>,
}

pub struct RunRow {
    pub id: Uuid,
    /// Set for a new run.
    pub input: Option<String>,
    pub sequence: i64,
    pub active: i64,
    pub output: Option<String>,
    /// The stages that run, and the joins that are partly released.
    pub held: Option<String>,
}

pub struct StageRow {
    pub index: usize,
    pub output: String,
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
    /// Set for a new run, as is the input.
    pub outline: Option<String>,
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
            cause: self.cause.clone(),
            types: list(types),
            events: list(payloads),
            outline: self.outline.clone(),
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
            running: BTreeMap::from([(0, microseconds()?)]),
        };
        let stages = shape.stages.iter();
        let stages = stages
            .map(|stage| format!(r#"["{}",{},{},"{}"]"#, stage.id, stage.group, stage.after, stage.name));
        let outline = format!("[{}]", stages.collect::<Vec<_>>().join(","));
        let events = vec![
            run.event("workflow:created", format!(r#"{{"workflow_id":"{}"}}"#, shape.id)),
            run.event("workflow:started", "{}".to_owned()),
            run.started(shape, 0),
        ];
        let input = format!(r#"{{"run":{number}}}"#);
        let operation = Operation {
            run: run.row(shape, Some(input), None),
            stage: None,
            outline: Some(outline),
            cause: "run.create".to_owned(),
            events,
        };
        Ok((run, operation))
    }

    /// Completes a stage. Returns the operation and the successors that become ready.
    pub fn complete(
        &mut self,
        shape: &Shape,
        index: usize,
        output: String,
    ) -> Outcome<(Operation, Vec<usize>)> {
        let (stage, now) = (&shape.stages[index], microseconds()?);
        self.active -= 1;
        self.running.remove(&index);
        let payload =
            format!(r#"{{"stage_id":"{}","stage_name":"{}","duration_ms":0}}"#, stage.id, stage.name);
        let mut events = vec![self.event("stage:completed", payload)];
        let is_last = stage.next.is_empty();
        let mut released = Vec::new();
        for &next in stage.next {
            self.waiting_on[next] -= 1;
            let is_ready = self.waiting_on[next] == 0;
            if is_ready {
                self.active += 1;
                self.running.insert(next, now);
                released.push(next);
                events.push(self.started(shape, next));
            }
        }
        if is_last {
            events
                .push(self.event("workflow:completed", format!(r#"{{"duration_ms":1,"output":{output}}}"#)));
        }
        let run =
            if is_last { self.row(shape, None, Some(output.clone())) } else { self.row(shape, None, None) };
        let (cause, stage) = (format!("{}/1/1/1", stage.id), Some(StageRow { index, output }));
        Ok((Operation { run, stage, outline: None, cause, events }, released))
    }

    fn row(&self, shape: &Shape, input: Option<String>, output: Option<String>) -> RunRow {
        let running = self.running.iter();
        let mut held: Vec<String> = running
            .map(|(&stage, since)| format!(r#"["{}",{since},15000000,1,3]"#, shape.stages[stage].id))
            .collect();
        let joins = shape.stages.iter().zip(&self.waiting_on);
        let joins = joins.filter(|(stage, waiting_on)| (1..stage.after).contains(waiting_on));
        held.extend(joins.map(|(stage, waiting_on)| format!(r#"["{}",{waiting_on}]"#, stage.id)));
        RunRow {
            held: (!held.is_empty()).then(|| format!("[{}]", held.join(","))),
            id: self.id,
            input,
            sequence: self.sequence,
            active: self.active,
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

/// Returns the microseconds since 1970.
fn microseconds() -> Outcome<u128> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())
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
    pub stages: BTreeMap<(Uuid, usize), String>,
    pub commits: Vec<CommitRow>,
}

impl Batch {
    pub fn add(&mut self, operation: Operation) {
        let run = operation.run.id;
        self.commits.push(operation.commit());
        if operation.run.input.is_some() {
            self.new.push(operation.run);
        } else {
            self.updated.insert(run, operation.run);
        }
        self.stages.extend(operation.stage.map(|stage| ((run, stage.index), stage.output)));
    }
}
