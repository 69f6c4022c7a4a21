//! The values that a builder has received for its stages, and the functions that make others.

use std::any::{TypeId, type_name};
use std::error::Error as StdError;

use futures_util::future::BoxFuture;

use crate::context::Extensions;
use crate::error::Error;

/// The values that a builder has received, and the functions that make others.
#[derive(Default)]
pub(super) struct StateValues {
    values: Extensions,
    pending: Vec<PendingState>,
    /// The first type with a second value.
    duplicate: Option<&'static str>,
}

/// A value that is made while the engine is built.
struct PendingState {
    id: TypeId,
    type_name: &'static str,
    make: Box<dyn FnOnce() -> BoxFuture<'static, Result<Insert, Failure>> + Send>,
}

/// Inserts the value, whose type only this function knows.
type Insert = Box<dyn FnOnce(&mut Extensions) + Send>;
type Failure = Box<dyn StdError + Send + Sync>;

impl StateValues {
    pub(super) fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.note::<T>();
        self.values.insert(value);
    }

    pub(super) fn insert_with<T, E, F, Fut>(&mut self, make: F)
    where
        T: Send + Sync + 'static,
        E: Into<Failure>,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.note::<T>();
        self.pending.push(PendingState {
            id: TypeId::of::<T>(),
            type_name: type_name::<T>(),
            make: Box::new(move || {
                Box::pin(async move {
                    let value = make().await.map_err(Into::into)?;
                    Ok(Box::new(move |values: &mut Extensions| values.insert(value)) as Insert)
                })
            }),
        });
    }

    /// Remembers the type if there is a value of it.
    fn note<T: 'static>(&mut self) {
        if self.contains(TypeId::of::<T>()) {
            self.duplicate.get_or_insert(type_name::<T>());
        }
    }

    /// Takes values that another engine has, too.
    #[cfg(feature = "testing")]
    pub(super) fn share(&mut self, values: Extensions) {
        self.values = values;
    }

    /// Returns whether there is a value of this type, or will be one.
    pub(super) fn contains(&self, id: TypeId) -> bool {
        self.values.contains(id) || self.pending.iter().any(|pending| pending.id == id)
    }

    /// The names of the types, in order.
    pub(super) fn type_names(&self) -> Vec<&'static str> {
        let mut names = self.values.type_names();
        names.extend(self.pending.iter().map(|pending| pending.type_name));
        names.sort_unstable();
        names
    }

    /// Checks that there is one value of each type.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.duplicate.map_or(Ok(()), |type_name| Err(Error::duplicate_state(type_name)))
    }

    /// Makes the values that are still to be made, one after the other.
    pub(super) async fn complete(self) -> Result<Extensions, Error> {
        let Self { mut values, pending, .. } = self;
        for PendingState { type_name, make, .. } in pending {
            let insert = make().await.map_err(|source| Error::state_failed(type_name, source))?;
            insert(&mut values);
        }
        Ok(values)
    }
}
