//! The rows of runs, stages, jobs and commits, as they are in the tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

use super::database::{Column, Database};

/// A row of `workflow_runs`.
#[derive(Debug, Deserialize)]
pub struct RunRow {
    pub id: String,
    pub definition_fingerprint: String,
    pub status: String,
    pub generation: i64,
    pub last_sequence: i64,
    pub waiting_on: i64,
    pub active: i64,
    pub suspended: i64,
    pub completed_at: Option<i64>,
    pub owner: Option<String>,
    held: Option<String>,
    pub held_until: Option<i64>,
    pub outline_sequence: Option<i64>,
}

/// A row of `workflow_stage_rows`.
#[derive(Debug, Deserialize)]
pub struct StageRow {
    workflow_run_id: String,
    /// The key of the stage, once [`Rows::read`] has added the place: `embed[17]`.
    pub stage_id: String,
    place: String,
    pub generation: i64,
    pub status: String,
    pub attempt: i64,
    pub waiting_on: i64,
}

/// A row of `workflow_job_queue`.
#[derive(Debug, Deserialize)]
pub struct JobRow {
    workflow_run_id: String,
    /// The key of the stage, as that of a [`StageRow`].
    pub stage_id: String,
    place: String,
    pub generation: i64,
    pub status: String,
    pub attempt: i64,
    pub lease_epoch: i64,
    pub worker_id: Option<String>,
    pub leased_until: Option<i64>,
}

/// A row of `workflow_commits`.
#[derive(Debug, Deserialize)]
pub struct CommitRow {
    workflow_run_id: String,
    pub sequence: i64,
    pub last_sequence: i64,
    pub occurred_at: i64,
    event_types: String,
    events: String,
    outline: Option<String>,
}

/// A row of `workflow_definitions`.
#[derive(Debug, Deserialize)]
struct DefinitionRow {
    fingerprint: String,
    description: String,
}

/// Everything that is read.
#[derive(Default)]
pub struct Rows {
    pub runs: Vec<RunRow>,
    stages: BTreeMap<String, Vec<StageRow>>,
    jobs: BTreeMap<String, Vec<JobRow>>,
    commits: BTreeMap<String, Vec<CommitRow>>,
    definitions: BTreeMap<String, Value>,
}

/// An entry of the column `held`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Waiting { remaining: i64 },
    Held { since: i64, length: i64 },
}

/// A stage of an outline: its id and the number of its predecessors.
pub type OutlineStage = (String, i64);

/// A committed event of a stage or of the run.
#[derive(Debug)]
pub struct EventRow {
    pub event_type: String,
    pub stage: Option<String>,
    pub attempt: Option<i64>,
    pub occurred_at: i64,
}

/// What the invariants read of an event. The rest may be any JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Payload {
    stage_id: Option<String>,
    place: String,
    attempt: Option<i64>,
}

const RUN: [(&str, Column); 13] = [
    ("id", Column::Plain),
    ("definition_fingerprint", Column::Plain),
    ("status", Column::Plain),
    ("generation", Column::Plain),
    ("last_sequence", Column::Plain),
    ("waiting_on", Column::Plain),
    ("active", Column::Plain),
    ("suspended", Column::Plain),
    ("completed_at", Column::Instant),
    ("owner", Column::Plain),
    ("held", Column::Plain),
    ("held_until", Column::Instant),
    ("outline_sequence", Column::Plain),
];
const STAGE: [(&str, Column); 7] = [
    ("workflow_run_id", Column::Plain),
    ("stage_id", Column::Plain),
    ("place", Column::Plain),
    ("generation", Column::Plain),
    ("status", Column::Plain),
    ("attempt", Column::Plain),
    ("waiting_on", Column::Plain),
];
const JOB: [(&str, Column); 9] = [
    ("workflow_run_id", Column::Plain),
    ("stage_id", Column::Plain),
    ("place", Column::Plain),
    ("generation", Column::Plain),
    ("status", Column::Plain),
    ("attempt", Column::Plain),
    ("lease_epoch", Column::Plain),
    ("worker_id", Column::Plain),
    ("leased_until", Column::Instant),
];
const COMMIT: [(&str, Column); 7] = [
    ("workflow_run_id", Column::Plain),
    ("sequence", Column::Plain),
    ("last_sequence", Column::Plain),
    ("occurred_at", Column::Instant),
    ("event_types", Column::Plain),
    ("events", Column::Plain),
    ("outline", Column::Plain),
];
const DEFINITION: [(&str, Column); 2] = [("fingerprint", Column::Plain), ("description", Column::Plain)];

