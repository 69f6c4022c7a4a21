//! The ledger of calls of language models: what a call may cost is reserved before it is made, and settled after.

mod call;
mod statistics;
mod batch_rows;
mod noop;

pub use call::{BatchNames, CallLedger, CallOutcome, CallReservation, SettledCall};
pub use statistics::{CallStatistics, CallSums};

pub use crate::value::CallId;

pub(crate) use batch_rows::BatchRows;
pub(crate) use noop::NoCalls;
