//! The functions to which the generated implementations of serde, schemars and `Debug` delegate.

use std::any::type_name;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{Schema, SchemaGenerator};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};

use super::object_schema::ObjectSchema;
use super::reader::Reader;
use super::traits::Record;
use crate::value::exact::encode_leniently;

/// `Serialize` of a record.
///
/// # Errors
/// Those of the serializer and of the fields.
pub fn serialize<R: Record, S: Serializer>(record: &R, serializer: S) -> Result<S::Ok, S::Error> {
    // The number of keys of a flattened field is unknown before it is written.
    let length = (!R::FLATTENED).then_some(R::FIELDS.len());
    let mut map = serializer.serialize_map(length)?;
    record.write(&mut map)?;
    map.end()
}

/// `Deserialize` of a record.
///
/// # Errors
/// Those of the deserializer and of the fields, and an unknown key if the record is strict.
pub fn deserialize<'de, R: Record, D: Deserializer<'de>>(deserializer: D) -> Result<R, D::Error> {
    let visitor = RecordVisitor(PhantomData);
    if R::FLATTENED {
        // With `deserialize_struct`, a format could skip the keys of the flattened fields.
        deserializer.deserialize_map(visitor)
    } else {
        deserializer.deserialize_struct(R::NAME, R::FIELDS, visitor)
    }
}

struct RecordVisitor<R>(PhantomData<R>);

impl<'de, R: Record> Visitor<'de> for RecordVisitor<R> {
    type Value = R;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the fields of `{}`", R::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<R, A::Error> {
        let mut reader = Reader::new(map, R::FIELDS, R::FLATTENED, R::STRICT);
        let record = R::read(&mut reader)?;
        reader.finish()?;
        Ok(record)
    }
}

/// The JSON Schema of a record.
#[must_use]
pub fn record_schema<R: Record>(generator: &mut SchemaGenerator) -> Schema {
    let mut object = ObjectSchema::new(generator);
    R::schema(&mut object);
    object.finish(R::STRICT, R::FLATTENED)
}

/// Returns the name of the type.
#[must_use]
pub fn schema_name<R: Record>() -> Cow<'static, str> {
    Cow::Borrowed(R::NAME)
}

/// Returns an id that differs between types with the same name.
#[must_use]
pub fn schema_id<R>() -> Cow<'static, str> {
    Cow::Borrowed(type_name::<R>())
}

/// `Debug` of a record: its name and its JSON, which needs no `Debug` of the fields' types.
///
/// # Errors
/// Those of the formatter.
pub fn debug<R: serde::Serialize + Record>(record: &R, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match encode_leniently(record) {
        Ok(json) => write!(f, "{} {json}", R::NAME),
        Err(error) => write!(f, "{} (cannot be written: {error})", R::NAME),
    }
}
