//! A document workflow whose entries the test calls.

mod definition;

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::Execution;
use crate::lower::tests::context;
use crate::prelude::*;
use crate::value::Json;

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

/// Runs every stage in reading order, as the kernel would, and keeps the outputs.
async fn run(input: Json, config: &[(&str, &str)]) -> Result<HashMap<String, Json>, StageError> {
    let definition = document_processor::definition();
    let input = definition.check_input(&input).expect("the input is one");
    let mut stored: HashMap<String, Json> = HashMap::new();
    for stage in &definition.stages {
        let inputs = match stage.predecessors.as_slice() {
            [] => vec![input.clone()],
            _ => stage.inputs.iter().map(|index| stored[&definition.stages[*index].id].clone()).collect(),
        };
        let given = config.iter().find(|(id, _)| *id == stage.id).map(|(_, json)| Json::trusted(*json));
        let config = stage.config.complete(given.as_ref()).expect("the configuration is one");
        let reads = stage.reads.iter().map(|index| &definition.stages[*index].id);
        let reads = reads.map(|id| (id.clone(), stored[id].clone())).collect();
        let context = context(&stage.id, reads);
        let output = (stage.entry)(Execution { inputs, config, context, input_rules: None }).await?;
        stored.insert(stage.id.clone(), output);
    }
    Ok(stored)
}

#[tokio::test]
async fn the_entries_hand_values_on() {
    let input = Json::encode(&ExtractTextInput { url: "words".into() }).expect("it is JSON");
    let stored =
        run(input, &[("extract-text", r#"{"max_length": 4}"#), ("summarize", r#"{"sentences": 2}"#)])
            .await
            .expect("no stage fails");
    let outputs = document_processor::decode_outputs(&stored).expect("they are what the stages wrote");
    let report =
        Report { summary: Summary("word in 2".into()), keywords: Keywords(vec!["word".into()]), length: 4 };
    assert_eq!(outputs.extract_text, Some(Document { text: "word".into() }));
    assert_eq!(outputs.report.as_ref(), Some(&report));
    let output = document_processor::decode_output(&[stored["report"].clone()]).expect("it is a report");
    assert_eq!(output, report);
}

#[test]
fn a_configuration_is_completed_and_checked() {
    let definition = document_processor::definition();
    let check = |id: &str, json: Option<&str>| {
        let stage = definition.stage(id).expect("it is in the workflow");
        let json = json.map(Json::trusted);
        stage.config.complete(json.as_ref()).map(|json| json.as_str().to_owned())
    };
    assert_eq!(check("extract-text", None).as_deref(), Ok(r#"{"max_length":50000}"#));
    assert_eq!(check("summarize", Some("{}")).as_deref(), Ok(r#"{"sentences":0}"#));
    assert_eq!(check("rank", None).as_deref(), Ok("{}"));
    let wrong = check("extract-text", Some(r#"{"max_length": "x"}"#)).unwrap_err();
    assert!(wrong.starts_with("field `max_length`: invalid type: string"), "{wrong}");
    let unknown = check("extract-text", Some(r#"{"max_lenght": 1}"#)).unwrap_err();
    assert!(
        unknown.starts_with("unknown field `max_lenght`, did you mean `max_length`; known are `max_length`"),
        "{unknown}"
    );
    let unknown = check("summarize", Some(r#"{"sentence": 1}"#)).unwrap_err();
    assert!(unknown.starts_with("unknown field `sentence`"), "{unknown}");
}
