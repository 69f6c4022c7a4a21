//! The names that generated code uses. They have no stability: both crates are released together.

// The macros that write the implementations.
pub use crate::{__record as record, __stage as stage, __workflow as workflow};

// Names that the user can shadow, and names of crates that the user's crate may not depend on.
pub use ::schemars::{JsonSchema, Schema, SchemaGenerator};
pub use ::serde::de::MapAccess;
pub use ::serde::ser::SerializeMap;
pub use ::serde::{Deserialize, Deserializer, Serialize, Serializer};
pub use ::serde_json::Error as JsonError;
pub use core::clone::Clone;
pub use core::convert::From;
pub use core::default::Default;
pub use core::fmt::{Debug, Formatter, Result as FmtResult};
// Not their variants: rustc would propose `__private::Ok(…)` to users.
pub use core::option::Option;
pub use core::result::Result;
pub use std::borrow::Cow;
pub use std::boxed::Box;
pub use std::collections::HashMap;
pub use std::string::String;
pub use std::sync::LazyLock;
pub use std::vec::Vec;

// Values and the context.
pub use crate::context::{StageContext, StageError};
pub use crate::value::{Faulty, Json, NoConfig, NoInput};

// The declaration of a stage.
pub use crate::definition::{
    Backoff, Bound, HasLength, HasPattern, HasRange, Requirement, RetryPolicy, Rule, StageDeclaration,
    StagePath, StageSettings, StateType, WaitDefinition, WorkflowDefinition,
};

// Stages, checks and workflows.
pub use crate::language::{
    Check, CheckFunction, Checked, CloneState, ConfiguredSettings, ContextOf, HasStage, InputTypes, IsCheck,
    Optionally, OutputAs, Requires, Running, SignalStage, Stage, State, TakesTicket, TicketFor, Waits,
    Workflow, prepare, prepare_optional,
};
pub use crate::lower::returns::{Decided, Failure, Returns, Undecided};

// Inputs and configurations.
pub use crate::lower::record::{
    At, Field, FieldShape, Listed, Lone, LoneShape, ObjectSchema, Reader, Record, Shape, Values, debug,
    deserialize, record_schema, schema_id, schema_name, serialize,
};
pub use crate::lower::stage_configs::{describe, ids, write_stage};

// Calling a stage and its check on stored values.
pub use crate::lower::check_entry::{signal_definition, store_question, store_ticket, wait_definition};
pub use crate::lower::child_stage::Whole;
pub use crate::lower::entry::{failed, finish, store};

// The graph.
pub use crate::definition::Source;
pub use crate::lower::arms::{AnyOf, AnyOrNone, Arm, EmptyArm, NoArm};
pub use crate::lower::choice::{ArmRow, CatchRow, Caught, ChoiceRow, Chooses, Enters, bound_entry, choose};
pub use crate::lower::edge::{End, Follows, Joins, ListItem, Starts};
pub use crate::lower::graph::{Graph, Node, check_identity, check_stage, is_repeated};
pub use crate::lower::match_edge::{AgreesWith, FollowsCatch, FollowsMatch, SameAs, Takes};
pub use crate::lower::node::StageNode;
pub use crate::lower::outputs::{Decoded, decode_output, decode_stored};
pub use crate::lower::repeated::Repeated;
pub use crate::lower::table::{InputRow, StageRow, WorkflowTable, define, output_schema, schema};
pub use crate::lower::timing::Timing;
pub use crate::lower::upstream::{Group, List, Single, Unlisted, Upstream};
pub use crate::records::StageFailure;

// Editors.
pub use crate::lower::ide;

/// The configuration of the stage `S`.
pub type ConfigOf<S> = <S as Stage>::Config;

/// The output of the stage `S`.
pub type OutputOf<S> = <S as Stage>::Output;

/// The types of the plain parameters of the stage `S`.
pub type ParametersOf<S> = <<S as Stage>::Input as InputTypes>::Parameters;

/// Every type. `PROOF` is a constant that only the required kind of type has, for example `<path as Stage>::IS_STAGE`, so
/// that rustc reports any other type here, once.
pub trait Known<const PROOF: usize> {
    /// The type itself.
    type Type;
}

impl<T, const PROOF: usize> Known<PROOF> for T {
    type Type = T;
}
