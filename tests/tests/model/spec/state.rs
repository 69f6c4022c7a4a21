//! The state of the reference.

use std::collections::{BTreeMap, BTreeSet};

use workflow_engine::definition::WorkflowDefinition;
use workflow_engine::records::Status;

use super::PROCESSES;
use super::arms::Branch;
use super::children::ChildEnd;
use super::outcome::millis;
use super::schedules::{DueTicks, Schedule};
use super::writes::Writes;
use crate::step::{Claimed, Index, Response};
use crate::workflows::{self, SCHEDULE_COUNT};

/// The whole state.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    /// Milliseconds since the case began.
    pub now: u64,
    /// In the order of their creation.
    pub runs: Vec<Run>,
    pub schedules: [Schedule; SCHEDULE_COUNT],
    /// By command and key: the request and its response.
    pub keys: BTreeMap<(&'static str, u8), (String, Response)>,
    pub processes: [Process; PROCESSES],
    /// The names of processes that have died.
    pub dead: Vec<String>,
    /// Every claim whose response has reached its process.
    pub leases: Vec<Held>,
    /// The events that the sink has received: run and sequence.
    pub delivered: Vec<(Index, usize)>,
    pub writes: Writes,
    /// What an overtaken command has read.
    pub overtaken: Option<Overtaken>,
    /// What an overtaken command has read that handles ticks.
    pub overtaken_ticks: Option<DueTicks>,
    /// The overdue runs that an overtaken command has read.
    pub overtaken_deadlines: Option<Vec<(u64, Index)>>,
    /// How many run caches were created.
    pub run_caches: usize,
}

/// A process, and how many predecessors of it have died.
#[derive(Clone, Debug, Default)]
pub struct Process {
    pub lives: u32,
    /// What it has seen of the sink's refusals.
    pub recovery: Recovery,
    /// By run and generation.
    pub run_caches: BTreeMap<(Index, u32), RunCache>,
}

impl Process {
    /// Returns its name in leases.
    pub fn name(&self, index: Index) -> String {
        format!("process-{index}-{}", self.lives)
    }
}

/// What a process has seen of the sink's refusals.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// The runs of which the sink has refused an event since it accepted one.
    pub refused: BTreeSet<Index>,
    /// Whether it has refused several of them.
    pub is_down: bool,
    /// Whether the refused deliveries were tried early, because of a new event.
    pub is_probing: bool,
    /// Whether such a try was refused.
    pub is_misled: bool,
}

/// The cache of a process for one run.
#[derive(Clone, Debug, Default)]
pub struct RunCache {
    /// A run that is dropped from the cache and cached again gets another number.
    pub number: usize,
    /// The stages that the process has made ready and left in the queue.
    pub queued: BTreeSet<String>,
}

/// What a command has read from which it decides, although another one has overtaken it.
#[derive(Clone, Debug)]
pub struct Overtaken {
    pub run_cache: RunCache,
    /// The oldest signal of the stage that no wait had consumed.
    pub signal: Option<u64>,
    /// Whether the stage was woken by then.
    pub woken: bool,
    /// The end of the child for which the stage waits.
    pub child: Option<ChildEnd>,
}

/// A claimed job, with the process that has claimed it.
#[derive(Clone, Debug)]
pub struct Held {
    pub process: Index,
    pub job: Claimed,
    /// Whether that process is still alive.
    pub is_alive: bool,
}

#[derive(Clone)]
pub struct Run {
    pub workflow: &'static WorkflowDefinition,
    /// The run and the stage that wait for this run, and the generation that has started it.
    pub parent: Option<(Index, usize, u32)>,
    pub priority: i32,
    pub created_at: u64,
    pub status: Status,
    pub generation: u32,
    /// In reading order; empty until the run is started.
    pub stages: Vec<Stage>,
    pub error: Option<&'static str>,
    /// When the run fails, or is cancelled because its parent waits for it no longer.
    pub deadline_at: Option<u64>,
    /// Whether it keeps why it was cancelled, or is to be.
    pub has_cancel_reason: bool,
    /// The signals of all stages, in the order of their commits.
    pub signals: Vec<Signal>,
    /// The event with sequence number n is at n - 1.
    pub events: Vec<String>,
    /// Their delivery to the sink.
    pub delivery: Delivery,
}

