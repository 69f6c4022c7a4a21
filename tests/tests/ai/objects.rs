//! Objects that match their schema, and tools.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tests::models::{session, usage};
use workflow_engine::Cost;
use workflow_engine::ai::{
    AiErrorKind, AiTool, FinishReason, GenerateResponse, Part, Role, ScriptedProvider, ToolCall, ToolResult,
};
use workflow_engine::records::{CallStatus, CallType};

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Invoice {
    /// The number on the invoice.
    number: String,
    #[schemars(range(min = 1))]
    cents: u32,
    paid: Option<bool>,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mood {
    Good,
    Bad,
}

fn answering(text: &str) -> ScriptedProvider {
    ScriptedProvider::new("test").text(text, usage(10, 10))
}

#[tokio::test]
async fn an_object_is_requested_by_its_schema_and_returned_as_its_type() {
    let expected = Invoice { number: "A-1".into(), cents: 250, paid: None };
    for text in [
        r#"{"number": "A-1", "cents": 250}"#,
        "```json\n{\"number\": \"A-1\", \"cents\": 250, \"paid\": null}\n```",
        "Here you are:\n```\n{\"number\": \"A-1\", \"cents\": 250}\n```\nAnything else?",
    ] {
        let provider = answering(text);
        let (session, ledger) = session(&provider);
        let invoice: Invoice = session.generate_object("m", "?").await.unwrap();
        assert_eq!(invoice, expected, "{text}");
        let schema = provider.requests()[0].schema.clone().unwrap();
        assert_eq!(schema.name, "Invoice");
        assert_eq!(schema.schema["properties"]["number"]["description"], "The number on the invoice.");
        assert_eq!(schema.schema["properties"]["cents"]["minimum"], 1);
        assert_eq!(schema.schema["required"], json!(["number", "cents"]));
        assert_eq!(ledger.calls()[0].call_type, CallType::Object);
    }
}

#[tokio::test]
async fn a_value_that_is_not_an_object_is_wrapped_for_the_provider() {
    let provider = answering(r#"{"value": ["good", "bad"]}"#);
    let (session, _) = session(&provider);
    let moods: Vec<Mood> = session.generate_object("m", "?").await.unwrap();
    assert_eq!(moods, [Mood::Good, Mood::Bad]);
    let schema = provider.requests()[0].schema.clone().unwrap().schema;
    assert_eq!((&schema["type"], &schema["required"]), (&json!("object"), &json!(["value"])));
    assert_eq!(schema["properties"]["value"]["type"], "array");
}

#[tokio::test]
async fn an_invalid_response_error_names_the_position_and_quotes_nothing() {
    for (text, expected) in [
        (
            "I would rather not, SECRET.",
            "the response for `Invoice` is not JSON: syntax error at line 1 column 1",
        ),
        (
            "{\"number\": \"SECRET",
            "the response for `Invoice` is not JSON: unexpected end at line 1 column 18",
        ),
        (r#"{"number": 7, "cents": 1}"#, "violates its schema at `/properties/number/type`"),
        (r#"{"number": "SECRET"}"#, "violates its schema at `/required`"),
        (r#"{"number": "SECRET", "cents": 0}"#, "violates its schema at `/properties/cents/minimum`"),
        (r#"{"number": "SECRET", "cents": "SECRET"}"#, "violates its schema at `/properties/cents/type`"),
        (
            r#"{"number": "SECRET", "cents": 99999999999}"#,
            "matches its schema but not the Rust type: a value has the wrong type",
        ),
    ] {
        let (session, ledger) = session(&answering(text));
        let error = session.generate_object::<Invoice>("m", "?").await.unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::InvalidResponse, "{text}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.to_string().contains("SECRET"), "{error}");
        assert_eq!(ledger.calls()[0].outcome, CallStatus::Settled, "the provider served and charged it");
        assert_eq!(ledger.calls().len(), 1, "it is not retried");
    }
}

#[tokio::test]
async fn truncated_and_filtered_responses_are_errors() {
    for (finish_reason, kind) in
        [(FinishReason::Length, AiErrorKind::Truncated), (FinishReason::ContentFilter, AiErrorKind::Refused)]
    {
        let response = GenerateResponse {
            text: r#"{"number": "A-"#.into(),
            reasoning: None,
            tool_calls: Vec::new(),
            usage: usage(10, 10),
            finish_reason,
        };
        let (session, _) = session(&ScriptedProvider::new("test").response(response));
        assert_eq!(session.generate_object::<Invoice>("m", "?").await.unwrap_err().kind(), kind);
    }
}

#[tokio::test]
async fn with_details_returns_usage_and_cost() {
    let response = GenerateResponse {
        text: r#"{"value": "bad"}"#.into(),
        reasoning: Some("It rains.".into()),
        tool_calls: Vec::new(),
        usage: usage(10, 10),
        finish_reason: FinishReason::Stop,
    };
    let (session, _) = session(&ScriptedProvider::new("test").response(response));
    let answer = session.generate_object::<Mood>("m", "?").with_details().await.unwrap();
    assert_eq!((answer.object, answer.steps, answer.usage), (Mood::Bad, 1, usage(10, 10)));
    assert_eq!(answer.reasoning.as_deref(), Some("It rains."));
    assert_eq!(answer.cost.to_string(), "0.00005 USD");
}

#[derive(Deserialize, JsonSchema)]
struct Sum {
    a: i64,
    b: i64,
}

fn add() -> AiTool {
    AiTool::new("add", "Adds two numbers.", async |Sum { a, b }: Sum| {
        a.checked_add(b).ok_or("that is too much")
    })
}

fn call(id: &str, name: &str, input: serde_json::Value) -> ToolCall {
    ToolCall { id: id.into(), name: name.into(), input, signature: Some("sig".into()) }
}

#[tokio::test]
async fn tools_are_called_until_the_model_returns_a_response() {
    let provider = ScriptedProvider::new("test")
        .tools(
            [
                call("1", "add", json!({ "a": 1, "b": 2 })),
                call("2", "add", json!({ "a": i64::MAX, "b": 1 })),
                call("3", "add", json!({ "a": "one" })),
                call("4", "adds", json!({})),
            ],
            usage(100, 10),
        )
        .tools([call("5", "add", json!({ "a": 3, "b": 4 }))], usage(200, 10))
        .text("7", usage(300, 1));
    let (session, ledger) = session(&provider);
    let answer = session.generate_text("m", "1 + 2 + 4?").tool(add()).await.unwrap();
    assert_eq!((answer.text.as_str(), answer.steps, answer.usage), ("7", 3, usage(600, 21)));
    assert_eq!(answer.cost.to_string(), "0.000684 USD");
    assert!(answer.tool_calls.is_empty());

    let sent = provider.requests();
    assert_eq!(sent[0].tools[0].input_schema["required"], json!(["a", "b"]));
    assert_eq!(sent.iter().map(|request| request.messages.len()).collect::<Vec<_>>(), [1, 3, 5]);
    assert_eq!(answer.messages.len(), 6);
    let [_, asked, told, ..] = answer.messages.as_slice() else { panic!("too short") };
    assert_eq!((asked.role, told.role), (Role::Assistant, Role::User));
    assert!(matches!(&asked.parts[0], Part::ToolCall(call) if call.signature.as_deref() == Some("sig")));
    let results: Vec<&ToolResult> = told
        .parts
        .iter()
        .map(|part| match part {
            Part::ToolResult(result) => result,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((results[0].output.clone(), results[0].is_error), (json!(3), false));
    assert_eq!((results[1].output.clone(), results[1].is_error), (json!("that is too much"), true));
    let misfit = results[2].output.as_str().unwrap();
    assert!(misfit.starts_with("the input does not fit the schema: invalid type"), "{misfit}");
    assert_eq!(results[3].output, json!("tool `adds` is not registered; registered are: `add`"));
    assert!(results.iter().skip(1).all(|result| result.is_error));

    let calls = ledger.calls();
    let topics: Vec<_> = calls.iter().map(|call| call.topic.as_str()).collect();
    assert_eq!(
        topics,
        ["t", "t.tool.add", "t.tool.add", "t.tool.add", "t.tool.adds", "t", "t.tool.add", "t"]
    );
    assert!(calls.iter().all(|call| call.outcome == CallStatus::Settled));
    let tools: Vec<_> = calls.iter().filter(|call| call.call_type == CallType::Tool).collect();
    assert!(tools.iter().all(|call| call.cost == Cost::ZERO && call.input_tokens == 0));
    assert_eq!(tools[0].response.as_deref(), Some("3"));
    let total = session.stats().await.unwrap().total;
    assert_eq!((total.calls, total.cost), (8, answer.cost));
}

#[tokio::test]
async fn the_number_of_steps_is_limited() {
    let again =
        |script: ScriptedProvider| script.tools([call("1", "add", json!({ "a": 1, "b": 1 }))], usage(1, 1));
    let provider = again(again(again(ScriptedProvider::new("test"))));
    let (session, ledger) = session(&provider);
    let answer = session.generate_text("m", "?").tool(add()).max_steps(2).await.unwrap();
    assert_eq!((answer.steps, answer.finish_reason), (2, FinishReason::ToolCalls));
    assert_eq!(answer.tool_calls.len(), 1, "the tool calls of the last step are returned");
    let tools = ledger.calls().iter().filter(|call| call.call_type == CallType::Tool).count();
    assert_eq!((provider.requests().len(), tools), (2, 1));
}

#[tokio::test]
async fn an_object_can_be_generated_with_tools() {
    let provider = ScriptedProvider::new("test")
        .tools([call("1", "add", json!({ "a": 1, "b": 1 }))], usage(1, 1))
        .text(r#"{"value": 2}"#, usage(1, 1));
    let (session, _) = session(&provider);
    assert_eq!(session.generate_object::<u8>("m", "1 + 1?").tool(add()).await.unwrap(), 2);
    assert!(provider.requests().iter().all(|request| request.schema.is_some()));
}
