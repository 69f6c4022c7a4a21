//! Input, configuration, requirements and context in one stage.
#![deny(warnings)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    pub text: String,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Style {
    pub tone: String,
}

impl Default for Style {
    fn default() -> Self {
        Self { tone: "plain".into() }
    }
}

#[stage]
pub async fn extract(path: String) -> StageResult<Document> {
    Ok(Document { text: path })
}

#[stage]
pub async fn detect(document: Document) -> StageResult<String> {
    Ok(document.text)
}

#[stage(require(extract), optional(detect))]
pub async fn summarize(
    /// What is summarized.
    mut language: String,
    title: Option<String>,
    #[config(default = 3 + 2)] sentences: usize,
    #[config] model: Option<String>,
    #[config(flatten)] style: Style,
    ctx: &StageContext<summarize>,
) -> StageResult<String> {
    language.push_str(&ctx.require::<extract>().text);
    Ok(format!("{language} {title:?} {sentences} {model:?} {} {:?}", style.tone, ctx.optional::<detect>()))
}

#[stage]
pub async fn report(
    summary: String,
    #[require(extract)] by_value: Document,
    #[require(self::detect)] by_reference: &String,
    #[optional(summarize)] perhaps: Option<String>,
    ctx: &StageContext,
) -> StageResult<(String, u32)> {
    Ok((format!("{summary}{}{by_reference}{perhaps:?}", by_value.text), ctx.attempt()))
}

#[stage]
pub async fn archive(#[optional(report)] report: Option<&(String, u32)>) -> StageResult<()> {
    let _ = report;
    Ok(())
}

pub fn main() {
    let config = SummarizeConfig::default();
    assert_eq!((config.sentences, &config.model, config.style.tone.as_str()), (5, &None, "plain"));
    let input = SummarizeInput { language: "en".into(), title: None };
    assert_eq!(format!("{input:?}"), r#"SummarizeInput {"language":"en","title":null}"#);
    assert_eq!(input.clone().language, "en");
    let ids: Vec<&str> = report::DECLARATION.requires.iter().map(|required| required.path.name).collect();
    assert_eq!(ids, ["extract", "detect", "summarize"]);
    assert!(report::DECLARATION.requires[2].optional);
}
