//! The types of the values that stages take from the program.

use std::any::{TypeId, type_name};
use std::fmt;

/// The type of a `#[state]` parameter of a stage or of its check.
///
/// [`EngineBuilder::build`](crate::EngineBuilder::build) compares these types with the values that the engine has. A test
/// can do the same:
///
/// ```
/// use std::sync::Arc;
/// use workflow_engine::prelude::*;
///
/// struct Rates {
///     eur: f64,
/// }
///
/// #[stage]
/// async fn convert(usd: f64, #[state] rates: &Arc<Rates>) -> StageResult<f64> {
///     Ok(usd * rates.eur)
/// }
///
/// let state = convert::DECLARATION.state;
/// assert_eq!(state.len(), 1);
/// assert!(state[0].is::<Arc<Rates>>());
/// assert_eq!(state[0].name(), "Arc<Rates>");
/// ```
#[derive(Clone, Copy)]
pub struct StateType {
    id: TypeId,
    name: &'static str,
    type_name: fn() -> &'static str,
}

impl StateType {
    /// The type `T`, which the stage writes as `name`.
    #[doc(hidden)]
    #[must_use]
    pub const fn of<T: ?Sized + 'static>(name: &'static str) -> Self {
        Self { id: TypeId::of::<T>(), name, type_name: type_name::<T> }
    }

    /// Returns whether this is the type `T`.
    #[must_use]
    pub fn is<T: ?Sized + 'static>(&self) -> bool {
        self.id == TypeId::of::<T>()
    }

    /// Returns the type as the stage writes it, without the reference: `PgPool`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the full name of the type, as [`std::any::type_name`].
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        (self.type_name)()
    }

    /// Returns the id of the type.
    #[must_use]
    pub const fn type_id(&self) -> TypeId {
        self.id
    }
}

impl PartialEq for StateType {
    /// Compares the types. Two stages can write one type differently.
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for StateType {}

impl fmt::Debug for StateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StateType").field(&self.type_name()).finish()
    }
}
