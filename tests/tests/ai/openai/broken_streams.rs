//! Streams that are incomplete or malformed.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::json;
use tests::http::{Answer, FakeServer, Piece, Signal};
use workflow_engine::ai::{AiError, AiErrorKind, AiProvider, StreamPart, Usage};

use super::streams::{chunk, done, text, usage};
use super::{CHAT, LONG, SHORT, ask, openai, shows_nothing_of};

/// The parts before the error, and the error. Nothing may follow it.
async fn fails(pieces: impl IntoIterator<Item = Piece>) -> (Vec<StreamPart>, AiError) {
    fails_within(LONG, pieces).await
}

async fn fails_within(
    timeout: Duration,
    pieces: impl IntoIterator<Item = Piece>,
) -> (Vec<StreamPart>, AiError) {
    let server = FakeServer::start().await;
    server.on("POST", CHAT, Answer::events(pieces));
    let mut request = ask("Tell me about the plans for Tuesday");
    request.timeout = timeout;
    let mut stream = openai(&server).stream(&request).await.unwrap();
    let mut parts = Vec::new();
    loop {
        match stream.next().await.expect("an error before the end") {
            Ok(part) => parts.push(part),
            Err(error) => {
                assert!(stream.next().await.is_none());
                return (parts, error);
            }
        }
    }
}

fn hel() -> Vec<StreamPart> {
    vec![StreamPart::Text("Hel".to_owned())]
}

#[tokio::test]
async fn a_cut_connection() {
    let (parts, error) = fails([text("Hel"), Piece::Cut]).await;
    assert_eq!((parts, error.kind()), (hel(), AiErrorKind::Connection));
    let (parts, error) =
        fails([text("Hel"), Piece::text("data: {\"choices\": [{\"delta\""), Piece::Cut]).await;
    assert_eq!((parts, error.kind()), (hel(), AiErrorKind::Connection));
}

#[tokio::test]
async fn a_stream_without_its_last_events() {
    let (parts, error) = fails([text("Hel")]).await;
    assert_eq!((parts, error.kind()), (hel(), AiErrorKind::Connection));
    // The usage is missing, so the response is incomplete.
    let (_, error) = fails([text("Hel"), chunk(&json!({}), Some("stop"))]).await;
    assert_eq!(error.kind(), AiErrorKind::Connection);
    let (_, error) = fails([text("Hel"), usage()]).await;
    let counted = Usage { input_tokens: 9, cached_input_tokens: 1, output_tokens: 2 };
    assert_eq!((error.kind(), error.usage()), (AiErrorKind::Connection, Some(counted)));
}

#[tokio::test]
async fn a_stream_that_stalls_times_out() {
    // Long enough for the first part on a busy machine.
    let timeout = Duration::from_secs(2);
    let (parts, error) = fails_within(timeout, [text("Hel"), Piece::Wait(Signal::default())]).await;
    assert_eq!((parts, error.kind()), (hel(), AiErrorKind::Timeout));
}

#[tokio::test]
async fn a_stream_that_does_not_begin_times_out() {
    let server = FakeServer::start().await;
    server.on("POST", CHAT, Answer::hang());
    let mut request = ask("Hi");
    request.timeout = SHORT;
    let error = openai(&server).stream(&request).await.err().unwrap();
    assert_eq!(error.kind(), AiErrorKind::Timeout);
}

#[tokio::test]
async fn a_malformed_event() {
    for data in ["{\"choices\": [{\"delta\": {\"content\": \"secret", "{\"choices\": \"secret\"}", "secret"] {
        let (parts, error) = fails([text("Hel"), Piece::data(data)]).await;
        assert_eq!((parts, error.kind()), (hel(), AiErrorKind::InvalidResponse), "{data}");
        shows_nothing_of(&error, &["secret"]);
    }
}

#[tokio::test]
async fn an_error_among_the_events() {
    let overloaded = json!({ "error": {
        "message": "The server had an error while processing 'plans for Tuesday'.",
        "type": "server_error",
        "param": null,
        "code": null,
    } });
    let (parts, error) = fails([text("Hel"), Piece::data(&overloaded)]).await;
    assert_eq!((parts, error.kind()), (hel(), AiErrorKind::Overloaded));
    shows_nothing_of(&error, &["Tuesday"]);

    // As OpenRouter documents it.
    let cut_off = json!({
        "id": "cmpl-abc123",
        "object": "chat.completion.chunk",
        "provider": "openai",
        "error": { "code": "server_error", "message": "Provider disconnected unexpectedly" },
        "choices": [{ "index": 0, "delta": { "content": "" }, "finish_reason": "error" }],
    });
    let (_, error) = fails([text("Hel"), Piece::data(&cut_off)]).await;
    assert_eq!(error.kind(), AiErrorKind::Overloaded);

    let limited = json!({ "error": { "code": 429, "message": "Rate limited" } });
    let (_, error) = fails([Piece::data(&limited)]).await;
    assert_eq!((error.kind(), error.status()), (AiErrorKind::RateLimited, Some(429)));
}

#[tokio::test]
async fn a_refusal_in_deltas() {
    let refusal = |text: &str| chunk(&json!({ "refusal": text }), None);
    let pieces = [refusal("I am "), refusal("sorry"), chunk(&json!({}), Some("stop")), usage(), done()];
    let (parts, error) = fails(pieces).await;
    assert!(parts.is_empty());
    assert_eq!((error.kind(), error.usage().unwrap().output_tokens), (AiErrorKind::Refused, 2));
    shows_nothing_of(&error, &["sorry"]);
}

#[tokio::test]
async fn tool_arguments_that_are_not_json() {
    let function = json!({ "name": "weather", "arguments": "{\"city\"" });
    let call = json!({ "index": 0, "id": "call_1", "type": "function", "function": function });
    let pieces = [chunk(&json!({ "tool_calls": [call] }), Some("tool_calls")), usage(), done()];
    let (_, error) = fails(pieces).await;
    assert_eq!(error.kind(), AiErrorKind::InvalidResponse);
}

#[tokio::test]
async fn a_response_that_is_not_a_stream() {
    let server = FakeServer::start().await;
    server.on("POST", CHAT, Answer::json(200, &super::said("whole")));
    let error = openai(&server).stream(&ask("Hi")).await.err().unwrap();
    assert_eq!(error.kind(), AiErrorKind::InvalidResponse);

    server.on(
        "POST",
        CHAT,
        Answer::json(429, &json!({ "error": { "message": "Slow down" } })).header("retry-after", "2"),
    );
    let error = openai(&server).stream(&ask("Hi")).await.err().unwrap();
    assert_eq!((error.kind(), error.retry_after().unwrap().as_secs()), (AiErrorKind::RateLimited, 2));
}