impl Rows {
    /// Reads all rows.
    pub async fn read(database: &mut Database) -> Self {
        let runs = database.table("workflow_runs", &RUN).await;
        let mut stages = database.table::<StageRow>("workflow_stage_rows", &STAGE).await;
        for row in &mut stages {
            row.stage_id += &shown(&row.place);
        }
        let mut jobs = database.table::<JobRow>("workflow_job_queue", &JOB).await;
        for row in &mut jobs {
            row.stage_id += &shown(&row.place);
        }
        let mut commits = database.table::<CommitRow>("workflow_commits", &COMMIT).await;
        commits.sort_by_key(|commit| commit.sequence);
        let definitions = database.table::<DefinitionRow>("workflow_definitions", &DEFINITION).await;
        let definitions = definitions.into_iter().map(|row| {
            (row.fingerprint, serde_json::from_str(&row.description).expect("a description is JSON"))
        });
        Self {
            runs,
            stages: by_run(stages, |row| &row.workflow_run_id),
            jobs: by_run(jobs, |row| &row.workflow_run_id),
            commits: by_run(commits, |row| &row.workflow_run_id),
            definitions: definitions.collect(),
        }
    }

    /// Returns the stages of a run that have rows.
    pub fn stages(&self, run: &RunRow) -> &[StageRow] {
        self.stages.get(&run.id).map_or(&[], Vec::as_slice)
    }

    /// Returns the jobs of a run that have rows.
    pub fn jobs(&self, run: &RunRow) -> &[JobRow] {
        self.jobs.get(&run.id).map_or(&[], Vec::as_slice)
    }

    /// Returns the commits of a run, in their order.
    pub fn commits(&self, run: &RunRow) -> &[CommitRow] {
        self.commits.get(&run.id).map_or(&[], Vec::as_slice)
    }

    /// Returns the description of a run's definition, if a process has registered it.
    pub fn definition(&self, run: &RunRow) -> Option<&Value> {
        self.definitions.get(&run.definition_fingerprint)
    }

    /// Returns the stages of a run as they begin; `None` where each has a row.
    pub fn outline(&self, run: &RunRow) -> Option<Vec<OutlineStage>> {
        let sequence = run.outline_sequence?;
        let commit = self.commits(run).iter().find(|commit| commit.sequence == sequence)?;
        let stages: Vec<Vec<Value>> = serde_json::from_str(commit.outline.as_ref()?).expect("an outline");
        let read = |stage: Vec<Value>| Some((stage.first()?.as_str()?.to_owned(), stage.get(2)?.as_i64()?));
        Some(stages.into_iter().map(|stage| read(stage).expect("a stage of an outline")).collect())
    }
}

impl RunRow {
    /// Returns the entries of the column `held`, by stage.
    pub fn entries(&self) -> BTreeMap<String, Entry> {
        let Some(held) = &self.held else { return BTreeMap::new() };
        let entries: Vec<Vec<Value>> = serde_json::from_str(held).expect("entries");
        let read = |entry: Vec<Value>| {
            let number = |at: usize| entry.get(at)?.as_i64();
            let state = match entry.len() {
                2 => Entry::Waiting { remaining: number(1)? },
                _ => Entry::Held { since: number(1)?, length: number(2)? },
            };
            Some((entry.first()?.as_str()?.to_owned(), state))
        };
        entries.into_iter().map(|entry| read(entry).expect("an entry")).collect()
    }

    /// Returns the number of entries in the column `held`.
    pub fn entry_count(&self) -> usize {
        let held = self.held.as_deref().unwrap_or("[]");
        serde_json::from_str::<Vec<Value>>(held).expect("entries").len()
    }

    /// Returns whether the run has ended.
    pub fn is_terminal(&self) -> bool {
        matches!(self.status.as_str(), "COMPLETED" | "FAILED" | "CANCELLED")
    }
}

impl CommitRow {
    /// Returns the events of the commit.
    pub fn events(&self) -> Vec<EventRow> {
        let types: Vec<String> = serde_json::from_str(&self.event_types).expect("types of events");
        let events: Vec<Payload> = serde_json::from_str(&self.events).expect("events");
        let event = |(event_type, payload): (String, Payload)| EventRow {
            event_type,
            stage: payload.stage_id.map(|stage_id| stage_id + &payload.place),
            attempt: payload.attempt,
            occurred_at: self.occurred_at,
        };
        types.into_iter().zip(events).map(event).collect()
    }
}

/// Returns a place as it is shown: `[17][3]`. The column has each number in hexadecimal digits, joined by dots.
fn shown(place: &str) -> String {
    let mut shown = String::new();
    for number in place.split('.').filter(|number| !number.is_empty()) {
        let number = u32::from_str_radix(number, 16).expect("a place is made of hexadecimal numbers");
        write!(shown, "[{number}]").expect("a string takes any text");
    }
    shown
}

fn by_run<T>(rows: Vec<T>, run: impl Fn(&T) -> &String) -> BTreeMap<String, Vec<T>> {
    let mut sorted = BTreeMap::<String, Vec<T>>::new();
    for row in rows {
        let id = run(&row).clone();
        sorted.entry(id).or_default().push(row);
    }
    sorted
}
