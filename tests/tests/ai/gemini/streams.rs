//! Streamed responses, event by event.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use tests::http::{Answer, Piece, Signal};
use tests::provider_requests::pieces;
use workflow_engine::ai::StreamPart::{self, Finished, Reasoning, Text};
use workflow_engine::ai::{AiError, AiErrorKind, AiProvider, FinishReason, ToolCall, Usage};

use super::fixture::{KEY, ask, start, status};

const STREAM: &str = "/v1beta/models/gemini-2.5-flash:streamGenerateContent";

/// An event with these parts, before the end.
fn more(parts: &Value) -> Piece {
    let candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    let usage = json!({"promptTokenCount": 12, "totalTokenCount": 12});
    Piece::data(&json!({"candidates": [candidate], "usageMetadata": usage, "responseId": "r1"}))
}

/// The last event.
fn last(parts: &Value, finish_reason: &str) -> Piece {
    let candidate =
        json!({"content": {"parts": parts, "role": "model"}, "finishReason": finish_reason, "index": 0});
    let usage = json!({"promptTokenCount": 12, "candidatesTokenCount": 7, "thoughtsTokenCount": 2});
    Piece::data(&json!({"candidates": [candidate], "usageMetadata": usage, "responseId": "r1"}))
}

fn said(text: &str) -> Piece {
    more(&json!([{"text": text}]))
}

fn finished(finish_reason: FinishReason) -> StreamPart {
    let usage = Usage { input_tokens: 12, cached_input_tokens: 0, output_tokens: 9 };
    Finished { usage, finish_reason }
}

/// The parts that these events convert to.
async fn read(events: Vec<Piece>) -> (Vec<StreamPart>, Option<AiError>) {
    let (server, provider) = start().await;
    server.on("POST", STREAM, Answer::events(events));
    pieces(&provider, &ask("Is it?")).await
}

#[tokio::test]
async fn text_deltas() {
    let (server, provider) = start().await;
    let signal = Signal::default();
    let events = [
        more(&json!([{"text": "Let me see.", "thought": true}])),
        said("It"),
        Piece::Wait(signal.clone()),
        said(" is"),
        last(&json!([{"text": "."}, {"text": "", "thoughtSignature": "CpYB"}]), "STOP"),
    ];
    server.on("POST", STREAM, Answer::events(events));
    let mut stream = provider.stream(&ask("Is it?")).await.unwrap();
    let mut next = async || stream.next().await.map(Result::unwrap);
    assert_eq!(next().await, Some(Reasoning("Let me see.".to_owned())));
    assert_eq!(next().await, Some(Text("It".to_owned())));
    signal.give();
    assert_eq!(next().await, Some(Text(" is".to_owned())));
    assert_eq!(next().await, Some(Text(".".to_owned())));
    assert_eq!(next().await, Some(finished(FinishReason::Stop)));
    assert_eq!(next().await, None);

    let request = server.request();
    assert_eq!(request.query, "alt=sse");
    assert_eq!(request.header("x-goog-api-key"), KEY);
    assert_eq!(request.json(), json!({"contents": [{"role": "user", "parts": [{"text": "Is it?"}]}]}));
}

#[tokio::test]
async fn tools() {
    let first =
        json!([{"functionCall": {"name": "weather", "args": {"city": "Rome"}}, "thoughtSignature": "CpYB"}]);
    let second = json!([{"functionCall": {"id": "call_2", "name": "weather", "args": {}}}]);
    let (parts, error) = read(vec![more(&first), last(&second, "STOP")]).await;
    assert!(error.is_none(), "{error:?}");
    let call = |id: &str, input: Value, signature: Option<&str>| {
        let (id, name) = (id.to_owned(), "weather".to_owned());
        StreamPart::ToolCall(ToolCall { id, name, input, signature: signature.map(str::to_owned) })
    };
    let expected = [
        call("unnamed-r1-0", json!({"city": "Rome"}), Some("CpYB")),
        call("call_2", json!({}), None),
        finished(FinishReason::ToolCalls),
    ];
    assert_eq!(parts, expected);
}

#[tokio::test]
async fn abnormal_finish_reasons() {
    let ends = [("MAX_TOKENS", FinishReason::Length), ("SAFETY", FinishReason::ContentFilter)];
    for (reason, expected) in ends {
        let (parts, error) = read(vec![said("It"), last(&json!([]), reason)]).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(parts, [Text("It".to_owned()), finished(expected)]);
    }
}

#[tokio::test]
async fn a_blocked_prompt_is_refused() {
    let (parts, error) = read(vec![Piece::data(&json!({"promptFeedback": {"blockReason": "SAFETY"}}))]).await;
    assert_eq!(parts, []);
    assert_eq!(error.unwrap().kind(), AiErrorKind::Refused);
}

#[tokio::test]
async fn an_error_after_valid_events() {
    let errors = [
        (503, "UNAVAILABLE", AiErrorKind::Overloaded),
        (500, "INTERNAL", AiErrorKind::Overloaded),
        (429, "RESOURCE_EXHAUSTED", AiErrorKind::RateLimited),
    ];
    for (code, word, expected) in errors {
        let error = Piece::data(&status(code, word, "no more", &json!([])));
        let (parts, error) = read(vec![said("It"), error, last(&json!([]), "STOP")]).await;
        assert_eq!(parts, [Text("It".to_owned())]);
        let error = error.unwrap();
        assert_eq!((error.kind(), error.status()), (expected, Some(code)));
    }
}

#[tokio::test]
async fn a_stream_that_ends_before_the_response_is_complete() {
    for end in
        [vec![said("It")], vec![said("It"), Piece::Cut], vec![said("It"), Piece::text("data: {\"cand")]]
    {
        let (parts, error) = read(end).await;
        assert_eq!(parts, [Text("It".to_owned())]);
        let error = error.unwrap();
        assert_eq!(error.kind(), AiErrorKind::Connection, "{error}");
        assert_eq!(error.usage().unwrap().input_tokens, 12, "the usage reported so far");
    }
}

#[tokio::test]
async fn a_stream_that_stalls_times_out() {
    let (server, provider) = start().await;
    server.on("POST", STREAM, Answer::events([said("It"), Piece::Wait(Signal::default())]));
    let mut request = ask("Is it?");
    // Long enough for the first part on a busy machine.
    request.timeout = Duration::from_secs(2);
    let (parts, error) = pieces(&provider, &request).await;
    assert_eq!(parts, [Text("It".to_owned())]);
    assert_eq!(error.unwrap().kind(), AiErrorKind::Timeout);
}

#[tokio::test]
async fn malformed_events() {
    for data in ["{\"candidates\": [", "7", "{\"candidates\": {}}"] {
        let (parts, error) = read(vec![said("It"), Piece::data(data)]).await;
        assert_eq!(parts, [Text("It".to_owned())]);
        assert_eq!(error.unwrap().kind(), AiErrorKind::InvalidResponse, "{data}");
    }
}

#[tokio::test]
async fn a_refused_stream() {
    // Google wraps the error of a stream in a list.
    let info = json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2.5s"}]);
    let body = json!([status(429, "RESOURCE_EXHAUSTED", "slower", &info)]);
    let (server, provider) = start().await;
    server.on("POST", STREAM, Answer::json(429, &body));
    let (parts, error) = pieces(&provider, &ask("Is it?")).await;
    let error = error.unwrap();
    assert_eq!(parts, []);
    assert_eq!(
        (error.kind(), error.retry_after()),
        (AiErrorKind::RateLimited, Some(Duration::from_millis(2500)))
    );
}
