//! A workflow is named like a type; its input has a name, too.

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<String> {
    Ok(path)
}

#[stage]
pub async fn count(text: String, #[config(default = 1)] factor: usize) -> StageResult<usize> {
    Ok(text.len() * factor)
}

#[stage]
pub async fn summarize(text: String) -> StageResult<String> {
    Ok(text)
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct AuditInput {
    path: String,
}

impl From<AuditInput> for LoadInput {
    fn from(input: AuditInput) -> Self {
        Self { path: input.path }
    }
}

impl From<AuditInput> for SummarizeInput {
    fn from(input: AuditInput) -> Self {
        Self { text: input.path }
    }
}

workflow! {
    pub WordReport = load >> count;
    pub HTTPFetch = load;
    // Stages and types may have the names already that would be generated.
    pub Summarize = summarize;
    pub Audit(AuditInput) = [load, summarize];
    pub r#Type(String) = text;
    lower_case = load
}

#[stage]
pub async fn text(text: String) -> StageResult<String> {
    Ok(text)
}

mod inner {
    super::workflow! {
        pub(super) Load = super::load;
        Private = super::load
    }

    pub(super) fn private(path: String) -> PrivateInput {
        PrivateInput { path }
    }
}
use workflow_engine::workflow;

pub fn main() {
    for (definition, id, name) in [
        (WordReport::definition(), "word-report", "Word Report"),
        (HTTPFetch::definition(), "http-fetch", "HTTP Fetch"),
        (Summarize::definition(), "summarize", "Summarize"),
        (Type::definition(), "type", "Type"),
        (lower_case::definition(), "lower-case", "Lower Case"),
    ] {
        assert_eq!((definition.id.as_str(), definition.name.as_str()), (id, name));
    }

    let input = WordReportInput { path: "a".into() };
    let LoadInput { path } = input;
    let _: LoadInput = HTTPFetchInput { path };
    let _: LowerCaseInput = inner::private("b".into());
    let _: inner::LoadInput = LoadInput { path: "c".into() };
    let _: TypeInput = String::new();
    let _: AuditOutputs = AuditOutputs { load: None, summarize: None };
    assert_eq!(WordReportConfig::default().count.factor, 1);

    workflow! { InAFunction = load }
    let _: InAFunctionInput = LoadInput { path: "d".into() };
}
