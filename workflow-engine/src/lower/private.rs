//! What generated code calls. It has no stability of its own: both crates are released together.

pub use crate::{__record as record, __stage as stage, __whole as whole};

pub use ::schemars::{JsonSchema, Schema, SchemaGenerator};
pub use ::serde::de::MapAccess;
pub use ::serde::ser::SerializeMap;
pub use ::serde::{Deserialize, Deserializer, Serialize, Serializer};
pub use core::clone::Clone;
pub use core::convert::From;
pub use core::default::Default;
pub use core::fmt::{Debug, Formatter, Result as FmtResult};
pub use core::option::Option::{self, None, Some};
pub use core::result::Result::{self, Err, Ok};
pub use std::borrow::Cow;
pub use std::collections::HashMap;
pub use std::string::String;
pub use std::sync::LazyLock;

pub use serde_json::Error as JsonError;

pub use crate::context::{StageContext, StageError};
pub use crate::definition::{
    Backoff, Bound, HasLength, HasPattern, HasRange, Requirement, RetryPolicy, Rule, StageDeclaration,
    StagePath, WaitDefinition, WorkflowDefinition,
};
pub use crate::lower::check_entry::{store_ticket, wait_definition};
pub use crate::lower::edge::{Follows, Joins, Starts};
pub use crate::lower::entry::{failed, finish, store};
pub use crate::lower::graph::{Graph, Node, check_identity, check_stage};
pub use crate::lower::ide;
pub use crate::lower::node::StageNode;
pub use crate::lower::outputs::{Decoded, decode_ends, decode_stored};
pub use crate::lower::record::{
    At, Field, FieldShape, Listed, Lone, LoneShape, ObjectSchema, Reader, Record, Shape, Values, debug,
    describe, deserialize, ids, record_schema, schema_id, schema_name, serialize, write_stage,
};
pub use crate::lower::returns::{Failure, Returns};
pub use crate::lower::table::{InputRow, StageRow, WorkflowTable, define, output_schema, schema};
pub use crate::lower::upstream::{Group, MoreThanSixteen, Single, Upstream};
pub use crate::stage::{
    Check, CheckFunction, Checked, ContextOf, InputTypes, IsCheck, Optionally, OutputAs, Requires, Running,
    Stage, TakesTicket, TicketFor, Waits, Workflow, prepare, prepare_optional,
};
pub use crate::value::{Faulty, Json, NoConfig, NoInput};
pub use std::boxed::Box;

/// The configuration of the stage `S`.
pub type ConfigOf<S> = <S as Stage>::Config;

/// The output of the stage `S`.
pub type OutputOf<S> = <S as Stage>::Output;

/// The types of what the stage `S` takes.
pub type ParametersOf<S> = <<S as Stage>::Input as InputTypes>::Parameters;

/// Every type; `PROOF` is a constant that only those have that are what is asked for.
pub trait Known<const PROOF: usize> {
    /// The type itself.
    type Type;
}

impl<T, const PROOF: usize> Known<PROOF> for T {
    type Type = T;
}
