//! The definition of the document workflow.

use std::time::Duration;

use serde_json::json;

use crate::definition::{Backoff, RetryPolicy, WorkflowDefinition};
use crate::lower::tests::document::*;

fn ids(definition: &WorkflowDefinition, of: &[usize]) -> Vec<String> {
    of.iter().map(|index| definition.stages[*index].id.clone()).collect()
}

#[test]
fn the_definition_has_the_graph_of_the_chain() {
    let definition = document_processor::definition();
    assert_eq!(definition.id, "document-processor");
    assert_eq!(definition.name, "Document Processor");
    assert_eq!(definition.version, 1);
    assert_eq!(definition.description, "Extracts, summarizes and indexes a document.");
    assert_eq!(ids(definition, &definition.output_stages), ["report"]);

    let row = |id: &str| {
        let stage = definition.stage(id).expect("the stage is in the workflow");
        let lists = [&stage.predecessors, &stage.successors, &stage.inputs, &stage.reads];
        (stage.number, stage.execution_group, lists.map(|list| ids(definition, list).join(" ")))
    };
    let expected = |after: &str, before: &str, inputs: &str, reads: &str| {
        [after, before, inputs, reads].map(str::to_owned)
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
