//! What generated code calls. It has no stability of its own: both crates are released together.

pub use ::schemars;
pub use ::serde;
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
pub use super::edge::{Accepts, Follows, Joins, Starts};
pub use super::entry::store;
pub use super::failure::StageError;
pub use super::handed::{Group, Handed, MoreThanSixteen, One};
pub use super::json::Json;
pub use super::nothing::{Faulty, NoInput};
pub use super::outputs::{decode_ends, decode_stored};
pub use super::record::{
    Field, ObjectSchema, Reader, Record, debug, deserialize, record_schema, serialize, write_field,
    write_flat, write_stage,
};
pub use super::require::{ContextOf, Optionally, OutputAs, Requires, prepare, prepare_optional};
pub use super::returns::{Failure, Returns};
pub use super::rules::{Bound, HasLength, HasPattern, HasRange, Rule};
pub use super::stage::{Running, Stage, StagePath};
pub use super::table::{InputRow, StageRow, WorkflowTable, define, output_schema, schema};
pub use super::wait::{Check, WaitDefinition};
pub use std::boxed::Box;
