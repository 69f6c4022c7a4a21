//! Planned faults, and the executor that injects them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::context::{StageContext, StageError};
use crate::definition::{CheckExecution, CheckOutcome, Execution, StageDefinition, WaitDefinition};
use crate::kernel::LocalExecutor;
use crate::language::Stubs;
use crate::ports::ActivityExecutor;
use crate::value::Json;

/// A fault of one attempt.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    Fail(String),
    FailPermanently(String),
    Crash,
}

/// A stage of a workflow, by their ids.
type StageOf = (String, String);

/// The planned faults by stage and attempt. Each happens once.
#[derive(Clone, Default)]
pub(super) struct Faults {
    planned: Arc<Mutex<HashMap<(StageOf, u32), Fault>>>,
    /// The number of further checks of a stage that do not find it ready.
    suspended: Arc<Mutex<HashMap<StageOf, u32>>>,
    /// Cancelled when the simulated process dies, and replaced for the next process.
    dead: Arc<Mutex<CancellationToken>>,
    stubs: Stubs,
}

impl Faults {
    pub(super) fn insert(&self, workflow: &str, stage: &str, attempt: u32, fault: Fault) {
        lock(&self.planned).insert((key(workflow, stage), attempt), fault);
    }

    fn take(&self, context: &StageContext) -> Option<Fault> {
        let stage = key(context.workflow_id(), context.stage_id());
        lock(&self.planned).remove(&(stage, context.attempt()))
    }

    pub(super) fn suspend(&self, workflow: &str, stage: &str, checks: u32) {
        lock(&self.suspended).insert(key(workflow, stage), checks);
    }

    /// Whether this check must not find the stage ready.
    fn is_suspended(&self, context: &StageContext) -> bool {
        match lock(&self.suspended).get_mut(&key(context.workflow_id(), context.stage_id())) {
            Some(remaining) if *remaining > 0 => {
                *remaining -= 1;
                true
            }
            _ => false,
        }
    }

    /// Returns the functions that replace bodies.
    pub(super) const fn stubs(&self) -> &Stubs {
        &self.stubs
    }

    /// Returns a copy of the plan for another run.
    pub(super) fn copy(&self) -> Self {
        Self {
            planned: Arc::new(Mutex::new(lock(&self.planned).clone())),
            suspended: Arc::new(Mutex::new(lock(&self.suspended).clone())),
            dead: Arc::default(),
            stubs: self.stubs.clone(),
        }
    }

    /// Returns the token that is cancelled when this process dies.
    pub(super) fn death(&self) -> CancellationToken {
        lock(&self.dead).clone()
    }

    /// Starts the next process.
    pub(super) fn restart(&self) {
        *lock(&self.dead) = CancellationToken::new();
    }
}

fn key(workflow: &str, stage: &str) -> StageOf {
    (workflow.to_owned(), stage.to_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs bodies like the default executor, and injects the faults.
pub(super) struct FaultyExecutor {
    faults: Faults,
    inner: LocalExecutor,
}

impl FaultyExecutor {
    pub(super) fn new(faults: Faults) -> Self {
        Self { faults, inner: LocalExecutor }
    }
}

#[async_trait]
impl ActivityExecutor for FaultyExecutor {
    async fn execute(&self, stage: &StageDefinition, execution: Execution) -> Result<Json, StageError> {
        match self.faults.take(&execution.context) {
            None => self.inner.execute(stage, execution).await,
            Some(Fault::Fail(error)) => Err(StageError::retryable(error)),
            Some(Fault::FailPermanently(error)) => Err(StageError::permanent(error)),
            Some(Fault::Crash) => {
                // The body has run, including its external effects, but its outcome is lost.
                let _ = self.inner.execute(stage, execution).await;
                self.faults.death().cancel();
                std::future::pending().await
            }
        }
    }

    async fn check(&self, wait: &WaitDefinition, check: CheckExecution) -> Result<CheckOutcome, StageError> {
        if self.faults.is_suspended(&check.context) {
            return Ok(CheckOutcome::Pending(None));
        }
        self.inner.check(wait, check).await
    }
}
