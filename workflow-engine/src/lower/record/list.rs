//! A record as the list of its fields.

use serde::de::MapAccess;
use serde::ser::SerializeMap;

use super::flat::FlatSerializer;
use super::missing::missing_field;
use super::object_schema::ObjectSchema;
use super::reader::Reader;
use super::traits::{Field, Record};
use crate::definition::Rule;
use crate::language::InputTypes;
use crate::value::{Storable, Stored};

/// A structure with a list of fields: everything that is generated for an input or a configuration.
pub trait Listed: Sized {
    /// The list, `(At<0>, (At<1>, ()))`; fields with a key come first.
    type Fields: List<Self>;

    /// The types of the fields for messages: the type of one field, the tuple of several.
    type Parameters;

    /// The properties of the structure that are not types.
    const SHAPE: Shape;

    /// Makes the structure from the values of its fields.
    fn make(values: Values<Self>) -> Self;
}

/// The values of the fields of `R`, as nested pairs.
pub type Values<R> = <<R as Listed>::Fields as List<R>>::Values;

/// The properties of a record that are not types.
#[derive(Debug)]
pub struct Shape {
    /// The type's name.
    pub name: &'static str,
    /// Whether an unknown key is an error.
    pub strict: bool,
    /// The keys. A flattened field has none.
    pub keys: &'static [&'static str],
    /// The fields in the order of their indices.
    pub fields: &'static [FieldShape],
}

/// The properties of a field other than its type.
#[derive(Debug)]
pub struct FieldShape {
    absent: Absent,
    doc: &'static str,
    rules: &'static [Rule],
}

/// The behaviour if the key of a field is absent.
#[derive(Clone, Copy, Debug)]
enum Absent {
    Missing,
    Default,
    /// The field has no key.
    Flattened,
}

impl FieldShape {
    /// A field without a default.
    #[must_use]
    pub const fn required(doc: &'static str) -> Self {
        Self { absent: Absent::Missing, doc, rules: &[] }
    }

    /// A field with [`Field::default`].
    #[must_use]
    pub const fn defaulted(doc: &'static str) -> Self {
        Self { absent: Absent::Default, doc, rules: &[] }
    }

    /// A field whose keys stand among those of the record.
    #[must_use]
    pub const fn flattened() -> Self {
        Self { absent: Absent::Flattened, doc: "", rules: &[] }
    }

    /// Adds rules.
    #[must_use]
    pub const fn ruled(mut self, rules: &'static [Rule]) -> Self {
        self.rules = rules;
        self
    }
}

/// The field `INDEX` in the list of a record.
#[derive(Debug)]
pub struct At<const INDEX: usize>;

/// The fields of `R` as nested pairs, which generic code can walk at any length.
pub trait List<R> {
    /// The values.
    type Values;
    /// The values that have been read so far.
    type Slots: Default;

    /// Writes every field.
    ///
    /// # Errors
    /// Those of the serializer and of the fields.
    fn write<M: SerializeMap>(record: &R, map: &mut M) -> Result<(), M::Error>;

    /// Reads the value of the field `index`.
    ///
    /// # Errors
    /// Those of the field, and a repeated key.
    fn read<'de, A>(
        reader: &mut Reader<'de, A>,
        index: usize,
        slots: &mut Self::Slots,
    ) -> Result<(), A::Error>
    where
        A: MapAccess<'de>;

    /// Returns the values after all keys have been read.
    ///
    /// # Errors
    /// Those of flattened fields, and a missing field without a default.
    fn finish<'de, A>(reader: &mut Reader<'de, A>, slots: Self::Slots) -> Result<Self::Values, A::Error>
    where
        A: MapAccess<'de>;

    /// Describes every field.
    fn schema(object: &mut ObjectSchema<'_>);
}

impl<R> List<R> for () {
    type Values = ();
    type Slots = ();

    fn write<M: SerializeMap>(_: &R, _: &mut M) -> Result<(), M::Error> {
        Ok(())
    }

