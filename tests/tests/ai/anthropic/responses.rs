//! The conversion of responses.

use std::time::Duration;

use serde_json::{Value, json};
use tests::http::{Answer, Piece};
use tests::provider_requests::city;
use workflow_engine::ai::{
    AiErrorKind, AiProvider, FinishReason, GenerateResponse, Message, Part, Role, ToolCall, Usage,
};

use super::fixture::{answering, ask, message, said, start};

async fn read(body: &Value) -> GenerateResponse {
    let (_server, provider) = answering(Answer::json(200, body)).await;
    provider.generate(&ask("Is it?")).await.unwrap()
}

#[tokio::test]
async fn response_text_and_usage() {
    let expected = GenerateResponse {
        text: "It is.".to_owned(),
        reasoning: None,
        tool_calls: Vec::new(),
        // Tokens read from and written to the cache are part of the prompt.
        usage: Usage { input_tokens: 1112, cached_input_tokens: 1000, output_tokens: 7 },
        finish_reason: FinishReason::Stop,
    };
    assert_eq!(read(&said("It is.")).await, expected);
}

#[tokio::test]
async fn usage_without_cached_tokens() {
    let mut body = said("It is.");
    body["usage"] = json!({"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": null});
    let usage = Usage { input_tokens: 5, cached_input_tokens: 0, output_tokens: 2 };
    assert_eq!(read(&body).await.usage, usage);
}

#[tokio::test]
async fn thinking_is_sent_back_with_its_tool_call() {
    let thinking = json!({"type": "thinking", "thinking": "Look first.", "signature": "EqQB"});
    let redacted = json!({"type": "redacted_thinking", "data": "Em4="});
    let content = json!([
        thinking,
        redacted,
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rome"}},
        {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {"city": "Ostia"}},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
    ]);
    let (server, provider) = start().await;
    server.on("POST", "/v1/messages", Answer::json(200, &message(&content, "tool_use")));
    server.on("POST", "/v1/messages", Answer::json(200, &said("Sunny.")));
    let mut request = ask("How is it?");
    let response = provider.generate(&request).await.unwrap();

    assert_eq!(response.text, "I look.");
    assert_eq!(response.reasoning.as_deref(), Some("Look first."));
    assert_eq!(response.finish_reason, FinishReason::ToolCalls);
    let [first, second] = response.tool_calls.as_slice() else { panic!("{response:?}") };
    assert_eq!((first.id.as_str(), &first.input), ("toolu_1", &json!({"city": "Rome"})));
    assert!(first.signature.is_some());
    let expected = ToolCall {
        id: "toolu_2".to_owned(),
        name: "weather".to_owned(),
        input: json!({"city": "Ostia"}),
        signature: None,
    };
    assert_eq!(*second, expected);

    let calls = response.tool_calls.into_iter().map(Part::ToolCall);
    request.messages.push(Message { role: Role::Assistant, parts: calls.collect() });
    provider.generate(&request).await.unwrap();
    let sent = server.requests()[1].json();
    let blocks = sent["messages"][1]["content"].as_array().unwrap();
    assert_eq!(blocks[..2], [thinking, redacted]);
    assert_eq!(blocks[2]["id"], "toolu_1");
}

#[tokio::test]
async fn an_object_returned_through_the_tool_is_the_text() {
    let content = json!([
        {"type": "text", "text": "Here it is."},
        {"type": "tool_use", "id": "toolu_1", "name": "answer_with_object", "input": {"city": "Rome"}},
    ]);
    let response = read(&message(&content, "tool_use")).await;
    assert_eq!(response.text, r#"{"city":"Rome"}"#);
    assert_eq!(response.tool_calls, []);
    assert_eq!(response.finish_reason, FinishReason::Stop);
}

#[tokio::test]
async fn every_finish_reason() {
    let reasons = [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("model_context_window_exceeded", FinishReason::Length),
        ("pause_turn", FinishReason::Other),
        ("something_new", FinishReason::Other),
    ];
    for (reason, expected) in reasons {
        let body = message(&json!([{"type": "text", "text": "It"}]), reason);
        assert_eq!(read(&body).await.finish_reason, expected, "{reason}");
    }
}

#[tokio::test]
async fn a_refusal_is_an_error() {
    let mut body = message(&json!([]), "refusal");
    body["stop_details"] = json!({"type": "refusal", "category": "bio", "explanation": "You ask: How do I?"});
    let (_server, provider) = answering(Answer::json(200, &body)).await;
    let error = provider.generate(&ask("How do I?")).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::Refused);
    assert!(!error.is_retryable());
    assert_eq!(error.usage().unwrap().output_tokens, 7, "it may be paid all the same");
    let shown = error.to_string();
    assert!(shown.contains("bio") && !shown.contains("How do I"), "{shown}");
}

#[tokio::test]
async fn malformed_responses() {
    let mut untyped = said("It is.");
    untyped["content"] = json!([{"text": "It is."}]);
    let mut unmeasured = said("It is.");
    unmeasured.as_object_mut().unwrap().remove("usage");
    let bodies = [
        Answer::text(200, "application/json", "{\"content\": ["),
        Answer::text(200, "text/html", "<html>busy</html>"),
        Answer::json(200, &json!({})),
        Answer::json(200, &untyped),
        Answer::json(200, &unmeasured),
    ];
    for body in bodies {
        let (_server, provider) = answering(body).await;
        let error = provider.generate(&ask("Is it?")).await.unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::InvalidResponse, "{error}");
        assert!(error.is_retryable());
    }
}

#[tokio::test]
async fn a_truncated_response_body() {
    let half = Answer::pieces(200, "application/json", [Piece::text("{\"content\":"), Piece::Cut]);
    for answer in [Answer::cut(), half] {
        let (_server, provider) = answering(answer).await;
        let error = provider.generate(&ask("Is it?")).await.unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::Connection, "{error}");
    }
}

#[tokio::test]
async fn a_response_timeout() {
    let (_server, provider) = answering(Answer::hang()).await;
    let mut request = ask("Is it?");
    request.schema = Some(city());
    request.timeout = Duration::from_millis(50);
    let error = provider.generate(&request).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::Timeout, "{error}");
}
