//! Generated structures that serde and schemars read and write without derives.
//!
//! Derives take about 30 ms of `cargo check` for each stage. Generated code contains only the list of the fields' types and
//! functions to make the structure and to read its fields. Everything else is generic code of this module, which rustc
//! instantiates only when it generates machine code, and so not in `cargo check`.

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
