//! Streamed responses, event by event.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use tests::http::{Answer, Piece, Signal};
use tests::provider_requests::{city, pieces};
use workflow_engine::ai::StreamPart::{self, Finished, Reasoning, Text};
use workflow_engine::ai::{AiErrorKind, AiProvider, FinishReason, ToolCall, Usage};

use super::fixture::{MESSAGES, answering, ask, start};

fn event(data: &Value) -> Piece {
    Piece::event(data["type"].as_str().unwrap(), data)
}

fn begin() -> Piece {
    let usage = json!({
        "input_tokens": 12,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 1000,
        "output_tokens": 1,
    });
    let message =
        json!({"id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": usage});
    event(&json!({"type": "message_start", "message": message}))
}

/// A content block with this beginning and these deltas.
fn block(index: u32, content_block: &Value, deltas: &[Value]) -> Vec<Piece> {
    let mut events =
        vec![event(&json!({"type": "content_block_start", "index": index, "content_block": content_block}))];
    for delta in deltas {
        events.push(event(&json!({"type": "content_block_delta", "index": index, "delta": delta})));
    }
    events.push(event(&json!({"type": "content_block_stop", "index": index})));
    events
}

fn text(index: u32, texts: &[&str]) -> Vec<Piece> {
    let deltas: Vec<Value> = texts.iter().map(|text| json!({"type": "text_delta", "text": text})).collect();
    block(index, &json!({"type": "text", "text": ""}), &deltas)
}

fn tool(index: u32, name: &str, inputs: &[&str]) -> Vec<Piece> {
    let begun = json!({"type": "tool_use", "id": format!("toolu_{index}"), "name": name, "input": {}});
    let deltas: Vec<Value> =
        inputs.iter().map(|input| json!({"type": "input_json_delta", "partial_json": input})).collect();
    block(index, &begun, &deltas)
}

fn end(stop_reason: &str) -> Vec<Piece> {
    let delta = json!({"stop_reason": stop_reason, "stop_sequence": null});
    vec![
        event(&json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9}})),
        event(&json!({"type": "message_stop"})),
    ]
}

fn finished(finish_reason: FinishReason) -> StreamPart {
    let usage = Usage { input_tokens: 1012, cached_input_tokens: 1000, output_tokens: 9 };
    Finished { usage, finish_reason }
}

fn call(index: u32, input: Value, signature: Option<String>) -> StreamPart {
    let (id, name) = (format!("toolu_{index}"), "weather".to_owned());
    StreamPart::ToolCall(ToolCall { id, name, input, signature })
}

/// The parts that these events convert to.
async fn read(events: &[Vec<Piece>]) -> (Vec<StreamPart>, Option<workflow_engine::ai::AiError>) {
    let (_server, provider) = answering(Answer::events(events.concat())).await;
    pieces(&provider, &ask("Is it?")).await
}

#[tokio::test]
async fn text_deltas() {
    let (server, provider) = start().await;
    let more = Signal::default();
    let mut events = vec![begin(), event(&json!({"type": "ping"}))];
    events.push(event(
        &json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    ));
    let delta = |text: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}});
    events.extend([event(&delta("It")), Piece::Wait(more.clone()), event(&delta(" is."))]);
    events.push(event(&json!({"type": "content_block_stop", "index": 0})));
    events.extend(end("end_turn"));
    server.on("POST", MESSAGES, Answer::events(events));

    let mut stream = provider.stream(&ask("Is it?")).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), Text("It".to_owned()));
    more.give();
    assert_eq!(stream.next().await.unwrap().unwrap(), Text(" is.".to_owned()));
    assert_eq!(stream.next().await.unwrap().unwrap(), finished(FinishReason::Stop));
    assert!(stream.next().await.is_none());
    assert_eq!(server.request().json()["stream"], true);
}

#[tokio::test]
async fn thinking_and_tool_calls() {
    let thinking = block(
        0,
        &json!({"type": "thinking", "thinking": "", "signature": ""}),
        &[
            json!({"type": "thinking_delta", "thinking": "Look"}),
            json!({"type": "thinking_delta", "thinking": " first."}),
            json!({"type": "signature_delta", "signature": "EqQB"}),
        ],
    );
    let redacted = block(1, &json!({"type": "redacted_thinking", "data": "Em4="}), &[]);
    let first = tool(2, "weather", &["", "{\"city\":", "\"Rome\"}"]);
    let (parts, error) =
        read(&[vec![begin()], thinking, redacted, first, tool(3, "weather", &[]), end("tool_use")]).await;
    assert!(error.is_none(), "{error:?}");
    let signature = json!([
        {"type": "thinking", "thinking": "Look first.", "signature": "EqQB"},
        {"type": "redacted_thinking", "data": "Em4="},
    ]);
    let StreamPart::ToolCall(called) = &parts[2] else { panic!("{parts:?}") };
    let given: Value = serde_json::from_str(called.signature.as_deref().unwrap()).unwrap();
    assert_eq!(given, signature);
    let expected = vec![
        Reasoning("Look".to_owned()),
        Reasoning(" first.".to_owned()),
        call(2, json!({"city": "Rome"}), called.signature.clone()),
        call(3, json!({}), None),
        finished(FinishReason::ToolCalls),
    ];
    assert_eq!(parts, expected);
}

