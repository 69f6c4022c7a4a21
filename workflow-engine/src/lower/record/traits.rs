//! The traits of a generated structure.

use serde::de::MapAccess;
use serde::ser::SerializeMap;

use super::object_schema::ObjectSchema;
use super::reader::Reader;
use crate::value::Storable;

/// A generated structure.
pub trait Record: Sized {
    /// The type's name.
    const NAME: &'static str;
    /// The keys, in the order of the indices of [`Field`]. Flattened fields have no key; their indices come last.
    const FIELDS: &'static [&'static str];
    /// Whether there are flattened fields, which accept keys that are not in `FIELDS`.
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
    /// Those of the fields, and a missing field without a default.
    fn read<'de, A: MapAccess<'de>>(reader: &mut Reader<'de, A>) -> Result<Self, A::Error>;

    /// Describes every field.
    fn schema(object: &mut ObjectSchema<'_>);
}

/// The field `INDEX` of a record.
///
/// Generated code contains each field type only here and refers to it through this trait, so that a type that cannot be
/// stored is reported once, where the user wrote it.
pub trait Field<const INDEX: usize> {
    /// The field's type.
    type Type: Storable;

    /// Returns the field.
    fn of(&self) -> &Self::Type;

    /// Returns the field's default, if its shape has one.
    #[must_use]
    fn default() -> Self::Type {
        unreachable!("this field has no default")
    }
}
