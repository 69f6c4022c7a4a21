//! A compiled workflow as plain data: its stages, their retry policies and waits, and what is derived from them: the plan,
//! JSON Schemas, drawings and the fingerprint.

mod stage_path;
mod retry;
mod wait;
mod state_type;
mod declaration;
pub(crate) mod rules;
mod config;
mod input_rules;
mod input;
mod canonical;
mod source;
mod choice;
mod child_workflow;
mod delay;
mod next;
mod stage;
mod settings;
mod workflow;
pub(crate) mod fingerprint;
mod plan;
mod schema;
mod description;
mod graph;
mod drawing;
mod layout;
mod layout_rows;
mod layout_graph;
mod svg;

pub use child_workflow::ChildWorkflow;
pub use choice::{ArmDefinition, CatchDefinition, ChoiceDefinition};
pub use declaration::{OverBudget, Requirement, StageDeclaration};
pub use graph::Graph;
pub use layout::{EdgeEnd, Junction, Layout, PlacedEdge, PlacedStage};
pub use retry::{Backoff, RetryPolicy};
pub use rules::{Bound, HasLength, HasPattern, HasRange, LengthUnit, Rule};
pub use settings::{CountSetting, DurationSetting, StageSettings};
#[doc(hidden)]
pub use source::Source;
pub use stage::{Execution, StageDefinition};
pub use stage_path::StagePath;
pub use state_type::StateType;
pub use wait::{CheckExecution, CheckOutcome, WaitDefinition};
pub use workflow::WorkflowDefinition;

#[cfg(feature = "testing")]
pub(crate) use canonical::normal_form;
pub(crate) use choice::Choose;
pub(crate) use config::{ConfigDefinition, ConfigFault, FLATTENED};
pub(crate) use fingerprint::fingerprint;
#[cfg(feature = "testing")]
pub(crate) use fingerprint::{ALGORITHM, hash, receives};
pub(crate) use graph::GraphStage;
pub(crate) use input::{InputDefinition, UnknownInput};
pub(crate) use input_rules::{CheckStart, InputRules};
pub(crate) use next::{RunOutput, caught};
pub(crate) use rules::{ValueRules, is_without_rules};
pub(crate) use settings::ReadSettings;
pub(crate) use source::{Outcome, Progress, Slot};
pub(crate) use stage::Entry;
pub(crate) use stage_path::same_text;