#[tokio::test]
async fn an_object_through_the_tool_excludes_the_text_around_it() {
    let mut request = ask("Which city?");
    request.schema = Some(city());
    request.model.supports_structured_outputs = false;
    let object = tool(1, "answer_with_object", &["{\"city\":", "\"Rome\"}"]);
    let events = [vec![begin()], text(0, &["Here it is."]), object, end("tool_use")];
    let (_server, provider) = answering(Answer::events(events.concat())).await;
    let (parts, error) = pieces(&provider, &request).await;
    assert!(error.is_none(), "{error:?}");
    let expected =
        vec![Text("{\"city\":".to_owned()), Text("\"Rome\"}".to_owned()), finished(FinishReason::Stop)];
    assert_eq!(parts, expected);

    // Written as text instead of passed to the tool.
    let events = [vec![begin()], text(0, &["{\"city\":", "\"Rome\"}"]), end("end_turn")];
    let (_server, provider) = answering(Answer::events(events.concat())).await;
    let (parts, error) = pieces(&provider, &request).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(parts, [Text("{\"city\":\"Rome\"}".to_owned()), finished(FinishReason::Stop)]);
}

#[tokio::test]
async fn a_tool_call_truncated_at_the_token_limit_is_ignored() {
    let cut = tool(0, "weather", &["{\"city\":"]);
    let (parts, error) = read(&[vec![begin()], cut.clone(), end("max_tokens")]).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(parts, [finished(FinishReason::Length)]);

    let (parts, error) = read(&[vec![begin()], cut, end("tool_use")]).await;
    assert_eq!(parts, []);
    assert_eq!(error.unwrap().kind(), AiErrorKind::InvalidResponse);
}

#[tokio::test]
async fn an_error_after_valid_events() {
    let errors = [
        ("overloaded_error", AiErrorKind::Overloaded),
        ("api_error", AiErrorKind::Overloaded),
        ("rate_limit_error", AiErrorKind::RateLimited),
        ("invalid_request_error", AiErrorKind::InvalidRequest),
    ];
    for (kind, expected) in errors {
        let error = event(&json!({"type": "error", "error": {"type": kind, "message": "no more"}}));
        let (parts, error) = read(&[vec![begin()], text(0, &["It"]), vec![error], end("end_turn")]).await;
        assert_eq!(parts, [Text("It".to_owned())]);
        assert_eq!(error.unwrap().kind(), expected, "{kind}");
    }
}

#[tokio::test]
async fn a_refusal_after_text() {
    let (parts, error) = read(&[vec![begin()], text(0, &["It"]), end("refusal")]).await;
    assert_eq!(parts, [Text("It".to_owned())]);
    let error = error.unwrap();
    let usage = Usage { input_tokens: 1012, cached_input_tokens: 1000, output_tokens: 9 };
    assert_eq!((error.kind(), error.usage()), (AiErrorKind::Refused, Some(usage)));
}

#[tokio::test]
async fn a_stream_that_ends_before_the_response_is_complete() {
    // With and without a proper end of the HTTP body, and before and after the stop reason.
    let mut without_stop = end("end_turn");
    without_stop.pop();
    for last in [vec![], vec![Piece::Cut], without_stop] {
        let (parts, error) = read(&[vec![begin()], text(0, &["It"]), last]).await;
        assert_eq!(parts, [Text("It".to_owned())]);
        let error = error.unwrap();
        assert_eq!(error.kind(), AiErrorKind::Connection, "{error}");
        assert!(error.is_retryable());
    }
}

#[tokio::test]
async fn a_stream_that_stalls_times_out() {
    let events = [vec![begin()], text(0, &["It"]), vec![Piece::Wait(Signal::default())]];
    let (_server, provider) = answering(Answer::events(events.concat())).await;
    let mut request = ask("Is it?");
    // Long enough for the first part on a busy machine.
    request.timeout = Duration::from_secs(2);
    let (parts, error) = pieces(&provider, &request).await;
    assert_eq!(parts, [Text("It".to_owned())]);
    assert_eq!(error.unwrap().kind(), AiErrorKind::Timeout);
}

#[tokio::test]
async fn malformed_events() {
    for data in ["{\"type\": \"message_del", "[1]", "{\"type\": \"content_block_delta\", \"index\": 0}"] {
        let (parts, error) = read(&[vec![begin()], text(0, &["It"]), vec![Piece::data(data)]]).await;
        assert_eq!(parts, [Text("It".to_owned())]);
        assert_eq!(error.unwrap().kind(), AiErrorKind::InvalidResponse, "{data}");
    }
}

#[tokio::test]
async fn unknown_events_are_ignored() {
    let new = event(&json!({"type": "something_new", "more": [1, 2]}));
    let odd =
        block(0, &json!({"type": "new_block", "stuff": 1}), &[json!({"type": "new_delta", "stuff": 2})]);
    let (parts, error) = read(&[vec![begin()], vec![new], odd, text(1, &["It is."]), end("end_turn")]).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(parts, [Text("It is.".to_owned()), finished(FinishReason::Stop)]);
}

#[tokio::test]
async fn a_refused_stream() {
    let error = json!({"type": "error", "error": {"type": "rate_limit_error", "message": "slower"}});
    let (_server, provider) = answering(Answer::json(429, &error).header("retry-after", "3")).await;
    let (parts, error) = pieces(&provider, &ask("Is it?")).await;
    let error = error.unwrap();
    assert_eq!(parts, []);
    assert_eq!((error.kind(), error.retry_after()), (AiErrorKind::RateLimited, Some(Duration::from_secs(3))));
}
