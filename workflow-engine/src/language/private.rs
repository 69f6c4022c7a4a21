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

pub use super::check::{Graph, Node, check_identity, check_stage};
pub use super::check_function::{
    CheckFunction, Checked, IsCheck, TakesTicket, TicketFor, Waits, store_ticket,
};
pub use super::context::StageContext;
pub use super::definition::WorkflowDefinition;
pub use super::edge::{Follows, InputTypes, Joins, Starts};
pub use super::empty::{Faulty, NoConfig, NoInput};
pub use super::entry::{failed, finish, store};
pub use super::failure::StageError;
pub use super::ide;
pub use super::json::Json;
pub use super::outputs::{Decoded, decode_ends, decode_stored};
pub use super::record::{
    At, Field, FieldShape, Listed, Lone, LoneShape, ObjectSchema, Reader, Record, Shape, Values, debug,
    describe, deserialize, ids, record_schema, schema_id, schema_name, serialize, write_stage,
};
pub use super::require::{ContextOf, Optionally, OutputAs, Requires, prepare, prepare_optional};
pub use super::retry::{Backoff, RetryPolicy};
pub use super::returns::{Failure, Returns};
pub use super::rules::{Bound, HasLength, HasPattern, HasRange, Rule};
pub use super::stage::{Requirement, Running, Stage, StageDeclaration, StagePath};
pub use super::table::{InputRow, StageRow, WorkflowTable, define, output_schema, schema};
pub use super::upstream::{Group, MoreThanSixteen, Single, Upstream};
pub use super::wait::{Check, WaitDefinition};
pub use super::workflow::Workflow;
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
