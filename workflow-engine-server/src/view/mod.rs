//! What the API shows of records: no payload is part of them unless its caller may see it.

mod run;
mod stage;
mod visible;
mod workflow;

pub(crate) use run::{ErrorView, ListedRun, RunDetail, RunView};
pub(crate) use visible::{visible_annotation, visible_call, visible_dead_letter, visible_event, visible_log};
pub(crate) use workflow::{WorkflowDetail, WorkflowView, group};
