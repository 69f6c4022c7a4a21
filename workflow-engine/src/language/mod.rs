//! The traits that the macros implement: a stage, its check, the outputs that it requires, and a workflow.

mod stage_trait;
mod check_result;
mod require;
mod state;
mod check_function;
mod workflow;
mod has_stage;
mod signal_stage;
mod typed_context;
mod start_child;
#[cfg(feature = "testing")]
mod stubs;

pub use check_function::{CheckFunction, Checked, IsCheck, TakesTicket, TicketFor, Waits};
pub use check_result::Check;
pub use has_stage::HasStage;
pub use require::{ContextOf, Optionally, OutputAs, Requires, prepare, prepare_optional};
pub use signal_stage::SignalStage;
pub use stage_trait::{ConfiguredSettings, InputTypes, Running, Stage};
pub use start_child::StartChild;
pub use state::{CloneState, State};
pub use workflow::Workflow;

#[cfg(feature = "testing")]
pub(crate) use stubs::Stubs;
