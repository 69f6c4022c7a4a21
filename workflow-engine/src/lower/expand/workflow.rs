//! The configuration and the outputs of a workflow.

/// The two structures of a workflow, their implementations, and a scope for the rest of the expansion, which defines
/// `TABLE`.
#[doc(hidden)]
#[macro_export]
macro_rules! __workflow {
    (
        [$($conditions:tt)*] $visibility:vis, $stages:literal
        $config:tt = $config_text:literal $config_doc:literal
        $outputs:tt = $outputs_text:literal $outputs_doc:literal
        { $($alias:tt $field:tt $text:literal $field_doc:literal $output_doc:literal)* }
        { $($rest:tt)* }
    ) => {
        // A public workflow can contain a private stage in the middle; only code that sees the stage can use its fields.
        $($conditions)*
        #[doc = $config_doc]
        #[allow(dead_code, private_interfaces, clippy::struct_field_names)]
        $visibility struct $config {
            $(#[doc = $field_doc] $visibility $field: <$alias as $crate::Stage>::Config,)*
        }

        $($conditions)*
        #[doc = $outputs_doc]
        #[allow(dead_code, private_interfaces, clippy::struct_field_names)]
        $visibility struct $outputs {
            $(#[doc = $output_doc] $visibility $field: ::core::option::Option<<$alias as $crate::Stage>::Output>,)*
        }

        $($conditions)*
        #[allow(deprecated, unused_qualifications, clippy::all, clippy::pedantic)]
        const _: () = {
            impl $crate::__private::Record for $config {
                const NAME: &'static str = $config_text;
                const FIELDS: &'static [&'static str] = &$crate::__private::ids::<$stages>(TABLE);
                const FLATTENED: bool = false;
                const STRICT: bool = true;

                fn write<M: $crate::__private::SerializeMap>(
                    &self,
                    map: &mut M,
                ) -> $crate::__private::Result<(), M::Error> {
                    $($crate::__private::write_stage::<$alias, M>(map, &self.$field)?;)*
                    $crate::__private::Result::Ok(())
                }

                fn read<'de, A: $crate::__private::MapAccess<'de>>(
                    reader: &mut $crate::__private::Reader<'de, A>,
                ) -> $crate::__private::Result<Self, A::Error> {
                    reader.collect()?;
                    $crate::__private::Result::Ok(Self { $($field: reader.stage_config::<$alias>()?,)* })
                }

                fn schema(object: &mut $crate::__private::ObjectSchema<'_>) {
                    $crate::__private::describe(TABLE, object);
                }
            }

            $crate::__record!(traits $config);

            // A plain bound that does not hold is an error for a type that is not generic.
            impl $crate::__private::Default for $config
            where
                $(for<'any> $crate::__private::ConfigOf<$alias>: $crate::__private::Default,)*
            {
                fn default() -> Self {
                    Self { $($field: $crate::__private::Default::default(),)* }
                }
            }

            impl $crate::__private::Debug for $outputs
            where
                $(for<'any> $crate::__private::OutputOf<$alias>: $crate::__private::Debug,)*
            {
                fn fmt(&self, f: &mut $crate::__private::Formatter<'_>) -> $crate::__private::FmtResult {
                    f.debug_struct($outputs_text) $(.field($text, &self.$field))* .finish()
                }
            }

            impl $crate::__private::Decoded for $outputs {
                fn decode(
                    stored: &$crate::__private::HashMap<$crate::__private::String, $crate::__private::Json>,
                ) -> $crate::__private::Result<Self, $crate::__private::JsonError> {
                    $crate::__private::Result::Ok(Self { $($field: $crate::__private::decode_stored::<$alias>(stored)?,)* })
                }
            }

            $($rest)*
        };
    };
}
