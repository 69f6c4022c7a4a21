//! Reading the fields of a record.

use std::marker::PhantomData;

use serde::de::{Deserialize, Error, IgnoredAny, MapAccess};
use serde_json::Value;

use super::flat::{FlatDeserializer, FlatKeys};
use super::missing::from_nothing;
use crate::stage::Stage;
use crate::value::{Storable, Stored, unknown_field};

/// Hands a record its fields, key by key.
#[derive(Debug)]
pub struct Reader<'de, A> {
    map: A,
    keys: &'static [&'static str],
    flattened: bool,
    strict: bool,
    /// What the flattened fields have not taken yet.
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

    /// The index of the next key that the record knows.
    ///
    /// # Errors
    /// Those of the deserializer, and an unknown key where the record is strict.
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

    /// Reads everything, for the fields to be taken out of it one by one.
    ///
    /// # Errors
    /// Those of the deserializer, a key that comes twice, and an unknown key where the record is strict.
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

    /// A stage's configuration out of what was collected; when it is missing, it consists of its defaults.
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

    /// A flattened field, from the keys that nobody took before it.
    ///
    /// # Errors
    /// Those of the field.
    pub(crate) fn flattened<T: Storable>(&mut self) -> Result<T, A::Error> {
        T::load(FlatDeserializer { rest: &mut self.rest, keys: &mut self.flat })
            .map_err(|error| A::Error::custom(error.to_string()))
    }

    /// Refuses keys that are left, where the record is strict.
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

/// Names the field in an error of its value.
fn in_field<E: Error>(key: &str, error: &E) -> E {
    let text = error.to_string();
    // serde_json appends its position to every error that passes through it, this one included; once is enough.
    let text = text.rfind(" at line ").map_or(text.as_str(), |at| &text[..at]);
    E::custom(format_args!("field `{key}`: {text}"))
}