    fn read<'de, A: MapAccess<'de>>(_: &mut Reader<'de, A>, _: usize, (): &mut ()) -> Result<(), A::Error> {
        Ok(())
    }

    fn finish<'de, A: MapAccess<'de>>(_: &mut Reader<'de, A>, (): ()) -> Result<(), A::Error> {
        Ok(())
    }

    fn schema(_: &mut ObjectSchema<'_>) {}
}

impl<R, const INDEX: usize, Rest> List<R> for (At<INDEX>, Rest)
where
    R: Listed + Field<INDEX>,
    Rest: List<R>,
{
    type Values = (R::Type, Rest::Values);
    type Slots = (Option<R::Type>, Rest::Slots);

    fn write<M: SerializeMap>(record: &R, map: &mut M) -> Result<(), M::Error> {
        let value = <R as Field<INDEX>>::of(record);
        match R::SHAPE.fields[INDEX].absent {
            Absent::Flattened => value.store(FlatSerializer(map))?,
            Absent::Missing | Absent::Default => map.serialize_entry(R::SHAPE.keys[INDEX], &Stored(value))?,
        }
        Rest::write(record, map)
    }

    fn read<'de, A>(
        reader: &mut Reader<'de, A>,
        index: usize,
        (slot, rest): &mut Self::Slots,
    ) -> Result<(), A::Error>
    where
        A: MapAccess<'de>,
    {
        if index == INDEX { reader.fill(R::SHAPE.keys[INDEX], slot) } else { Rest::read(reader, index, rest) }
    }

    fn finish<'de, A>(
        reader: &mut Reader<'de, A>,
        (slot, rest): Self::Slots,
    ) -> Result<Self::Values, A::Error>
    where
        A: MapAccess<'de>,
    {
        let value = match (R::SHAPE.fields[INDEX].absent, slot) {
            (_, Some(value)) => value,
            (Absent::Missing, None) => missing_field(R::SHAPE.keys[INDEX])?,
            (Absent::Default, None) => <R as Field<INDEX>>::default(),
            (Absent::Flattened, None) => reader.flattened()?,
        };
        Ok((value, Rest::finish(reader, rest)?))
    }

    fn schema(object: &mut ObjectSchema<'_>) {
        let FieldShape { absent, doc, rules } = R::SHAPE.fields[INDEX];
        match absent {
            Absent::Missing => object.required::<R::Type>(R::SHAPE.keys[INDEX], doc),
            Absent::Default => object.defaulted(R::SHAPE.keys[INDEX], doc, &<R as Field<INDEX>>::default()),
            Absent::Flattened => object.flattened::<R::Type>(),
        }
        if !rules.is_empty() {
            object.ruled(R::SHAPE.keys[INDEX], rules);
        }
        Rest::schema(object);
    }
}

impl<R: Listed> Record for R {
    const NAME: &'static str = R::SHAPE.name;
    const FIELDS: &'static [&'static str] = R::SHAPE.keys;
    const FLATTENED: bool = R::SHAPE.keys.len() < R::SHAPE.fields.len();
    const STRICT: bool = R::SHAPE.strict;

    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        R::Fields::write(self, map)
    }

    fn read<'de, A: MapAccess<'de>>(reader: &mut Reader<'de, A>) -> Result<Self, A::Error> {
        let mut slots = <R::Fields as List<R>>::Slots::default();
        while let Some(index) = reader.next_field()? {
            R::Fields::read(reader, index, &mut slots)?;
        }
        R::Fields::finish(reader, slots).map(R::make)
    }

    fn schema(object: &mut ObjectSchema<'_>) {
        R::Fields::schema(object);
    }
}

impl<R: Listed> InputTypes for R {
    type Parameters = R::Parameters;

    fn rules() -> Vec<(&'static str, &'static [Rule])> {
        let fields = R::SHAPE.keys.iter().zip(R::SHAPE.fields);
        fields.filter(|(_, field)| !field.rules.is_empty()).map(|(key, field)| (*key, field.rules)).collect()
    }
}
