//! Writing a record.

use serde::ser::{SerializeMap, Serializer};

use super::Record;
use super::flat::FlatSerializer;
use crate::value::{Storable, Stored};

/// `Serialize` of a record.
///
/// # Errors
/// Those of the serializer and of the fields.
pub fn serialize<R: Record, S: Serializer>(record: &R, serializer: S) -> Result<S::Ok, S::Error> {
    // With flattened fields nobody knows the number of keys before they are written.
    let length = (!R::FLATTENED).then_some(R::FIELDS.len());
    let mut map = serializer.serialize_map(length)?;
    record.write(&mut map)?;
    map.end()
}

/// Writes one field under its key.
///
/// # Errors
/// Those of the serializer and of the field.
pub(crate) fn write_field<T: Storable, M: SerializeMap>(
    map: &mut M,
    key: &'static str,
    value: &T,
) -> Result<(), M::Error> {
    map.serialize_entry(key, &Stored(value))
}

/// Writes the keys of a flattened field.
///
/// # Errors
/// Those of the serializer and of the field, and when the field is not written as a structure or a map.
pub(crate) fn write_flat<T: Storable, M: SerializeMap>(map: &mut M, value: &T) -> Result<(), M::Error> {
    value.store(FlatSerializer(map))
}