/// The delivery of a run's events to the sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The first event that is not delivered.
    pub next: usize,
    /// The last event that the outbox has published.
    pub last: usize,
    /// How often the sink has refused the first one.
    pub attempts: u32,
    /// When the delivery can be claimed.
    pub due: u64,
    /// The flusher that holds it.
    pub holder: Option<String>,
}

impl Delivery {
    /// Before any event is published.
    pub const EMPTY: Self = Self { next: 1, last: 0, attempts: 0, due: 0, holder: None };

    /// Returns whether an event is to be delivered.
    pub fn has_events(&self) -> bool {
        self.next <= self.last
    }
}

/// A signal that a stage has received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    pub stage: usize,
    pub payload: u64,
    /// The generation whose wait has consumed it.
    pub consumed_by: Option<u32>,
}

#[derive(Clone, Debug)]
pub struct Stage {
    pub status: Status,
    pub generation: u32,
    pub attempt: u32,
    pub output: Option<u64>,
    pub arm: Option<usize>,
    /// Whether it keeps the failure of its catch.
    pub has_failure: bool,
    pub suspended_state: Option<u64>,
    /// The run for whose end it waits, or has waited.
    pub child: Option<Index>,
    pub max_wait_until: u64,
    pub has_error: bool,
    pub job: Option<Job>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub status: Status,
    pub attempt: u32,
    pub crashes: u32,
    pub epoch: u64,
    pub lease: Option<(String, u64)>,
    pub run_at: u64,
    pub woken: bool,
}

impl Job {
    /// Makes a stage that waits due at once; where a check is running, another one follows it.
    pub fn wake(&mut self, now: u64) {
        if self.status == Status::Running {
            self.woken = true;
        } else {
            self.run_at = self.run_at.min(now);
        }
    }
}

impl Run {
    /// Creates a run of the workflow with this id.
    pub fn of(workflow: &str, priority: i32, now: u64) -> Self {
        let number = workflows::all().iter().position(|known| known.id == workflow);
        Self::new(number.expect("a workflow of this test"), priority, now)
    }

    /// Creates a run of the workflow with this number.
    pub fn new(workflow: usize, priority: i32, now: u64) -> Self {
        let workflow = workflows::all()[workflow];
        Self {
            workflow,
            parent: None,
            priority,
            created_at: now,
            status: Status::Pending,
            generation: 1,
            stages: Vec::new(),
            error: None,
            deadline_at: workflow.deadline.map(|deadline| now + millis(deadline)),
            has_cancel_reason: false,
            signals: Vec::new(),
            events: vec!["workflow:created".to_owned()],
            delivery: Delivery::EMPTY,
        }
    }

    /// Returns whether all predecessors of a stage have completed.
    pub fn is_ready(&self, stage: usize) -> bool {
        self.waits_for(stage) == 0
    }

    /// Returns how many predecessors of a stage have not completed.
    pub fn waits_for(&self, stage: usize) -> usize {
        self.open(&self.workflow.stages[stage].predecessors, &mut self.regions_around(stage))
    }

    /// Returns how many output stages have not completed.
    pub fn open_outputs(&self) -> usize {
        if self.stages.is_empty() { 0 } else { self.open(&self.workflow.output_stages, &mut Vec::new()) }
    }

    /// Returns how many stages are ready or running.
    pub fn active(&self) -> usize {
        let is_active =
            |stage: &&Stage| stage.job.is_some() && matches!(stage.status, Status::Pending | Status::Running);
        if self.status == Status::Running { self.stages.iter().filter(is_active).count() } else { 0 }
    }

    /// Returns how many stages are suspended.
    pub fn suspended(&self) -> usize {
        if self.status != Status::Running {
            return 0;
        }
        self.stages.iter().filter(|stage| stage.status == Status::Suspended).count()
    }

    /// Returns the output, if one stage provides it.
    pub fn output(&self) -> Option<u64> {
        if self.status != Status::Completed {
            return None;
        }
        match self.branches(&self.workflow.output_stages, &[])[..] {
            [Branch::Stage(stage)] => self.stages[stage].output,
            // Each arm of this test ends with one stage.
            [Branch::Choice(choice, ref ends)] => {
                let arm = self.taken(choice).expect("the run has completed");
                let end = ends.iter().find(|&&end| arm.contains(&end));
                self.stages[*end.expect("no arm is empty")].output
            }
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
