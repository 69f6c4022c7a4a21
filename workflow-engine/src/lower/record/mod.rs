//! Generated structures that serde and schemars read and write without derives.
//!
//! A derive costs about thirty milliseconds a stage of `cargo check`. What is generated here is a list of the fields'
//! types and the functions that take the structure apart and put it together; everything else is in the functions of
//! this module, and made for a structure only when code is made at all, which `cargo check` does not.

mod traits;
mod list;
mod lone;
mod delegate;
mod reader;
mod object_schema;
mod flat;
mod missing;

pub use delegate::{debug, deserialize, record_schema, schema_id, schema_name, serialize};
pub use list::{At, FieldShape, Listed, Shape, Values};
pub use lone::{Lone, LoneShape};
pub use object_schema::ObjectSchema;
pub use reader::Reader;
pub use traits::{Field, Record};

pub(crate) use missing::from_nothing;
