//! The conversion of responses.

use serde_json::{Value, json};
use tests::http::{Answer, FakeServer};
use workflow_engine::ai::{
    AiError, AiErrorKind, AiProvider, FinishReason, GenerateResponse, ToolCall, Usage,
};

use super::{CHAT, ask, completion, openai, said, shows_nothing_of};

const USAGE: Usage = Usage { input_tokens: 19, cached_input_tokens: 3, output_tokens: 10 };

async fn answer(body: &Value) -> Result<GenerateResponse, AiError> {
    let server = FakeServer::start().await;
    server.on("POST", CHAT, Answer::json(200, body));
    openai(&server).generate(&ask("Hi")).await
}

#[tokio::test]
async fn response_text_and_usage() {
    let expected = GenerateResponse {
        text: "Hello! How can I assist you today?".to_owned(),
        reasoning: None,
        tool_calls: Vec::new(),
        usage: USAGE,
        finish_reason: FinishReason::Stop,
    };
    assert_eq!(answer(&said("Hello! How can I assist you today?")).await.unwrap(), expected);
}

#[tokio::test]
async fn every_finish_reason() {
    let reasons = [
        ("stop", FinishReason::Stop),
        ("length", FinishReason::Length),
        ("tool_calls", FinishReason::ToolCalls),
        ("function_call", FinishReason::ToolCalls),
        ("content_filter", FinishReason::ContentFilter),
        ("tired", FinishReason::Other),
    ];
    for (name, reason) in reasons {
        let response = answer(&completion(&json!({ "content": "He" }), name)).await.unwrap();
        assert_eq!(response.finish_reason, reason, "{name}");
    }
}

#[tokio::test]
async fn reasoning_in_either_field() {
    for name in ["reasoning", "reasoning_content"] {
        let message = json!({ "role": "assistant", "content": "4", name: "2 and 2" });
        let response = answer(&completion(&message, "stop")).await.unwrap();
        assert_eq!((response.text.as_str(), response.reasoning.as_deref()), ("4", Some("2 and 2")));
    }
}

fn call(id: &str, arguments: &str) -> Value {
    json!({ "id": id, "type": "function", "function": { "name": "weather", "arguments": arguments } })
}

#[tokio::test]
async fn tool_calls() {
    // For a call without arguments some models send an empty text, and some servers send `stop`.
    let calls = json!([call("call_1", r#"{"city":"Oslo"}"#), call("call_2", "")]);
    let message = json!({ "role": "assistant", "content": null, "tool_calls": calls });
    for reason in ["tool_calls", "stop"] {
        let response = answer(&completion(&message, reason)).await.unwrap();
        let expected = [("call_1", json!({ "city": "Oslo" })), ("call_2", json!({}))].map(|(id, input)| {
            ToolCall { id: id.to_owned(), name: "weather".to_owned(), input, signature: None }
        });
        assert_eq!(response.tool_calls, expected);
        assert_eq!((response.text.as_str(), response.finish_reason), ("", FinishReason::ToolCalls));
    }
}

#[tokio::test]
async fn arguments_that_are_not_json_are_an_invalid_response_with_usage() {
    let message = json!({ "content": null, "tool_calls": [call("call_1", r#"{"city":"Osl"#)] });
    let error = answer(&completion(&message, "tool_calls")).await.unwrap_err();
    assert_eq!((error.kind(), error.usage()), (AiErrorKind::InvalidResponse, Some(USAGE)));
    assert!(error.is_retryable());
    shows_nothing_of(&error, &["Osl"]);
}

#[tokio::test]
async fn a_refusal_is_an_error_with_usage() {
    let message =
        json!({ "role": "assistant", "content": null, "refusal": "I'm sorry, I cannot help with that." });
    let error = answer(&completion(&message, "stop")).await.unwrap_err();
    assert_eq!((error.kind(), error.usage()), (AiErrorKind::Refused, Some(USAGE)));
    assert!(!error.is_retryable());
    shows_nothing_of(&error, &["sorry"]);
}

#[tokio::test]
async fn missing_usage_counts_as_zero() {
    let response = answer(&json!({ "choices": [{ "message": { "content": "ok" } }] })).await.unwrap();
    assert_eq!(response.usage, Usage::default());
    let mut body = said("ok");
    body["usage"] = json!({ "prompt_tokens": 2, "completion_tokens": 1, "prompt_tokens_details": null });
    let response = answer(&body).await.unwrap();
    assert_eq!(response.usage, Usage { input_tokens: 2, cached_input_tokens: 0, output_tokens: 1 });
}

#[tokio::test]
async fn an_error_of_an_openrouter_upstream_has_status_200() {
    let error = answer(&json!({ "error": { "code": 502, "message": "Provider returned error" } })).await;
    let error = error.unwrap_err();
    assert_eq!((error.kind(), error.status()), (AiErrorKind::Overloaded, Some(502)));
    assert_eq!(error.to_string(), "provider `openai` reported an error: Provider returned error");

    let failed = json!({
        "message": { "content": "He" },
        "finish_reason": "error",
        "error": { "code": 429, "message": "slow down" },
    });
    let error = answer(&json!({ "choices": [failed] })).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::RateLimited);
}

#[tokio::test]
async fn a_malformed_body_is_an_invalid_response() {
    for body in [json!({}), json!({ "choices": [] }), json!({ "choices": "secret words" }), json!([1])] {
        let error = answer(&body).await.unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::InvalidResponse, "{body}");
        shows_nothing_of(&error, &["secret words"]);
    }
    for text in ["", "secret words", r#"{"choices":[{"message":{"content":"secret words"#, "<html>"] {
        let server = FakeServer::start().await;
        server.on("POST", CHAT, Answer::text(200, "application/json", text));
        let error = openai(&server).generate(&ask("Hi")).await.unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::InvalidResponse, "{text}");
        shows_nothing_of(&error, &["secret words"]);
    }
}
