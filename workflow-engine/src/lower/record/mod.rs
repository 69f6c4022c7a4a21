//! Generated structures that serde and schemars read and write without derives.
//!
//! A derive costs about thirty milliseconds a stage of `cargo check`. What is generated here is a list of the fields'
//! types and the functions that take the structure apart and put it together; everything else is in the functions of
//! this module, and made for a structure only when code is made at all, which `cargo check` does not.

mod list;
mod lone;
mod generated;
mod whole;
mod flat;
mod missing;
mod read;
mod schema;
mod stages;
mod write;

use std::fmt;

use serde::de::MapAccess;
use serde::ser::SerializeMap;

use crate::value::{Json, Storable};

pub use list::{At, FieldShape, Listed, Shape, Values};
pub use lone::{Lone, LoneShape};
pub use read::{Reader, deserialize};
pub use schema::{ObjectSchema, record_schema, schema_id, schema_name};
pub use stages::{describe, ids, write_stage};
pub use write::serialize;

pub(crate) use missing::from_nothing;

/// A structure that a macro wrote.
pub trait Record: Sized {
    /// The type's name.
    const NAME: &'static str;
    /// The keys, in the order of the indices of [`Field`]; a flattened field has an index after them and no key.
    const FIELDS: &'static [&'static str];
    /// Whether there are flattened fields, which take keys that are not in `FIELDS`.
    const FLATTENED: bool;
    /// Whether an unknown key is an error.
    const STRICT: bool;

    /// Writes every field.
    ///
    /// # Errors
    /// Those of the fields.
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;

    /// Reads every field.
    ///
    /// # Errors
    /// Those of the fields, and a missing field that has no default.
    fn read<'de, A: MapAccess<'de>>(reader: &mut Reader<'de, A>) -> Result<Self, A::Error>;

    /// Describes every field.
    fn schema(object: &mut ObjectSchema<'_>);
}

/// The field `INDEX` of a record.
///
/// The generated code says each type here and names it by this trait ever after, so that a type that cannot be
/// stored is reported once, and where the user wrote it.
pub trait Field<const INDEX: usize> {
    /// The field's type.
    type Type: Storable;

    /// The field.
    fn of(&self) -> &Self::Type;

    /// The field's default, where its [`Shape`] says that it has one.
    #[must_use]
    fn default() -> Self::Type {
        unreachable!("the shape says that this field has no default")
    }
}

/// `Debug` of a record: its name and its JSON, because that asks nothing of the fields' types.
///
/// # Errors
/// Those of the formatter.
pub fn debug<R: serde::Serialize + Record>(record: &R, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match Json::encode(record) {
        Ok(json) => write!(f, "{} {json}", R::NAME),
        Err(error) => write!(f, "{} (cannot be written: {error})", R::NAME),
    }
}
