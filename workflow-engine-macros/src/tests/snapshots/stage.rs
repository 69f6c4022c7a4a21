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
type __summarize_Read0Path = extract;
type __summarize_Read0 = <__summarize_Read0Path as ::workflow_engine::__private::Known<
    { <__summarize_Read0Path as ::workflow_engine::__private::Stage>::IS_STAGE },
>>::Type;
type __summarize_Read1Path = rank;
type __summarize_Read1 = <__summarize_Read1Path as ::workflow_engine::__private::Known<
    { <__summarize_Read1Path as ::workflow_engine::__private::Stage>::IS_STAGE },
>>::Type;
type __summarize_Read2Path = a::load;
type __summarize_Read2 = <__summarize_Read2Path as ::workflow_engine::__private::Known<
    { <__summarize_Read2Path as ::workflow_engine::__private::Stage>::IS_STAGE },
>>::Type;
type __summarize_Read3Path = detect;
type __summarize_Read3 = <__summarize_Read3Path as ::workflow_engine::__private::Known<
    { <__summarize_Read3Path as ::workflow_engine::__private::Stage>::IS_STAGE },
>>::Type;
impl ::workflow_engine::__private::Requires<__summarize_Read0Path> for summarize {}
impl ::workflow_engine::__private::Optionally<__summarize_Read1Path> for summarize {}
impl ::workflow_engine::__private::Requires<__summarize_Read2Path> for summarize {}
impl ::workflow_engine::__private::Optionally<__summarize_Read3Path> for summarize {}
impl ::workflow_engine::__private::Field<0> for SummarizeInput {
    type Type = Document;
    fn of(&self) -> &Document {
        &self.document
    }
}
impl ::workflow_engine::__private::Field<1> for SummarizeInput {
    type Type = Option<String>;
    fn of(&self) -> &Option<String> {
        &self.language
    }
}
::workflow_engine::__private::record! {
    SummarizeInput = "SummarizeInput" false["document" "language"]
    [required("What is summarized."); required("");]
    fields(::workflow_engine::__private::At < 0 >, (::workflow_engine::__private::At < 1
    >, ())) { document : Document, language : Option < String >, } make(value_0,
    (value_1, ())) => { document : value_0, language : value_1 } from(Document, Option <
    String >) = (value_0, value_1),
}
impl ::workflow_engine::__private::Field<0> for SummarizeConfig {
    type Type = usize;
    fn of(&self) -> &usize {
        &self.sentences
    }
    fn default() -> usize {
        5
    }
}
impl ::workflow_engine::__private::Field<1> for SummarizeConfig {
    type Type = AiConfig;
    fn of(&self) -> &AiConfig {
        &self.ai
    }
}
::workflow_engine::__private::record! {
    SummarizeConfig = "SummarizeConfig" true["sentences"] [defaulted(""); flattened();]
    fields(::workflow_engine::__private::At < 0 >, (::workflow_engine::__private::At < 1
    >, ())) { sentences : usize, ai : AiConfig, } make(value_0, (value_1, ())) => {
    sentences : value_0, ai : value_1 }
}
impl ::workflow_engine::__private::Default for SummarizeConfig
where
    for<'__any> AiConfig: ::workflow_engine::__private::Default,
{
    fn default() -> Self {
        Self {
            sentences: <Self as ::workflow_engine::__private::Field<0>>::default(),
            ai: ::workflow_engine::__private::Default::default(),
        }
    }
}
impl ::workflow_engine::__private::Stage for summarize {
    type Config = SummarizeConfig;
    type Output = <StageResult<
        Summary,
    > as ::workflow_engine::__private::Returns>::Output;
    ::workflow_engine::__private::stage!(
        "summarize" here("summarize", "Summarize", "Summarizes.") {
        .timeout_millis(30000u64).retry(::workflow_engine::__private::RetryPolicy {
        max_attempts : 5u32, jitter : true, ..
        ::workflow_engine::__private::RetryPolicy::DEFAULT }).requires(&
        [::workflow_engine::__private::Requirement::required(< __summarize_Read0 as
        ::workflow_engine::__private::Stage > ::PATH),
        ::workflow_engine::__private::Requirement::optional(< __summarize_Read1 as
        ::workflow_engine::__private::Stage > ::PATH),
        ::workflow_engine::__private::Requirement::required(< __summarize_Read2 as
        ::workflow_engine::__private::Stage > ::PATH),
        ::workflow_engine::__private::Requirement::optional(< __summarize_Read3 as
        ::workflow_engine::__private::Stage > ::PATH)]) } SummarizeInput; run(input,
        config, context) { #[cfg(rust_analyzer)] #[allow(unused_imports)] const _ : () =
        { use ::workflow_engine::__private::ide::retry:: { max_attempts as _ }; use
        ::workflow_engine::__private::ide::retry:: { jitter as _ }; use
        ::workflow_engine::__private::ide::stage:: { retry as _ }; use
        ::workflow_engine::__private::ide::stage:: { timeout as _ }; use
        ::workflow_engine::__private::ide::stage:: { require as _ }; use
        ::workflow_engine::__private::ide::stage:: { optional as _ }; use
        ::workflow_engine::__private::ide::config:: { default as _ }; use
        ::workflow_engine::__private::ide::config:: { flatten as _ }; };
        ::workflow_engine::__private::Box::pin(async move {
        ::workflow_engine::__private::prepare:: < __summarize_Read2 > (& context) ?;
        ::workflow_engine::__private::prepare_optional:: < __summarize_Read3 > (&
        context) ?; match summarize(input.document, input.language, config.sentences,
        config.ai, << __summarize_Read0 as ::workflow_engine::__private::Stage > ::Output
        as ::workflow_engine::__private::OutputAs < __summarize_Read0, Text >>
        ::required_ref(& context) ?, << __summarize_Read1 as
        ::workflow_engine::__private::Stage > ::Output as
        ::workflow_engine::__private::OutputAs < __summarize_Read1, Keywords >>
        ::optional(& context) ?, & < StageContext < summarize > as
        ::workflow_engine::__private::ContextOf < Self >> ::of(& context)). await {
        ::workflow_engine::__private::Result::Ok(output) =>
        ::workflow_engine::__private::store:: < Self > (output),
        ::workflow_engine::__private::Result::Err(__error) =>
        ::workflow_engine::__private::Result::Err(::workflow_engine::__private::Failure::into_error(__error)),
        } }) }
    );
}
