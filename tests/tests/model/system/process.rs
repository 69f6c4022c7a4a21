//! One process: a kernel, the bodies that it runs, and the shared sink.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tests::intercept::Intercepted;
use workflow_engine::context::Extensions;
use workflow_engine::definition::{CheckExecution, CheckOutcome, Execution, StageDefinition, WaitDefinition};
use workflow_engine::kernel::{Kernel, KernelConfig, Limits, LocalExecutor, WorkflowRegistry};
use workflow_engine::ports::{ActivityExecutor, DeliveryError, DeliveryPolicy, EventSink, Store};
use workflow_engine::records::{ChildTicket, Event};
use workflow_engine::testing::FakeClock;
use workflow_engine::{Json, RunId, StageError};

use super::faults::Faults;
use super::{IdMap, lock};
use crate::defects::Defective;
use crate::spec::{LEASE_MS, Reference};
use crate::step::{End, Index};
use crate::workflows::{self, starts_child};

/// Outputs longer than this many bytes go to a blob.
const INLINE_LIMIT: usize = 8;

pub struct Process {
    /// Its index, and how many predecessors of it have died.
    pub number: (Index, u32),
    pub kernel: Arc<Kernel>,
    pub faults: Arc<Faults>,
    pub script: Arc<Script>,
    pub sink: Arc<Sink>,
}

impl Process {
    pub fn start(
        number: (Index, u32),
        store: Arc<dyn Store>,
        clock: FakeClock,
        sink: Arc<Sink>,
        defect: Option<Arc<Defective>>,
    ) -> Self {
        let faults = Arc::new(Faults::default());
        let mut store: Arc<dyn Store> = Arc::new(Intercepted::new(store, Arc::clone(&faults)));
        if let Some(defect) = defect {
            store = Arc::new(Intercepted::new(store, defect));
        }
        let mut registry = WorkflowRegistry::default();
        for workflow in workflows::all() {
            registry.register(workflow).expect("the ids are unique");
        }
        let script = Arc::new(Script::default());
        let kernel = Kernel::new(KernelConfig {
            store,
            clock: Arc::new(clock),
            registry,
            executor: Arc::clone(&script) as _,
            sink: Some(Arc::clone(&sink) as _),
            plugins: Vec::new(),
            blobs: None,
            inline_limit: INLINE_LIMIT,
            extensions: Extensions::default(),
            limits: Limits::default(),
            trace_context: None,
            lease: Duration::from_millis(LEASE_MS),
        });
        Self { number, kernel, faults, script, sink }
    }

    pub fn name(&self) -> String {
        format!("process-{}-{}", self.number.0, self.number.1)
    }

    /// Checks that each body whose outcome was committed has received the outputs of its predecessors.
    pub fn check_inputs(&self, ids: &IdMap, reference: &Reference) {
        for call in std::mem::take(&mut *lock(&self.script.calls)) {
            call.check(ids, reference);
        }
    }
}

impl BodyCall {
    fn check(&self, ids: &IdMap, reference: &Reference) {
        let index = lock(&ids.runs).iter().position(|run| *run == self.run).expect("a run of this case");
        let run = &reference.runs[index];
        // A body whose lease is lost commits nothing, so its inputs do not matter; nor do those of earlier generations.
        if run.generation != self.generation || !self.is_committed {
            return;
        }
        let stage = &run.workflow.stages[run.position(&self.stage)];
        let position = run.position(&self.stage);
        let received = run.received(&stage.predecessors, &mut run.regions_around(position));
        if !stage.predecessors.is_empty() {
            let are_committed = self.values.len() == received.len()
                && received.iter().zip(&self.values).all(|(value, json)| value.is(json.as_str()));
            assert!(are_committed, "stage `{}` received inputs that are not committed", stage.id);
        }
    }
}

/// Bodies that end as the step requires.
#[derive(Default)]
pub struct Script {
    end: Mutex<Option<End>>,
    calls: Mutex<Vec<BodyCall>>,
}

/// The arguments of a body.
struct BodyCall {
    run: RunId,
    stage: String,
    generation: u32,
    values: Vec<Json>,
    is_committed: bool,
}

impl Script {
    pub fn set(&self, end: End) {
        *lock(&self.end) = Some(end);
    }

    /// Notes that the outcome of the newest body of this stage was committed.
    pub fn note_commit(&self, run: RunId, stage: &str) {
        let mut calls = lock(&self.calls);
        let newest = calls.iter_mut().rev().find(|call| call.run == run && call.stage == stage);
        if let Some(call) = newest {
            call.is_committed = true;
        }
    }

    fn end(&self) -> End {
        lock(&self.end).expect("a step sets how its bodies end")
    }
}

fn json(value: u64) -> Json {
    Json::encode(&value).expect("a number")
}

/// Returns whether a stage waits for a run with this ticket.
fn is_child_ticket(ticket: &Json) -> bool {
    ticket.decode::<ChildTicket>().is_ok()
}

fn failure(after_ms: Option<u64>) -> StageError {
    match after_ms {
        Some(ms) => StageError::retry_after("not now", Duration::from_millis(ms)),
        None => StageError::retryable("not now"),
    }
}

#[async_trait]
impl ActivityExecutor for Script {
    async fn execute(&self, stage: &StageDefinition, execution: Execution) -> Result<Json, StageError> {
        if starts_child(stage) {
            return LocalExecutor.execute(stage, execution).await;
        }
        let ctx = &execution.context;
        lock(&self.calls).push(BodyCall {
            run: ctx.run_id(),
            stage: ctx.stage_id().to_owned(),
            generation: ctx.generation(),
            values: execution.inputs,
            is_committed: false,
        });
        match self.end() {
            End::Value(value) => Ok(json(value)),
            End::Pending { after_ms } | End::Fail { after_ms } => Err(failure(after_ms)),
            End::FailForGood => Err(StageError::permanent("never")),
        }
    }

    async fn check(
        &self,
        wait: &WaitDefinition,
        execution: CheckExecution,
    ) -> Result<CheckOutcome, StageError> {
        if wait.is_signal() {
            return Ok(execution.signal.map_or(CheckOutcome::Pending(None), CheckOutcome::Ready));
        }
        if is_child_ticket(&execution.ticket) {
            return LocalExecutor.check(wait, execution).await;
        }
        match self.end() {
            End::Value(value) => Ok(CheckOutcome::Ready(json(value))),
            End::Pending { after_ms } => Ok(CheckOutcome::Pending(after_ms.map(Duration::from_millis))),
            End::Fail { after_ms } => Err(failure(after_ms)),
            End::FailForGood => Err(StageError::permanent("never")),
        }
    }
}

/// A sink that refuses the events of one run.
#[derive(Default)]
pub struct Sink {
    pub refused: Mutex<Option<RunId>>,
    pub received: Mutex<Vec<(RunId, u64)>>,
}

#[async_trait]
impl EventSink for Sink {
    /// One run at a time, so that the order of the runs is that of the reference.
    fn policy(&self) -> DeliveryPolicy {
        let mut policy = DeliveryPolicy::of_sink();
        policy.concurrency = 1;
        policy
    }

    async fn deliver(&self, event: &Event) -> Result<(), DeliveryError> {
        if *lock(&self.refused) == Some(event.run_id) {
            return Err("not this one".into());
        }
        lock(&self.received).push((event.run_id, event.sequence));
        Ok(())
    }
}
