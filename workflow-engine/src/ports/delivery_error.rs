//! The reasons why events were refused.

use std::error::Error as StdError;
use std::fmt;

/// The reason why an event was refused: any error, or a text (`"the service is unreachable".into()`).
pub type DeliveryError = Box<dyn StdError + Send + Sync>;

/// The refusal of a batch of events: as a whole, or from one event on.
///
/// Any error becomes a refusal of the whole batch with `?`. The engine then offers its events one by one, so that one bad
/// event does not hold up the others.
pub struct BatchError {
    pub(crate) handled: Option<usize>,
    pub(crate) error: DeliveryError,
}

impl BatchError {
    /// Refuses the whole batch.
    pub fn whole(error: impl Into<DeliveryError>) -> Self {
        Self { handled: None, error: error.into() }
    }

    /// Acknowledges the first `handled` events, and refuses the next one. Only this one counts as refused; those behind
    /// it are offered again.
    pub fn after(handled: usize, error: impl Into<DeliveryError>) -> Self {
        Self { handled: Some(handled), error: error.into() }
    }
}

// `BatchError` is no `Error` itself: otherwise this would overlap with the conversion of a type into itself.
impl<E: StdError + Send + Sync + 'static> From<E> for BatchError {
    fn from(error: E) -> Self {
        Self::whole(error)
    }
}

impl fmt::Debug for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchError").field("handled", &self.handled).field("error", &self.error).finish()
    }
}
