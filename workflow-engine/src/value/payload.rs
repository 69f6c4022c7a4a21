//! The one bound on everything that is stored.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What can be stored: fields of input and configuration, and outputs.
///
/// Never implemented by hand: derive `Serialize`, `Deserialize` and `JsonSchema`.
pub trait Payload: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static> Payload for T {}

/// Every [`Payload`], as the bound of an associated type.
///
/// The compiler checks each supertrait of such a bound by itself: with `Payload` there, a type without its three
/// derives is three errors. This trait has only what every ordinary type is, so that is one error, in its own
/// words; it delegates instead.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored",
    label = "cannot be stored",
    note = "derive `serde::Serialize`, `serde::Deserialize` and `schemars::JsonSchema` for `{Self}`",
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
    /// Those of the deserializer, and when what it reads is no such value.
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

/// A storable value under the traits of serde.
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
