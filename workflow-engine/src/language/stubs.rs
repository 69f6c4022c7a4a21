//! Functions that replace the bodies of stages in a test.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::stage_trait::Stage;
use crate::context::{StageContext, StageError};

/// What replaces the body of the stage `S`.
type Stub<S> =
    dyn Fn(<S as Stage>::Input, &StageContext) -> Result<<S as Stage>::Output, StageError> + Send + Sync;

/// The stubs of an engine by the type of the stage. Clones share them.
///
/// They are a value of the context and not an executor, because only the code that knows the type of the stage can
/// decode its input.
#[derive(Clone, Default)]
pub(crate) struct Stubs {
    by_stage: Arc<Mutex<HashMap<TypeId, Replaced>>>,
}

struct Replaced {
    stage_id: &'static str,
    /// An `Arc<Stub<S>>`.
    stub: Box<dyn Any + Send>,
}

impl Stubs {
    pub(crate) fn insert<S: Stage>(&self, stub: Arc<Stub<S>>) {
        let replaced = Replaced { stage_id: S::DECLARATION.id, stub: Box::new(stub) };
        self.lock().insert(TypeId::of::<S>(), replaced);
    }

    /// Returns whether a stub replaces the body and the check of this stage.
    pub(crate) fn replace(&self, stage_id: &str) -> bool {
        self.lock().values().any(|replaced| replaced.stage_id == stage_id)
    }

    /// Returns the stub of a stage in the engine of this context.
    pub(crate) fn find<S: Stage>(context: &StageContext) -> Option<Arc<Stub<S>>> {
        let stubs = context.extensions().get::<Self>()?.lock();
        stubs.get(&TypeId::of::<S>())?.stub.downcast_ref::<Arc<Stub<S>>>().cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TypeId, Replaced>> {
        self.by_stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
