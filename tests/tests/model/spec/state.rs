//! What the reference knows.

use std::collections::{BTreeMap, BTreeSet};

use workflow_engine::definition::WorkflowDefinition;
use workflow_engine::records::Status;

use super::PROCESSES;
use super::trouble::Writes;
use crate::step::{Answer, Claimed, Index};

/// Everything.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    /// Milliseconds since the case began.
    pub now: u64,
    /// In the order of their creation.
    pub runs: Vec<Run>,
    /// By command and key: the request and its answer.
    pub keys: BTreeMap<(&'static str, u8), (String, Answer)>,
    pub processes: [Process; PROCESSES],
    /// The names of those that died.
    pub dead: Vec<String>,
    /// Every job that was ever claimed by somebody who was told.
    pub leases: Vec<Held>,
    /// What the sink has taken: run and sequence.
    pub delivered: Vec<(Index, usize)>,
    pub writes: Writes,
    /// What a process that is overtaken has decided from.
    pub overtaken: Option<Memory>,
    /// How many memories there have been.
    pub memories: usize,
}

/// A process, and how many have died in its place.
#[derive(Clone, Debug, Default)]
pub struct Process {
    pub lives: u32,
    /// By run and generation.
    pub memories: BTreeMap<(Index, u32), Memory>,
}

impl Process {
    /// Its name in leases.
    pub fn name(&self, index: Index) -> String {
        format!("process-{index}-{}", self.lives)
    }
}

/// What a process knows of a run.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// A run that was forgotten has another one the next time.
    pub number: usize,
    /// The stages that it has made ready and left in the queue.
    pub queued: BTreeSet<String>,
}

/// A claimed job, with the process that holds it.
#[derive(Clone, Debug)]
pub struct Held {
    pub process: Index,
    pub job: Claimed,
    /// Whether the process is still the one that claimed it.
    pub known: bool,
}

#[derive(Clone)]
pub struct Run {
    pub workflow: &'static WorkflowDefinition,
    pub priority: i32,
    pub created_at: u64,
    pub status: Status,
    pub generation: u32,
    /// In reading order; empty until it is started.
    pub stages: Vec<Stage>,
    pub error: Option<&'static str>,
    /// The event with sequence number n stands at n - 1.
    pub events: Vec<String>,
    /// Of them to the sink.
    pub delivery: Delivery,
}

/// The events of a run on their way to the sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The first that is not delivered.
    pub next: usize,
    /// The last that was handed over.
    pub last: usize,
    /// How often the first was refused.
    pub tries: u32,
    /// Until when nobody delivers it.
    pub due: u64,
}

impl Delivery {
    /// Nothing is handed over.
    pub const NOTHING: Self = Self { next: 1, last: 0, tries: 0, due: 0 };

    /// Whether something is to be delivered.
    pub fn waits(&self) -> bool {
        self.next <= self.last
    }
}

#[derive(Clone, Debug)]
pub struct Stage {
    pub status: Status,
    pub generation: u32,
    pub attempt: u32,
    pub output: Option<u64>,
    pub ticket: Option<u64>,
    pub give_up_at: u64,
    pub has_error: bool,
    pub job: Option<Job>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub status: Status,
    pub attempt: u32,
    pub epoch: u64,
    pub lease: Option<(String, u64)>,
    pub run_at: u64,
    pub woken: bool,
}

impl Run {
    /// Whether every stage before this one has completed.
    pub fn is_ready(&self, stage: usize) -> bool {
        self.waits_for(stage) == 0
    }

    /// How many stages before this one have not completed.
    pub fn waits_for(&self, stage: usize) -> usize {
        self.open(&self.workflow.stages[stage].predecessors)
    }

    /// How many of the stages that make up its output have not completed.
    pub fn lacks(&self) -> usize {
        if self.stages.is_empty() { 0 } else { self.open(&self.workflow.output_stages) }
    }

    fn open(&self, stages: &[usize]) -> usize {
        stages.iter().filter(|&&stage| self.stages[stage].status != Status::Completed).count()
    }

    /// How many stages are ready or running.
    pub fn active(&self) -> usize {
        let is_active =
            |stage: &&Stage| stage.job.is_some() && matches!(stage.status, Status::Pending | Status::Running);
        if self.status == Status::Running { self.stages.iter().filter(is_active).count() } else { 0 }
    }

    /// How many stages wait for something outside.
    pub fn suspended(&self) -> usize {
        if self.status != Status::Running {
            return 0;
        }
        self.stages.iter().filter(|stage| stage.status == Status::Suspended).count()
    }

    /// The output, where one stage delivers it.
    pub fn output(&self) -> Option<u64> {
        match self.workflow.output_stages[..] {
            [end] if self.status == Status::Completed => self.stages[end].output,
            _ => None,
        }
    }

    pub fn id_of(&self, stage: usize) -> &'static str {
        &self.workflow.stages[stage].id
    }

    pub fn position(&self, stage_id: &str) -> usize {
        let position = self.workflow.stages.iter().position(|stage| stage.id == stage_id);
        position.expect("a stage of the workflow")
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("workflow", &self.workflow.id)
            .field("status", &self.status)
            .field("generation", &self.generation)
            .field("stages", &self.stages)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
