//! The document workflow of the README: what the macros make of it, seen from outside the library.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use workflow_engine::prelude::*;
use workflow_engine::{Backoff, RetryPolicy, WorkflowDefinition};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Document {
    text: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Summary(String);

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Keywords(Vec<String>);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Limits {
    sentences: usize,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Report {
    summary: Summary,
    keywords: Keywords,
    length: usize,
}

/// Reads the text of a document.
#[stage(retry(max_attempts = 5, backoff = fixed, initial = "2s", jitter), timeout = "30s")]
async fn extract_text(
    /// Where it is.
    url: String,
    /// Characters that are kept.
    #[config(default = 50_000)]
    max_length: usize,
) -> StageResult<Document> {
    Ok(Document { text: url.chars().take(max_length).collect() })
}

#[stage]
async fn summarize(
    document: Document,
    #[config(flatten)] limits: Limits,
    ctx: &StageContext,
) -> StageResult<Summary> {
    ctx.progress(0.5, "half");
    Ok(Summary(format!("{} in {}", document.text, limits.sentences)))
}

#[stage(id = "find-keywords", name = "Finds keywords", version = 3)]
async fn keywords(document: Document) -> StageResult<Keywords> {
    Ok(Keywords(vec![document.text]))
}

#[stage]
async fn rank(keywords: Keywords) -> StageResult<Keywords> {
    Ok(keywords)
}

#[stage(require(extract_text), optional(keywords))]
async fn report(
    summary: Summary,
    ranked: Keywords,
    #[require(summarize)] again: &Summary,
    ctx: &StageContext<report>,
) -> StageResult<Report> {
    assert_eq!(&summary, again);
    assert!(ctx.optional::<keywords>().is_some());
    Ok(Report { length: ctx.require::<extract_text>().text.len(), summary, keywords: ranked })
}

workflow! {
    /// Extracts, summarizes and indexes a document.
    document_processor = extract_text >> [summarize, keywords >> rank] >> report
}

fn ids(definition: &WorkflowDefinition, of: &[usize]) -> Vec<String> {
    of.iter().map(|index| definition.stages[*index].id.clone()).collect()
}

#[test]
fn the_definition_says_what_the_chain_says() {
    let definition = document_processor::definition();
    assert_eq!(definition.id, "document-processor");
    assert_eq!(definition.name, "Document Processor");
    assert_eq!(definition.version, 1);
    assert_eq!(definition.description, "Extracts, summarizes and indexes a document.");
    assert_eq!(ids(definition, &definition.ends), ["report"]);

    let row = |id: &str| {
        let stage = definition.stage(id).expect("the stage is in the workflow");
        let lists = [&stage.after, &stage.before, &stage.handed, &stage.reads];
        (stage.number, stage.execution_group, lists.map(|list| ids(definition, list).join(" ")))
    };
    let expected = |after: &str, before: &str, handed: &str, reads: &str| {
        [after, before, handed, reads].map(str::to_owned)
    };
    assert_eq!(row("extract-text"), (1, 1, expected("", "summarize find-keywords", "", "")));
    assert_eq!(row("summarize"), (2, 2, expected("extract-text", "report", "extract-text", "")));
    assert_eq!(row("find-keywords"), (3, 2, expected("extract-text", "rank", "extract-text", "")));
    assert_eq!(row("rank"), (4, 3, expected("find-keywords", "report", "find-keywords", "")));
    assert_eq!(
        row("report"),
        (5, 4, expected("summarize rank", "", "summarize rank", "summarize extract-text find-keywords"))
    );
}

#[test]
fn a_stage_carries_its_options() {
    let definition = document_processor::definition();
    let extract = definition.stage("extract-text").expect("it is in the workflow");
    assert_eq!(extract.name, "Extract Text");
    assert_eq!(extract.description, "Reads the text of a document.");
    assert_eq!(extract.timeout, Some(Duration::from_secs(30)));
    let policy = RetryPolicy {
        max_attempts: 5,
        backoff: Backoff::Fixed,
        initial: Duration::from_secs(2),
        jitter: true,
        ..RetryPolicy::DEFAULT
    };
    assert_eq!(extract.retry, policy);
    let keywords = definition.stage("find-keywords").expect("it is in the workflow");
    assert_eq!((keywords.name.as_str(), keywords.version), ("Finds keywords", 3));
    assert_eq!((keywords.retry, keywords.timeout), (RetryPolicy::DEFAULT, None));
}

#[test]
fn the_plan_has_a_group_a_level() {
    let plan: Vec<Vec<&str>> = document_processor::definition()
        .plan()
        .iter()
        .map(|group| group.iter().map(|stage| stage.id.as_str()).collect())
        .collect();
    assert_eq!(
        plan,
        [vec!["extract-text"], vec!["summarize", "find-keywords"], vec!["rank"], vec!["report"]]
    );
}

#[test]
fn the_configuration_of_a_workflow_has_a_key_a_stage() {
    let config = DocumentProcessorConfig {
        extract_text: ExtractTextConfig { max_length: 3 },
        summarize: SummarizeConfig { limits: Limits { sentences: 2 } },
        ..Default::default()
    };
    let json = serde_json::to_value(&config).expect("it can be written");
    assert_eq!(
        json,
        json!({
            "extract-text": {"max_length": 3},
            "summarize": {"sentences": 2},
            "find-keywords": {},
            "rank": {},
            "report": {},
        })
    );
    let read: DocumentProcessorConfig =
        serde_json::from_value(json!({"extract-text": {"max_length": 7}})).expect("the others have defaults");
    assert_eq!((read.extract_text.max_length, read.summarize.limits.sentences), (7, 0));
}

#[tokio::test]
async fn a_stage_is_still_a_function() {
    let document = extract_text("abc".into(), 2).await.expect("it cannot fail");
    assert_eq!(document.text, "ab");
    let summary = summarize(document, Limits::default(), &StageContext::detached()).await;
    assert_eq!(summary.expect("it cannot fail"), Summary("ab in 0".into()));
}
