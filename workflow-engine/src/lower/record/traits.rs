//! What the functions of this folder need to know of a generated structure.

use serde::de::MapAccess;
use serde::ser::SerializeMap;

use super::object_schema::ObjectSchema;
use super::reader::Reader;
use crate::value::Storable;

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
