//! The implementations of a generated input or configuration.

/// Makes a structure a record: implements `Lone` or `Listed`, `From`, `Clone`, `Debug` and the traits of serde and
/// schemars.
///
/// A structure of several fields also has implementations of `Field`, which the procedural macro writes.
#[doc(hidden)]
#[macro_export]
macro_rules! __record {
    // An input of one field.
    (input $name:tt = $text:literal { $field:tt $key:literal: $type:ty = $doc:literal $($rules:expr)? }) => {
        impl $crate::__private::Lone for $name {
            type Type = $type;
            const SHAPE: $crate::__private::LoneShape<Self, $type> = $crate::__private::LoneShape {
                name: $text,
                strict: false,
                keys: &[$key],
                fields: &[$crate::__private::FieldShape::required($doc) $(.ruled($rules))?],
                of: |all| &all.$field,
                make: $crate::__private::From::from,
            };
        }

        impl $crate::__private::From<$type> for $name {
            fn from(value: $type) -> Self {
                Self { $field: value }
            }
        }

        $crate::__record!(traits $name { $field: $type, });
    };
    // A configuration of one field.
    (
        config $name:tt = $text:literal { $field:tt $key:literal: $type:ty = $shape:ident($doc:literal) $rules:expr }
        $($default:tt)*
    ) => {
        impl $crate::__private::Lone for $name {
            type Type = $type;
            const SHAPE: $crate::__private::LoneShape<Self, $type> = $crate::__private::LoneShape {
                name: $text,
                strict: true,
                keys: &[$key],
                fields: &[$crate::__private::FieldShape::$shape($doc).ruled($rules)],
                of: |all| &all.$field,
                make: |value| Self { $field: value },
            };
            $($default)*
        }

        $crate::__record!(traits $name { $field: $type, });
    };
    // Any number of fields.
    (
        $name:tt = $text:literal $strict:literal [$($key:literal)*]
        [$($shape:ident($($doc:literal)?) $(, $rules:expr)?;)*]
        fields $fields:ty { $($field:tt: $type:ty,)* }
        make $made:pat => $values:tt
        $(from $from:ty = $given:pat,)?
    ) => {
        impl $crate::__private::Listed for $name {
            type Fields = $fields;
            type Parameters = ($($type,)*);
            const SHAPE: $crate::__private::Shape = $crate::__private::Shape {
                name: $text,
                strict: $strict,
                keys: &[$($key),*],
                fields: &[$($crate::__private::FieldShape::$shape($($doc)?) $(.ruled($rules))?),*],
            };
            fn make($made: $crate::__private::Values<Self>) -> Self {
                Self $values
            }
        }

        $(impl $crate::__private::From<$from> for $name {
            fn from($given: $from) -> Self {
                Self $values
            }
        })?

        $crate::__record!(traits $name { $($field: $type,)* });
    };
    // Each implementation calls a function of the library.
    (traits $name:tt $({ $($field:tt: $type:ty,)* })?) => {
        $(
            // A plain bound that does not hold is an error for a type that is not generic. A bound with `for` only removes
            // the implementation.
            impl $crate::__private::Clone for $name
            where
                $(for<'any> $type: $crate::__private::Clone,)*
            {
                fn clone(&self) -> Self {
                    Self { $($field: $crate::__private::Clone::clone(&self.$field),)* }
                }
            }
        )?

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
