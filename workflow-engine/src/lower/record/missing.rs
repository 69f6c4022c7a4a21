//! Reading absent fields.

use std::marker::PhantomData;

use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error, Visitor};
use serde::forward_to_deserialize_any;

use crate::value::Storable;

/// Reads an absent field: `None` for an `Option`, as in serde's derives, and otherwise an error.
pub(crate) fn missing_field<T: Storable, E: Error>(key: &'static str) -> Result<T, E> {
    T::load(Missing { key, error: PhantomData })
}

struct Missing<E> {
    key: &'static str,
    error: PhantomData<E>,
}

impl<'de, E: Error> Deserializer<'de> for Missing<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, E> {
        Err(E::missing_field(self.key))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Reads a configuration without keys: the defaults, if every field has one.
pub(crate) fn from_nothing<T: DeserializeOwned, E: Error>() -> Result<T, E> {
    T::deserialize(MapDeserializer::<_, E>::new(std::iter::empty::<(&str, &str)>()))
}
