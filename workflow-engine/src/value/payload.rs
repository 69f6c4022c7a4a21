//! The bound on all stored types.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A type that can be stored: a field of an input or a configuration, an output or a ticket.
///
/// Do not implement it by hand: derive `Serialize`, `Deserialize` and `JsonSchema`.
pub trait Payload: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static> Payload for T {}

/// Every [`Payload`], as the bound of an associated type.
///
/// rustc checks each supertrait of such a bound separately: with `Payload`, a type without the three derives would be
/// three errors. This trait has only supertraits that ordinary types implement, and delegates to the others, so that the
/// mistake is one error with this trait's message.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored",
    label = "cannot be stored",
    note = "derive `serde::Serialize`, `serde::Deserialize` and `schemars::JsonSchema` for `{Self}`",
    note = "for a type of another crate, turn on that crate's feature `serde` and the feature of `schemars` for it: `chrono04` for \
            `chrono::DateTime`, `uuid1` for `uuid::Uuid`, `url2`, `rust_decimal1`, `jiff02`, `bytes1`, …",
    note = "a stored type must also be `Send + Sync + 'static`"
)]
pub trait Storable: Sized + Send + Sync + 'static {
    /// As [`Serialize::serialize`].
    ///
    /// # Errors
    /// Those of the serializer and of the value.
    #[doc(hidden)]
    fn store<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// As [`Deserialize::deserialize`].
    ///
    /// # Errors
    /// Those of the deserializer, and if the data is not such a value.
    #[doc(hidden)]
    fn load<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// As [`JsonSchema::json_schema`].
    #[doc(hidden)]
    fn own_schema(generator: &mut SchemaGenerator) -> Schema;

    /// As [`SchemaGenerator::subschema_for`].
    #[doc(hidden)]
    fn sub_schema(generator: &mut SchemaGenerator) -> Schema;

    /// As [`SchemaGenerator::into_root_schema_for`].
    #[doc(hidden)]
    fn root_schema(generator: SchemaGenerator) -> Schema;
}

#[diagnostic::do_not_recommend]
impl<T: Payload> Storable for T {
    fn store<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    fn load<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }

    fn own_schema(generator: &mut SchemaGenerator) -> Schema {
        Self::json_schema(generator)
    }

    fn sub_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Self>()
    }

    fn root_schema(generator: SchemaGenerator) -> Schema {
        generator.into_root_schema_for::<Self>()
    }
}

/// A storable value with the traits of serde.
pub(crate) struct Stored<T>(pub T);

impl<T: Storable> Serialize for Stored<&T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.store(serializer)
    }
}

impl<'de, T: Storable> Deserialize<'de> for Stored<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::load(deserializer).map(Self)
    }
}
