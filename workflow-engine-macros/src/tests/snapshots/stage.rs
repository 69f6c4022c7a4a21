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
/// The input of the stage [`summarize`](fn@summarize).
pub struct SummarizeInput {
    /// What is summarized.
    pub document: Document,
    /// The parameter `language`.
    pub language: Option<String>,
}
/// The configuration of the stage [`summarize`](fn@summarize).
pub struct SummarizeConfig {
    /// The parameter `sentences`.
    pub sentences: usize,
    /// The parameter `ai`.
    pub ai: AiConfig,
}
#[allow(
    deprecated,
    unexpected_cfgs,
    unused_qualifications,
    clippy::all,
    clippy::pedantic
)]
const _: () = {
    use ::workflow_engine::__private;
    #[cfg(rust_analyzer)]
    #[allow(unused_imports)]
    const _: () = {
        use ::workflow_engine::__private::ide::retry::max_attempts as _;
        use ::workflow_engine::__private::ide::retry::jitter as _;
        use ::workflow_engine::__private::ide::stage::retry as _;
        use ::workflow_engine::__private::ide::stage::timeout as _;
        use ::workflow_engine::__private::ide::stage::require as _;
        use ::workflow_engine::__private::ide::stage::optional as _;
        use ::workflow_engine::__private::ide::config::default as _;
        use ::workflow_engine::__private::ide::config::flatten as _;
    };
    type __Read0Path = extract;
    type __Read0 = <__Read0Path as __private::Known<
        { <__Read0Path as __private::Stage>::IS_STAGE },
    >>::Type;
    type __Read1Path = rank;
    type __Read1 = <__Read1Path as __private::Known<
        { <__Read1Path as __private::Stage>::IS_STAGE },
    >>::Type;
    type __Read2Path = a::load;
    type __Read2 = <__Read2Path as __private::Known<
        { <__Read2Path as __private::Stage>::IS_STAGE },
    >>::Type;
    type __Read3Path = detect;
    type __Read3 = <__Read3Path as __private::Known<
        { <__Read3Path as __private::Stage>::IS_STAGE },
    >>::Type;
    impl __private::Requires<__Read0Path> for summarize {}
    impl __private::Optionally<__Read1Path> for summarize {}
    impl __private::Requires<__Read2Path> for summarize {}
    impl __private::Optionally<__Read3Path> for summarize {}
    impl __private::Field<0> for SummarizeInput {
        type Type = Document;
        fn of(&self) -> &Document {
            &self.document
        }
    }
    impl __private::Field<1> for SummarizeInput {
        type Type = Option<String>;
        fn of(&self) -> &Option<String> {
            &self.language
        }
    }
    __private::record! {
        SummarizeInput = __private::Shape { name : "SummarizeInput", strict : false, keys
        : & ["document", "language"], fields : &
        [__private::FieldShape::required("What is summarized."),
        __private::FieldShape::required("")], }; fields(__private::At < 0 >,
        (__private::At < 1 >, ())) { document : Document, language : Option < String >, }
        make(value_0, (value_1, ())) => { document : value_0, language : value_1 }
        from(Document, Option < String >) = (value_0, value_1),
    }
    impl __private::Field<0> for SummarizeConfig {
        type Type = usize;
        fn of(&self) -> &usize {
            &self.sentences
        }
        fn default() -> usize {
            5
        }
    }
    impl __private::Field<1> for SummarizeConfig {
        type Type = AiConfig;
        fn of(&self) -> &AiConfig {
            &self.ai
        }
    }
    __private::record! {
        SummarizeConfig = __private::Shape { name : "SummarizeConfig", strict : true,
        keys : & ["sentences"], fields : & [__private::FieldShape::defaulted(""),
        __private::FieldShape::flattened()], }; fields(__private::At < 0 >,
        (__private::At < 1 >, ())) { sentences : usize, ai : AiConfig, } make(value_0,
        (value_1, ())) => { sentences : value_0, ai : value_1 }
    }
    impl __private::Default for SummarizeConfig
    where
        for<'__any> AiConfig: __private::Default,
    {
        fn default() -> Self {
            Self {
                sentences: <Self as __private::Field<0>>::default(),
                ai: __private::Default::default(),
            }
        }
    }
    impl __private::Stage for summarize {
        type Input = SummarizeInput;
        type Config = SummarizeConfig;
        type Output = <StageResult<Summary> as __private::Returns>::Output;
        type Parameters = (Document, Option<String>);
        const PATH: __private::StagePath = __private::StagePath::new(
            ::core::module_path!(),
            "summarize",
            ::core::line!(),
            ::core::column!(),
        );
        const DECLARATION: __private::StageDeclaration = __private::StageDeclaration::new(
                "summarize",
                "Summarize",
                "Summarizes.",
            )
            .timeout_millis(30000u64)
            .retry(__private::RetryPolicy {
                max_attempts: 5u32,
                jitter: true,
                ..__private::RetryPolicy::DEFAULT
            })
            .requires(
                &[
                    __private::Requirement::required::<__Read0>(),
                    __private::Requirement::optional::<__Read1>(),
                    __private::Requirement::required::<__Read2>(),
                    __private::Requirement::optional::<__Read3>(),
                ],
            );
        fn run(
            input: Self::Input,
            config: Self::Config,
            context: __private::StageContext,
        ) -> __private::Running<__private::Json> {
            __private::Box::pin(async move {
                __private::prepare::<__Read2>(&context)?;
                __private::prepare_optional::<__Read3>(&context)?;
                match summarize(
                        input.document,
                        input.language,
                        config.sentences,
                        config.ai,
                        <<__Read0 as __private::Stage>::Output as __private::OutputAs<
                            __Read0,
                            Text,
                        >>::required_ref(&context)?,
                        <<__Read1 as __private::Stage>::Output as __private::OutputAs<
                            __Read1,
                            Keywords,
                        >>::optional(&context)?,
                        &<StageContext<
                            summarize,
                        > as __private::ContextOf<Self>>::of(&context),
                    )
                    .await
                {
                    __private::Ok(output) => __private::store::<Self>(&output),
                    __private::Err(__error) => {
                        __private::Err(__private::Failure::into_error(__error))
                    }
                }
            })
        }
    }
};
