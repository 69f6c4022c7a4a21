//! What every generated structure is written with.
//!
//! These are macros by example because of what they cost: the compiler reads the same tokens three times as fast from
//! here as from a procedural macro, which is not optimized in a debug build and hands over each token by itself.

/// Implements for a structure what makes it a record: it is taken apart and put together, cloned, and known to serde,
/// schemars and `Debug`. Its fields are described by implementations of `Field` beside it.
#[doc(hidden)]
#[macro_export]
macro_rules! __record {
    (
        $name:ident = $shape:expr;
        fields $fields:ty { $($field:ident: $type:ty,)* }
        make $made:pat => $values:tt
        $(from $from:ty = $given:pat,)?
    ) => {
        impl $crate::__private::Listed for $name {
            type Fields = $fields;
            const SHAPE: $crate::__private::Shape = $shape;
            fn make($made: $crate::__private::Values<Self>) -> Self {
                Self $values
            }
        }

        $(impl $crate::__private::From<$from> for $name {
            fn from($given: $from) -> Self {
                Self $values
            }
        })?

        // A plain bound on a type that is not generic is an error where it does not hold; one under `for` only takes
        // the implementation away.
        impl $crate::__private::Clone for $name
        where
            $(for<'any> $type: $crate::__private::Clone,)*
        {
            fn clone(&self) -> Self {
                Self { $($field: $crate::__private::Clone::clone(&self.$field),)* }
            }
        }

        $crate::__delegate!($name);
    };
}

/// Implements for a record the traits that others know it by, each a call into the library.
#[doc(hidden)]
#[macro_export]
macro_rules! __delegate {
    ($name:ident) => {
        impl $crate::__private::Serialize for $name {
            fn serialize<S: $crate::__private::Serializer>(
                &self,
                to: S,
            ) -> $crate::__private::Result<S::Ok, S::Error> {
                $crate::__private::serialize(self, to)
            }
        }

        impl<'de> $crate::__private::Deserialize<'de> for $name {
            fn deserialize<D: $crate::__private::Deserializer<'de>>(
                from: D,
            ) -> $crate::__private::Result<Self, D::Error> {
                $crate::__private::deserialize(from)
            }
        }

        impl $crate::__private::JsonSchema for $name {
            fn schema_name() -> $crate::__private::Cow<'static, str> {
                $crate::__private::schema_name::<Self>()
            }

            fn schema_id() -> $crate::__private::Cow<'static, str> {
                $crate::__private::schema_id::<Self>()
            }

            fn json_schema(generator: &mut $crate::__private::SchemaGenerator) -> $crate::__private::Schema {
                $crate::__private::record_schema::<Self>(generator)
            }
        }

        impl $crate::__private::Debug for $name {
            fn fmt(&self, f: &mut $crate::__private::Formatter<'_>) -> $crate::__private::FmtResult {
                $crate::__private::debug(self, f)
            }
        }
    };
}
