//! Planned faults, and the executor that injects them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::context::StageError;
use crate::definition::{CheckExecution, CheckOutcome, Execution, StageDefinition, WaitDefinition};
use crate::kernel::LocalExecutor;
use crate::ports::ActivityExecutor;
use crate::value::Json;

/// A fault of one attempt.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    Fail(String),
    FailPermanently(String),
    Crash,
}

/// The planned faults by stage and attempt. Each happens once.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    planned: Arc<Mutex<HashMap<(String, u32), Fault>>>,
    /// The number of further checks of a stage that do not find it ready.
    suspended: Arc<Mutex<HashMap<String, u32>>>,
    /// Cancelled when the simulated process dies, and replaced for the next process.
    dead: Arc<Mutex<CancellationToken>>,
    /// The values for the stages.
    pub(super) state: crate::context::Extensions,
    /// The client through which stages call language models.
    #[cfg(feature = "ai")]
    pub(super) ai: Option<crate::ai::AiClient>,
}

impl Faults {
    pub(super) fn insert(&self, stage: &str, attempt: u32, fault: Fault) {
        lock(&self.planned).insert((stage.to_owned(), attempt), fault);
    }

    fn take(&self, stage: &str, attempt: u32) -> Option<Fault> {
        lock(&self.planned).remove(&(stage.to_owned(), attempt))
    }

    pub(super) fn suspend(&self, stage: &str, checks: u32) {
        lock(&self.suspended).insert(stage.to_owned(), checks);
    }

    /// Whether this check must not find the stage ready.
    fn is_suspended(&self, stage: &str) -> bool {
        match lock(&self.suspended).get_mut(stage) {
            Some(remaining) if *remaining > 0 => {
                *remaining -= 1;
                true
            }
            _ => false,
        }
    }

    /// Returns a copy of the plan for another run.
    pub(super) fn copy(&self) -> Self {
        Self {
            planned: Arc::new(Mutex::new(lock(&self.planned).clone())),
            suspended: Arc::new(Mutex::new(lock(&self.suspended).clone())),
            dead: Arc::default(),
            state: self.state.clone(),
            #[cfg(feature = "ai")]
            ai: self.ai.clone(),
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
        let attempt = execution.context.attempt();
        match self.faults.take(&stage.id, attempt) {
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
        if self.faults.is_suspended(check.context.stage_id()) {
            return Ok(CheckOutcome::Pending(None));
        }
        self.inner.check(wait, check).await
    }
}
