//! The effects of one attempt, collected while its body runs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::child_run::ChildRun;
use crate::context::scope::StageScope;
use crate::context::stage_error::{StageError, StageResult};
use crate::error::Error;
use crate::records::{Annotation, Statement};
use crate::value::{Json, MAX_NAME_BYTES, RunId, is_name};

/// The most runs that one attempt starts: one transaction creates them.
const MAX_CHILDREN: usize = 1_000;

/// The effects of an attempt so far; [`StageContext::effects`](crate::StageContext::effects) returns them to a unit
/// test.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Effects {
    /// Annotations, in the order of the calls of [`StageContext::annotate`](crate::StageContext::annotate).
    pub annotations: Vec<Annotation>,
    /// Artifacts by key; `None` for one that is deleted.
    pub artifacts: BTreeMap<String, Option<Json>>,
    /// Metrics by name.
    pub metrics: BTreeMap<String, f64>,
    /// SQL statements, in the order in which they run.
    pub statements: Vec<Statement>,
    /// The runs that the stage starts, in the order of the calls of
    /// [`StageContext::start`](crate::StageContext::start).
    pub children: Vec<ChildRun>,
}

impl Effects {
    /// Returns whether there are no effects.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.annotations.is_empty()
            && self.artifacts.is_empty()
            && self.metrics.is_empty()
            && self.statements.is_empty()
            && self.children.is_empty()
    }
}

/// The effects of a running attempt.
#[derive(Debug, Default)]
pub(crate) struct EffectBuffer {
    effects: Mutex<Effects>,
    /// Written only under the lock.
    is_closed: AtomicBool,
}

impl EffectBuffer {
    /// Takes all effects when the function has returned. Effects that a spawned task adds afterwards are refused.
    pub(crate) fn close(&self) -> Effects {
        let mut effects = self.lock();
        self.is_closed.store(true, Ordering::Relaxed);
        std::mem::take(&mut *effects)
    }

    /// The effects, to add `what` to them.
    ///
    /// # Errors
    /// Permanent, if the attempt has ended.
    pub(super) fn open(&self, scope: &StageScope, what: &str) -> StageResult<MutexGuard<'_, Effects>> {
        let effects = self.lock();
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(StageError::permanent(format_args!(
                "attempt {} of stage `{}` of run {} has ended, and {what} would not be committed: await the task that adds \
                 it before the function returns",
                scope.attempt, scope.stage_key, scope.run_id
            )));
        }
        Ok(effects)
    }

    /// Returns the run that the attempt starts with the same idempotency key.
    ///
    /// # Errors
    /// `IDEMPOTENCY_CONFLICT`, if that is another request.
    pub(crate) fn child_of_key(&self, child: &ChildRun) -> StageResult<Option<RunId>> {
        same_key(&self.lock().children, child)
    }

    /// Adds a run that the attempt starts, and returns its id. Where the attempt meanwhile starts one with the same
    /// idempotency key, returns that one.
    ///
    /// # Errors
    /// Permanent, if the attempt starts too many runs, or has ended; as [`child_of_key`](Self::child_of_key).
    pub(crate) fn add_child(&self, scope: &StageScope, child: ChildRun) -> StageResult<RunId> {
        let mut effects = self.open(scope, "a run")?;
        if let Some(first) = same_key(&effects.children, &child)? {
            return Ok(first);
        }
        if effects.children.len() >= MAX_CHILDREN {
            return Err(StageError::permanent(format_args!(
                "stage `{}` starts more than {MAX_CHILDREN} runs: start them from several stages",
                scope.stage_key
            )));
        }
        let run_id = child.run_id;
        effects.children.push(child);
        Ok(run_id)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Effects> {
        // No code panics while it holds this lock.
        self.effects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses a name that is too long or has control characters.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), StageError> {
    if is_name(name) {
        return Ok(());
    }
    let shown: String = name.chars().take(64).collect();
    Err(StageError::permanent(format_args!(
        "{shown:?} is not a name for {what}: a name needs 1 to {MAX_NAME_BYTES} bytes and no control characters"
    )))
}

fn same_key(children: &[ChildRun], child: &ChildRun) -> StageResult<Option<RunId>> {
    let Some(key) = &child.idempotency_key else { return Ok(None) };
    match children.iter().find(|other| other.idempotency_key.as_ref() == Some(key)) {
        Some(first) if !first.is_same_request(child) => {
            let error = Error::idempotency_conflict(key, "run.create");
            Err(StageError::with_code(error.code(), error))
        }
        first => Ok(first.map(|first| first.run_id)),
    }
}
