//! The errors of an entry for stored values of the wrong type.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{CheckExecution, CheckOutcome, Execution, WorkflowDefinition};
use crate::lower::tests::context;
use crate::prelude::*;
use crate::value::Json;

/// Written as a number, read as a text.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(into = "u32")]
struct OneWay(String);

impl From<OneWay> for u32 {
    fn from(value: OneWay) -> Self {
        value.0.len().try_into().unwrap_or(Self::MAX)
    }
}

impl Clone for OneWay {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[stage]
async fn first(text: String, #[config(default = 1)] times: u32) -> StageResult<String> {
    Ok(text.repeat(times as usize))
}

#[stage]
async fn lossy(text: String) -> StageResult<OneWay> {
    Ok(OneWay(text))
}

#[stage(require(first))]
async fn by_context(ctx: &StageContext<by_context>) -> StageResult<usize> {
    Ok(ctx.require::<first>().len())
}

#[stage]
async fn by_value(
    #[require(first)] text: String,
    #[optional(second)] absent: Option<u8>,
) -> StageResult<usize> {
    Ok(text.len() + usize::from(absent.unwrap_or_default()))
}

#[stage]
async fn second(text: String) -> StageResult<u8> {
    if text.is_empty() { Err("x".parse::<u8>().unwrap_err())? } else { Err(StageError::permanent("no")) }
}

#[stage(check = arrived)]
async fn posted(text: String) -> StageResult<OneWay> {
    Ok(OneWay(text))
}

#[check]
async fn arrived(ticket: &OneWay) -> StageResult<Check<String>> {
    Ok(if ticket.0.is_empty() { Check::Pending } else { Check::Ready(ticket.0.clone()) })
}

#[stage(check = answered, require(first))]
async fn asked(#[config(default = 3)] depth: u32) -> StageResult<u32> {
    Ok(depth)
}

#[check]
async fn answered(
    ticket: &u32,
    #[config(default = 2)] factor: u32,
    ctx: &StageContext<asked>,
) -> StageResult<Check<OneWay>> {
    Ok(match (factor, ctx.require::<first>().len()) {
        (0, _) => Check::Pending,
        (1, seconds) => Check::PendingFor(std::time::Duration::from_secs(seconds as u64)),
        (factor, _) => Check::Ready(OneWay("x".repeat((ticket * factor) as usize))),
    })
}

workflow! {
    posting = posted;
    asking = first >> asked;
    reading = first >> [by_context, by_value];
    writing = first >> lossy;
    failing = second
}

async fn run(
    definition: &WorkflowDefinition,
    stage: usize,
    inputs: &[&str],
    config: &str,
    outputs: &[(&str, &str)],
) -> Result<Json, StageError> {
    let stage = &definition.stages[stage];
    let outputs: HashMap<String, Json> =
        outputs.iter().map(|(id, json)| ((*id).to_owned(), Json::trusted(*json))).collect();
    let execution = Execution {
        inputs: inputs.iter().map(|json| Json::trusted(*json)).collect(),
        config: Json::trusted(config),
        context: context(&stage.id, outputs),
        input_rules: None,
    };
    (stage.entry)(execution).await
}

fn permanent<T: std::fmt::Debug>(outcome: Result<T, StageError>, expected: &str) {
    let error = outcome.unwrap_err();
    assert!(!error.is_retryable(), "{error} is permanent");
    assert!(error.message().contains(expected), "`{error}` contains `{expected}`");
}

#[tokio::test]
async fn an_unreadable_input_or_configuration_is_permanent_and_named() {
    let definition = reading::definition();
    let outcome = run(definition, 0, &[r#"{"text": 1}"#], "{}", &[]).await;
    permanent(outcome, "the input of stage `first` cannot be read");
    let outcome = run(definition, 0, &[r#"{"text": "a"}"#], r#"{"times": "x"}"#, &[]).await;
    permanent(outcome, "the configuration of stage `first` cannot be read: field `times`");
    let outcome = run(writing::definition(), 1, &["7"], "{}", &[]).await;
    permanent(outcome, "cannot read the output of stage `first` as `alloc::string::String`");
}

#[tokio::test]
async fn an_output_that_cannot_be_read_back_fails_its_own_stage() {
    let outcome = run(writing::definition(), 1, &[r#""text""#], "{}", &[]).await;
    permanent(outcome, "cannot be stored: it cannot be read back: invalid type: integer `4`");
}

#[tokio::test]
async fn what_is_required_is_read_before_the_body_starts() {
    let definition = reading::definition();
    for stage in [1, 2] {
        let outcome = run(definition, stage, &[], "{}", &[("first", "7")]).await;
        permanent(outcome, "requires the output of `first`, which cannot be read");
        let outcome = run(definition, stage, &[], "{}", &[]).await;
        permanent(outcome, "requires the output of `first`, which is not stored");
        let outcome = run(definition, stage, &[], "{}", &[("first", r#""four""#)]).await;
        assert_eq!(outcome.expect("it can be read").as_str(), "4");
    }
    let outcome = run(definition, 2, &[], "{}", &[("first", r#""four""#), ("second", r#""x""#)]).await;
    permanent(outcome, "`second`, which cannot be read");
}

#[tokio::test]
async fn the_stages_own_errors_come_through() {
    let outcome = run(failing::definition(), 0, &[r#"{"text": ""}"#], "{}", &[]).await;
    assert!(outcome.unwrap_err().is_retryable());
    permanent(run(failing::definition(), 0, &[r#"{"text": "a"}"#], "{}", &[]).await, "no");
}

async fn check(
    definition: &WorkflowDefinition,
    stage: usize,
    ticket: &str,
    config: &str,
    outputs: &[(&str, &str)],
) -> Result<CheckOutcome, StageError> {
    let stage = &definition.stages[stage];
    let outputs = outputs.iter().map(|(id, json)| ((*id).to_owned(), Json::trusted(*json))).collect();
    let execution = CheckExecution {
        signal: None,
        ticket: Json::trusted(ticket),
        config: Json::trusted(config),
        context: context(&stage.id, outputs),
    };
    (stage.wait.expect("it waits").check)(execution).await
}

#[tokio::test]
async fn a_ticket_that_cannot_be_read_is_permanent_and_named() {
    let expected = "the ticket of stage `posted`, a `workflow_engine::lower::tests::entries::OneWay`, cannot be stored: it \
                cannot be read back: invalid type: integer `4`";
    permanent(run(posting::definition(), 0, &[r#"{"text": "text"}"#], "{}", &[]).await, expected);
    let outcome = check(posting::definition(), 0, "4", "{}", &[]).await;
    let expected = "the ticket of stage `posted` cannot be read as `workflow_engine::lower::tests::entries::OneWay`: \
                invalid type: integer `4`";
    permanent(outcome, expected);
}

#[tokio::test]
async fn a_check_has_its_part_of_the_stages_configuration_and_what_the_stage_requires() {
    let definition = asking::definition();
    let configured = definition.stages[1].config.complete(None).expect("there are defaults");
    assert_eq!(configured.as_str(), r#"{"depth":3,"factor":2}"#);
    let first = ("first", r#""four""#);
    let outcome = run(definition, 1, &[], configured.as_str(), &[first]).await;
    assert_eq!(outcome.expect("it is submitted").as_str(), "3");

    let found = check(definition, 1, "3", r#"{"factor":0}"#, &[first]).await.expect("it is checked");
    assert_eq!(found, CheckOutcome::Pending(None));
    let found = check(definition, 1, "3", r#"{"factor":1}"#, &[first]).await.expect("it is checked");
    assert_eq!(found, CheckOutcome::Pending(Some(std::time::Duration::from_secs(4))));
    let outcome = check(definition, 1, "3", "{}", &[]).await;
    permanent(outcome, "stage `asked` requires the output of `first`, which is not stored");
    let outcome = check(definition, 1, "3", r#"{"factor":"x"}"#, &[first]).await;
    permanent(outcome, "the configuration of stage `asked` cannot be read: field `factor`");
    let outcome = check(definition, 1, "3", "{}", &[first]).await;
    permanent(outcome, "the output of stage `asked`, a");
}
