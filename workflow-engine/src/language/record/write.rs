//! Writing a record.

use serde::ser::{SerializeMap, Serializer};

use super::flat::FlatSerializer;
use super::{Field, Record};
use crate::language::payload::{Storable, Stored};
use crate::language::stage::Stage;

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
pub fn write_field<R, const INDEX: usize, M>(map: &mut M, value: &R::Type) -> Result<(), M::Error>
where
    R: Record + Field<INDEX>,
    M: SerializeMap,
{
    map.serialize_entry(R::FIELDS[INDEX], &Stored(value))
}

/// Writes the keys of a flattened field.
///
/// # Errors
/// Those of the serializer and of the field, and when the field is not written as a structure or a map.
pub fn write_flat<R, const INDEX: usize, M>(map: &mut M, value: &R::Type) -> Result<(), M::Error>
where
    R: Field<INDEX>,
    M: SerializeMap,
{
    value.store(FlatSerializer(map))
}

/// Writes a stage's configuration under the stage's id.
///
/// # Errors
/// Those of the serializer and of the configuration.
pub fn write_stage<S: Stage, M: SerializeMap>(map: &mut M, config: &S::Config) -> Result<(), M::Error> {
    map.serialize_entry(S::DECLARATION.id, config)
}
