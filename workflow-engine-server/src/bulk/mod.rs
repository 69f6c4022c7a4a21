//! An action on many runs: what was previewed is what happens, and never more.

mod ticket;
mod act;

pub(crate) use act::perform;
pub(crate) use ticket::{BulkAction, Ticket};
