//! Reading the fields of a record.

use std::marker::PhantomData;

use serde::de::{Deserialize, Error, IgnoredAny, MapAccess};
use serde_json::Value;

use super::flat::{FlatDeserializer, FlatKeys};
use super::missing::from_nothing;
use crate::language::Stage;
use crate::value::{Storable, Stored, unknown_field};

/// Reads the fields of a record, key by key.
#[derive(Debug)]
pub struct Reader<'de, A> {
    map: A,
    keys: &'static [&'static str],
    flattened: bool,
    strict: bool,
    /// The keys and values that no flattened field has taken yet.
    rest: Vec<(String, Value)>,
    /// The keys that the flattened fields know.
    flat: FlatKeys,
    input: PhantomData<&'de ()>,
}

impl<'de, A: MapAccess<'de>> Reader<'de, A> {
    pub(super) fn new(map: A, keys: &'static [&'static str], flattened: bool, strict: bool) -> Self {
        let flat = FlatKeys::default();
        Self { map, keys, flattened, strict, rest: Vec::new(), flat, input: PhantomData }
    }

    /// Reads keys up to the next known one, and returns its index.
    ///
    /// # Errors
    /// Those of the deserializer, and an unknown key if the record is strict.
    pub fn next_field(&mut self) -> Result<Option<usize>, A::Error> {
        while let Some(key) = self.map.next_key::<String>()? {
            if let Some(index) = self.keys.iter().position(|known| *known == key) {
                return Ok(Some(index));
            }
            if self.flattened {
                let value = self.map.next_value()?;
                self.rest.push((key, value));
            } else if self.strict {
                return Err(A::Error::custom(unknown_field(&key, self.keys)));
            } else {
                self.map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(None)
    }

    /// Reads the value of a field.
    pub(crate) fn fill<T: Storable>(
        &mut self,
        key: &'static str,
        slot: &mut Option<T>,
    ) -> Result<(), A::Error> {
        if slot.is_some() {
            return Err(A::Error::duplicate_field(key));
        }
        let Stored(value) = self.map.next_value().map_err(|error| in_field(key, &error))?;
        *slot = Some(value);
        Ok(())
    }

    /// Reads all keys, so that the fields can be taken out one by one.
    ///
    /// # Errors
    /// Those of the deserializer, a repeated key, and an unknown key if the record is strict.
    pub fn collect(&mut self) -> Result<(), A::Error> {
        while let Some(index) = self.next_field()? {
            let key = self.keys[index];
            if self.rest.iter().any(|(other, _)| other == key) {
                return Err(A::Error::duplicate_field(key));
            }
            let value = self.map.next_value()?;
            self.rest.push((key.to_owned(), value));
        }
        Ok(())
    }

    /// Takes a stage's configuration out of the collected keys; a missing one consists of its defaults.
    ///
    /// # Errors
    /// Those of the configuration.
    pub fn stage_config<S: Stage>(&mut self) -> Result<S::Config, A::Error> {
        let id = S::DECLARATION.id;
        let config = match self.rest.iter().position(|(key, _)| key == id) {
            Some(at) => S::Config::deserialize(self.rest.swap_remove(at).1),
            None => from_nothing(),
        };
        config.map_err(|error: serde_json::Error| in_field(id, &A::Error::custom(error)))
    }

    /// Reads a flattened field from the keys that no field has taken yet.
    ///
    /// # Errors
    /// Those of the field.
    pub(crate) fn flattened<T: Storable>(&mut self) -> Result<T, A::Error> {
        T::load(FlatDeserializer { rest: &mut self.rest, keys: &mut self.flat })
            .map_err(|error| A::Error::custom(error.to_string()))
    }

    /// Refuses remaining keys if the record is strict.
    pub(super) fn finish(self) -> Result<(), A::Error> {
        match self.rest.first() {
            Some((key, _)) if self.strict && !self.flat.open => {
                let known: Vec<&str> = self.keys.iter().chain(&self.flat.known).copied().collect();
                Err(A::Error::custom(unknown_field(key, &known)))
            }
            _ => Ok(()),
        }
    }
}

/// Adds the name of the field to an error of its value.
fn in_field<E: Error>(key: &str, error: &E) -> E {
    let text = error.to_string();
    // serde_json appends the position to every error that passes through it, also to the new one.
    let text = text.rfind(" at line ").map_or(text.as_str(), |at| &text[..at]);
    E::custom(format_args!("field `{key}`: {text}"))
}
