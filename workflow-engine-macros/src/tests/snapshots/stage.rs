/// Summarizes.
pub async fn summarize(
    document: Document,
    language: Option<String>,
    sentences: usize,
    ai: AiConfig,
    text: &Text,
    keywords: Option<Keywords>,
    ctx: &StageContext<summarize>,
) -> StageResult<Summary> {
    Ok(Summary::of(document))
}
/// The stage of the function [`summarize`](fn@summarize).
#[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
pub struct summarize {}
#[allow(dead_code)]
/// The input of the stage [`summarize`](fn@summarize).
pub struct SummarizeInput {
    /// What is summarized.
    pub document: Document,
    /// The parameter `language`.
    pub language: Option<String>,
}
#[allow(dead_code)]
/// The configuration of the stage [`summarize`](fn@summarize).
pub struct SummarizeConfig {
    /// The parameter `sentences`.
    pub sentences: usize,
    /// The parameter `ai`.
    pub ai: AiConfig,
}
#[allow(deprecated, clippy::all, clippy::pedantic)]
const _: () = {
    type __Read0 = extract;
    type __Read1 = rank;
    type __Read2 = a::load;
    type __Read3 = detect;
    impl ::workflow_engine::__private::Requires<__Read0> for summarize {}
    impl ::workflow_engine::__private::Optionally<__Read1> for summarize {}
    impl ::workflow_engine::__private::Requires<__Read2> for summarize {}
    impl ::workflow_engine::__private::Optionally<__Read3> for summarize {}
    impl ::workflow_engine::__private::Field<0usize> for SummarizeInput {
        type Type = Document;
    }
    impl ::workflow_engine::__private::Field<1usize> for SummarizeInput {
        type Type = Option<String>;
    }
    impl ::workflow_engine::__private::Record for SummarizeInput {
        const NAME: &'static str = "SummarizeInput";
        const FIELDS: &'static [&'static str] = &["document", "language"];
        const FLATTENED: bool = false;
        const STRICT: bool = false;
        fn write<__M>(&self, map: &mut __M) -> ::core::result::Result<(), __M::Error>
        where
            __M: ::workflow_engine::__private::serde::ser::SerializeMap,
        {
            ::workflow_engine::__private::write_field::<
                Self,
                0usize,
                __M,
            >(map, &self.document)?;
            ::workflow_engine::__private::write_field::<
                Self,
                1usize,
                __M,
            >(map, &self.language)?;
            ::core::result::Result::Ok(())
        }
        fn read<'__de, __A>(
            reader: &mut ::workflow_engine::__private::Reader<'__de, __A>,
        ) -> ::core::result::Result<Self, __A::Error>
        where
            __A: ::workflow_engine::__private::serde::de::MapAccess<'__de>,
        {
            let mut slot_0 = ::core::option::Option::None;
            let mut slot_1 = ::core::option::Option::None;
            while let ::core::option::Option::Some(index) = reader.next_field()? {
                match index {
                    0usize => reader.value::<Self, 0usize>(&mut slot_0)?,
                    1usize => reader.value::<Self, 1usize>(&mut slot_1)?,
                    _ => {}
                }
            }
            ::core::result::Result::Ok(Self {
                document: reader.required::<Self, 0usize>(slot_0)?,
                language: reader.required::<Self, 1usize>(slot_1)?,
            })
        }
        fn schema(object: &mut ::workflow_engine::__private::ObjectSchema<'_>) {
            object.required::<Self, 0usize>("What is summarized.");
            object.required::<Self, 1usize>("");
        }
    }
    impl ::workflow_engine::__private::serde::Serialize for SummarizeInput {
        fn serialize<__S>(
            &self,
            serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error>
        where
            __S: ::workflow_engine::__private::serde::Serializer,
        {
            ::workflow_engine::__private::serialize(self, serializer)
        }
    }
    impl<'__de> ::workflow_engine::__private::serde::Deserialize<'__de>
    for SummarizeInput {
        fn deserialize<__D>(
            deserializer: __D,
        ) -> ::core::result::Result<Self, __D::Error>
        where
            __D: ::workflow_engine::__private::serde::Deserializer<'__de>,
        {
            ::workflow_engine::__private::deserialize(deserializer)
        }
    }
    impl ::workflow_engine::__private::schemars::JsonSchema for SummarizeInput {
        fn schema_name() -> ::workflow_engine::__private::Cow<'static, str> {
            ::workflow_engine::__private::Cow::Borrowed("SummarizeInput")
        }
        fn schema_id() -> ::workflow_engine::__private::Cow<'static, str> {
            ::workflow_engine::__private::Cow::Borrowed(::core::any::type_name::<Self>())
        }
        fn json_schema(
            generator: &mut ::workflow_engine::__private::schemars::SchemaGenerator,
        ) -> ::workflow_engine::__private::schemars::Schema {
            ::workflow_engine::__private::record_schema::<Self>(generator)
        }
    }
    impl ::core::fmt::Debug for SummarizeInput {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            ::workflow_engine::__private::debug(self, f)
        }
    }
    impl ::core::clone::Clone for SummarizeInput
    where
        for<'__any> Document: ::core::clone::Clone,
        for<'__any> Option<String>: ::core::clone::Clone,
    {
        fn clone(&self) -> Self {
            Self {
                document: ::core::clone::Clone::clone(&self.document),
                language: ::core::clone::Clone::clone(&self.language),
            }
        }
    }
    impl ::workflow_engine::__private::Field<0usize> for SummarizeConfig {
        type Type = usize;
    }
    fn __default_0() -> usize {
        5
    }
    impl ::workflow_engine::__private::Field<1usize> for SummarizeConfig {
        type Type = AiConfig;
    }
    impl ::workflow_engine::__private::Record for SummarizeConfig {
        const NAME: &'static str = "SummarizeConfig";
        const FIELDS: &'static [&'static str] = &["sentences"];
        const FLATTENED: bool = true;
        const STRICT: bool = true;
        fn write<__M>(&self, map: &mut __M) -> ::core::result::Result<(), __M::Error>
        where
            __M: ::workflow_engine::__private::serde::ser::SerializeMap,
        {
            ::workflow_engine::__private::write_field::<
                Self,
                0usize,
                __M,
            >(map, &self.sentences)?;
            ::workflow_engine::__private::write_flat::<
                Self,
                1usize,
                __M,
            >(map, &self.ai)?;
            ::core::result::Result::Ok(())
        }
        fn read<'__de, __A>(
            reader: &mut ::workflow_engine::__private::Reader<'__de, __A>,
        ) -> ::core::result::Result<Self, __A::Error>
        where
            __A: ::workflow_engine::__private::serde::de::MapAccess<'__de>,
        {
            let mut slot_0 = ::core::option::Option::None;
            while let ::core::option::Option::Some(index) = reader.next_field()? {
                match index {
                    0usize => reader.value::<Self, 0usize>(&mut slot_0)?,
                    _ => {}
                }
            }
            ::core::result::Result::Ok(Self {
                sentences: slot_0.unwrap_or_else(__default_0),
                ai: reader.flattened::<Self, 1usize>()?,
            })
        }
        fn schema(object: &mut ::workflow_engine::__private::ObjectSchema<'_>) {
            object.defaulted::<Self, 0usize>("", __default_0);
            object.flattened::<Self, 1usize>();
        }
    }
    impl ::workflow_engine::__private::serde::Serialize for SummarizeConfig {
        fn serialize<__S>(
            &self,
            serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error>
        where
            __S: ::workflow_engine::__private::serde::Serializer,
        {
            ::workflow_engine::__private::serialize(self, serializer)
        }
    }
    impl<'__de> ::workflow_engine::__private::serde::Deserialize<'__de>
    for SummarizeConfig {
        fn deserialize<__D>(
            deserializer: __D,
        ) -> ::core::result::Result<Self, __D::Error>
        where
            __D: ::workflow_engine::__private::serde::Deserializer<'__de>,
        {
            ::workflow_engine::__private::deserialize(deserializer)
        }
    }
    impl ::workflow_engine::__private::schemars::JsonSchema for SummarizeConfig {
        fn schema_name() -> ::workflow_engine::__private::Cow<'static, str> {
            ::workflow_engine::__private::Cow::Borrowed("SummarizeConfig")
        }
        fn schema_id() -> ::workflow_engine::__private::Cow<'static, str> {
            ::workflow_engine::__private::Cow::Borrowed(::core::any::type_name::<Self>())
        }
        fn json_schema(
            generator: &mut ::workflow_engine::__private::schemars::SchemaGenerator,
        ) -> ::workflow_engine::__private::schemars::Schema {
            ::workflow_engine::__private::record_schema::<Self>(generator)
        }
    }
    impl ::core::fmt::Debug for SummarizeConfig {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            ::workflow_engine::__private::debug(self, f)
        }
    }
    impl ::core::clone::Clone for SummarizeConfig
    where
        for<'__any> usize: ::core::clone::Clone,
        for<'__any> AiConfig: ::core::clone::Clone,
    {
        fn clone(&self) -> Self {
            Self {
                sentences: ::core::clone::Clone::clone(&self.sentences),
                ai: ::core::clone::Clone::clone(&self.ai),
            }
        }
    }
    impl ::core::default::Default for SummarizeConfig
    where
        for<'__any> AiConfig: ::core::default::Default,
    {
        fn default() -> Self {
            Self {
                sentences: __default_0(),
                ai: ::core::default::Default::default(),
            }
        }
    }
    impl ::workflow_engine::Stage for summarize {
        type Input = SummarizeInput;
        type Config = SummarizeConfig;
        type Output = <StageResult<
            Summary,
        > as ::workflow_engine::__private::Returns>::Output;
        type Parameters = (Document, Option<String>);
        const PATH: ::workflow_engine::StagePath = ::workflow_engine::__private::StagePath::new(
            ::core::module_path!(),
            "summarize",
            ::core::line!(),
            ::core::column!(),
        );
        const DECLARATION: ::workflow_engine::StageDeclaration = ::workflow_engine::StageDeclaration::new(
                "summarize",
                "Summarize",
                "Summarizes.",
            )
            .timeout_millis(30000u64)
            .retry(::workflow_engine::RetryPolicy {
                max_attempts: 5u32,
                jitter: true,
                ..::workflow_engine::RetryPolicy::DEFAULT
            })
            .requires(
                &[
                    ::workflow_engine::Requirement::required::<__Read0>(),
                    ::workflow_engine::Requirement::optional::<__Read1>(),
                    ::workflow_engine::Requirement::required::<__Read2>(),
                    ::workflow_engine::Requirement::optional::<__Read3>(),
                ],
            );
        #[allow(unused_variables)]
        fn run(
            input: Self::Input,
            config: Self::Config,
            context: ::workflow_engine::__private::StageContext,
        ) -> ::workflow_engine::__private::Running<::workflow_engine::__private::Json> {
            ::workflow_engine::__private::Box::pin(async move {
                ::workflow_engine::__private::prepare::<__Read2>(&context)?;
                ::workflow_engine::__private::prepare_optional::<__Read3>(&context)?;
                match summarize(
                        input.document,
                        input.language,
                        config.sentences,
                        config.ai,
                        <<__Read0 as ::workflow_engine::__private::Stage>::Output as ::workflow_engine::__private::OutputAs<
                            __Read0,
                            Text,
                        >>::required_ref(&context)?,
                        <<__Read1 as ::workflow_engine::__private::Stage>::Output as ::workflow_engine::__private::OutputAs<
                            __Read1,
                            Keywords,
                        >>::optional(&context)?,
                        &<StageContext<
                            summarize,
                        > as ::workflow_engine::__private::ContextOf<Self>>::of(&context),
                    )
                    .await
                {
                    ::core::result::Result::Ok(output) => {
                        ::workflow_engine::__private::store::<Self>(&output)
                    }
                    ::core::result::Result::Err(__error) => {
                        ::core::result::Result::Err(
                            ::workflow_engine::__private::Failure::into_error(__error),
                        )
                    }
                }
            })
        }
    }
    impl ::core::convert::From<(Document, Option<String>)> for SummarizeInput {
        fn from((document, language): (Document, Option<String>)) -> Self {
            Self { document, language }
        }
    }
    #[diagnostic::do_not_recommend]
    impl<__V> ::workflow_engine::__private::Accepts<__V> for summarize
    where
        SummarizeInput: ::core::convert::From<__V>,
    {
        fn accept(value: __V) -> Self::Input {
            ::core::convert::From::from(value)
        }
    }
    impl ::workflow_engine::__private::Accepts<::workflow_engine::__private::Faulty>
    for summarize {
        fn accept(value: ::workflow_engine::__private::Faulty) -> Self::Input {
            value.never()
        }
    }
};
