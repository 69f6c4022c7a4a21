//! The effects of one attempt, collected while its body runs.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::context::stage_error::StageError;
use crate::records::{Annotation, Statement};
use crate::value::{Json, MAX_NAME_BYTES, is_name};

/// What a stage has asked to be written with its outcome; what [`StageContext::effects`](crate::StageContext::effects)
/// shows to a unit test.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Effects {
    /// In the order of [`StageContext::annotate`](crate::StageContext::annotate).
    pub annotations: Vec<Annotation>,
    /// By key; `None` for one that is deleted.
    pub artifacts: BTreeMap<String, Option<Json>>,
    /// By name.
    pub metrics: BTreeMap<String, f64>,
    /// In the order in which they run.
    pub statements: Vec<Statement>,
}

impl Effects {
    /// Whether nothing was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.annotations.is_empty()
            && self.artifacts.is_empty()
            && self.metrics.is_empty()
            && self.statements.is_empty()
    }
}

/// The effects of an attempt that still runs.
#[derive(Debug, Default)]
pub(crate) struct EffectBuffer {
    effects: Mutex<Effects>,
}

impl EffectBuffer {
    /// All of them, once the body has returned. What a task that it left behind asks for later is not written.
    pub(crate) fn take(&self) -> Effects {
        std::mem::take(&mut *self.lock())
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Effects> {
        // Nothing panics under this lock.
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
        "{shown:?} is no name of {what}: it needs 1 to {MAX_NAME_BYTES} bytes and no control characters"
    )))
}
