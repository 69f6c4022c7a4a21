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
    by_stage: Arc<Mutex<HashMap<TypeId, Box<dyn Any + Send>>>>,
}

impl Stubs {
    pub(crate) fn insert<S: Stage>(&self, stub: Arc<Stub<S>>) {
        self.lock().insert(TypeId::of::<S>(), Box::new(stub));
    }

    /// Returns the stub of a stage in the engine of this context.
    pub(crate) fn find<S: Stage>(context: &StageContext) -> Option<Arc<Stub<S>>> {
        let stubs = context.extensions().get::<Self>()?.lock();
        stubs.get(&TypeId::of::<S>())?.downcast_ref::<Arc<Stub<S>>>().cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TypeId, Box<dyn Any + Send>>> {
        self.by_stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
