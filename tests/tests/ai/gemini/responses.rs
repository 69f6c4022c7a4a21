//! The conversion of responses.

use std::time::Duration;

use serde_json::{Value, json};
use tests::http::{Answer, Piece};
use workflow_engine::ai::{
    AiErrorKind, AiProvider, FinishReason, GenerateResponse, Message, Part, Role, Usage,
};

use super::fixture::{GENERATE, answer, answering, ask, said, start};

async fn read(body: &Value) -> GenerateResponse {
    let (_server, provider) = answering(Answer::json(200, body)).await;
    provider.generate(&ask("Is it?")).await.unwrap()
}

#[tokio::test]
async fn response_text_and_usage() {
    let parts = json!([{"text": "Let me see.", "thought": true}, {"text": "It "}, {"text": "is."}]);
    let expected = GenerateResponse {
        text: "It is.".to_owned(),
        reasoning: Some("Let me see.".to_owned()),
        tool_calls: Vec::new(),
        // The prompt includes cached tokens. Reasoning is charged as output.
        usage: Usage { input_tokens: 1017, cached_input_tokens: 1000, output_tokens: 27 },
        finish_reason: FinishReason::Stop,
    };
    assert_eq!(read(&answer(&parts, "STOP")).await, expected);
}

#[tokio::test]
async fn tool_calls_and_their_signatures() {
    let parts = json!([
        {"text": "I look."},
        {
            "functionCall": {"id": "call_1", "name": "weather", "args": {"city": "Rome"}},
            "thoughtSignature": "CpYBAb==",
        },
        {"functionCall": {"name": "weather"}},
        {"executableCode": {"language": "PYTHON", "code": "1"}},
    ]);
    let (server, provider) = start().await;
    server.on("POST", GENERATE, Answer::json(200, &answer(&parts, "STOP")));
    server.on("POST", GENERATE, Answer::json(200, &said("Sunny.")));
    let mut request = ask("How is it?");
    let response = provider.generate(&request).await.unwrap();
    assert_eq!(response.finish_reason, FinishReason::ToolCalls);
    assert_eq!(response.text, "I look.");
    let [first, second] = response.tool_calls.as_slice() else { panic!("{response:?}") };
    assert_eq!((first.id.as_str(), &first.input), ("call_1", &json!({"city": "Rome"})));
    assert_eq!(first.signature.as_deref(), Some("CpYBAb=="));
    assert_eq!((second.name.as_str(), &second.input), ("weather", &json!({})));
    assert!(second.id.contains("mAitaLmkHPPlz7IPvtfUqQ4"), "another id in each answer: {}", second.id);

    let calls = response.tool_calls.into_iter().map(Part::ToolCall);
    request.messages.push(Message { role: Role::Assistant, parts: calls.collect() });
    provider.generate(&request).await.unwrap();
    let sent = server.requests()[1].json();
    // Unchanged.
    let expected = json!([parts[1], {"functionCall": {"name": "weather", "args": {}}}]);
    assert_eq!(sent["contents"][1], json!({"role": "model", "parts": expected}));
}

#[tokio::test]
async fn every_finish_reason() {
    let filters = [
        "SAFETY",
        "RECITATION",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    ];
    let others = ["OTHER", "LANGUAGE", "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "SOMETHING_NEW"];
    let reasons = [("STOP", FinishReason::Stop), ("MAX_TOKENS", FinishReason::Length)]
        .into_iter()
        .chain(filters.map(|reason| (reason, FinishReason::ContentFilter)))
        .chain(others.map(|reason| (reason, FinishReason::Other)));
    for (reason, expected) in reasons {
        let mut body = answer(&json!([]), reason);
        if expected == FinishReason::ContentFilter {
            body["candidates"][0].as_object_mut().unwrap().remove("content");
        }
        let response = read(&body).await;
        assert_eq!((response.finish_reason, response.text.as_str()), (expected, ""), "{reason}");
        assert_eq!(response.usage.output_tokens, 27, "it is paid all the same");
    }
}

#[tokio::test]
async fn a_blocked_prompt_is_refused() {
    let body = json!({
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT", "safetyRatings": []},
        "usageMetadata": {"promptTokenCount": 8, "totalTokenCount": 8},
    });
    let (_server, provider) = answering(Answer::json(200, &body)).await;
    let error = provider.generate(&ask("How do I?")).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::Refused);
    assert_eq!(error.usage(), Some(Usage { input_tokens: 8, cached_input_tokens: 0, output_tokens: 0 }));
    assert!(error.to_string().contains("PROHIBITED_CONTENT"), "{error}");
}

#[tokio::test]
async fn malformed_responses() {
    let bodies = [
        Answer::text(200, "application/json", "{\"candidates\": ["),
        Answer::text(200, "text/html", "<html>busy</html>"),
        Answer::json(200, &json!({})),
        Answer::json(200, &json!({"candidates": []})),
        Answer::json(200, &json!({"candidates": [{"content": "It is."}]})),
    ];
    for body in bodies {
        let (_server, provider) = answering(body).await;
        let error = provider.generate(&ask("Is it?")).await.unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::InvalidResponse, "{error}");
    }
}

#[tokio::test]
async fn a_truncated_response_body_and_a_response_timeout() {
    let half = Answer::pieces(200, "application/json", [Piece::text("{\"candidates\":"), Piece::Cut]);
    for answer in [Answer::cut(), half] {
        let (_server, provider) = answering(answer).await;
        let error = provider.generate(&ask("Is it?")).await.unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::Connection, "{error}");
    }
    let (_server, provider) = answering(Answer::hang()).await;
    let mut request = ask("Is it?");
    request.timeout = Duration::from_millis(50);
    let error = provider.generate(&request).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::Timeout, "{error}");
}
