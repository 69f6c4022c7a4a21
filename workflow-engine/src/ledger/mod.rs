//! The ledger of calls to language models: a call's maximum cost is reserved before the request is sent, and the call is
//! settled with its outcome afterwards.
//!
//! [`CallLedger`] is the port. A stage reaches the ledger of its attempt with
//! [`ctx.ledger()`](crate::StageContext::ledger), a program the one for calls outside of runs with
//! [`Engine::ledger`](crate::Engine::ledger). With the feature `ai`, `AiSession` reserves and settles on the caller's
//! behalf.

mod call;
mod statistics;
mod batch_rows;
mod noop;
#[cfg(feature = "ai")]
pub(crate) mod usage;
#[cfg(feature = "ai")]
pub(crate) mod ai_error;

pub use call::{BatchNames, CallLedger, CallOutcome, CallReservation, SettledCall};
pub use statistics::{CallStatistics, CallSums};

pub use crate::value::CallId;

pub(crate) use batch_rows::BatchRows;
pub(crate) use noop::NoCalls;
