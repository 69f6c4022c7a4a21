//! Complete streams.

use futures_util::{StreamExt, TryStreamExt};
use serde_json::{Value, json};
use tests::http::{Answer, FakeServer, Piece, Signal};
use workflow_engine::ai::{AiProvider, FinishReason, StreamPart, ToolCall, Usage};

use super::{CHAT, LONG, ask, openai};

/// A chunk as OpenAI documents it.
pub(super) fn chunk(delta: &Value, finish_reason: Option<&str>) -> Piece {
    Piece::data(&chunk_of(
        &json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason }]),
        &Value::Null,
    ))
}

pub(super) fn usage() -> Piece {
    let usage = json!({
        "prompt_tokens": 9,
        "completion_tokens": 2,
        "total_tokens": 11,
        "prompt_tokens_details": { "cached_tokens": 1 },
    });
    Piece::data(&chunk_of(&json!([]), &usage))
}

fn chunk_of(choices: &Value, usage: &Value) -> Value {
    json!({
        "id": "chatcmpl-123",
        "object": "chat.completion.chunk",
        "created": 1_694_268_190,
        "model": "gpt-5-mini-2025-08-07",
        "choices": choices,
        "usage": usage,
    })
}

pub(super) fn done() -> Piece {
    Piece::data("[DONE]")
}

pub(super) fn text(text: &str) -> Piece {
    chunk(&json!({ "content": text }), None)
}

fn part(text: &str) -> StreamPart {
    StreamPart::Text(text.to_owned())
}

fn finished(finish_reason: FinishReason) -> StreamPart {
    StreamPart::Finished {
        usage: Usage { input_tokens: 9, cached_input_tokens: 1, output_tokens: 2 },
        finish_reason,
    }
}

async fn parts(pieces: impl IntoIterator<Item = Piece>) -> Vec<StreamPart> {
    let server = FakeServer::start().await;
    server.on("POST", CHAT, Answer::events(pieces));
    openai(&server).stream(&ask("Hi")).await.unwrap().try_collect().await.unwrap()
}

#[tokio::test]
async fn deltas_arrive_as_they_are_sent_and_usage_at_the_end() {
    let (server, next) = (FakeServer::start().await, Signal::default());
    let wait = || Piece::Wait(next.clone());
    let pieces = [
        chunk(&json!({ "role": "assistant", "content": "", "refusal": null }), None),
        text("Hel"),
        wait(),
        Piece::text(": keeps it open\n\n"),
        text("lo"),
        wait(),
        chunk(&json!({}), Some("stop")),
        usage(),
        done(),
    ];
    server.on("POST", CHAT, Answer::events(pieces));
    let mut stream = openai(&server).stream(&ask("Hi")).await.unwrap();
    // Each delta arrives before the next is sent.
    assert_eq!(stream.next().await.unwrap().unwrap(), part("Hel"));
    next.give();
    assert_eq!(stream.next().await.unwrap().unwrap(), part("lo"));
    next.give();
    assert_eq!(stream.next().await.unwrap().unwrap(), finished(FinishReason::Stop));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn events_can_be_split_into_chunks_anywhere() {
    let whole = [text("żó"), text("łć 🦀"), chunk(&json!({}), Some("stop")), usage(), done()];
    let bytes: Vec<u8> = whole
        .into_iter()
        .flat_map(|piece| match piece {
            Piece::Bytes(bytes) => bytes,
            _ => unreachable!("only bytes"),
        })
        .collect();
    let text = String::from_utf8(bytes).unwrap();
    let expected = [part("żó"), part("łć 🦀"), finished(FinishReason::Stop)];
    for (bytes, length) in [(text.clone(), 1), (text.replace('\n', "\r\n"), 7)] {
        let pieces = bytes.as_bytes().chunks(length).map(|piece| Piece::Bytes(piece.to_vec()));
        assert_eq!(parts(pieces).await, expected);
    }
}

#[tokio::test]
async fn reasoning_is_separate_from_text() {
    let pieces = [
        chunk(&json!({ "reasoning": "2 and " }), None),
        chunk(&json!({ "reasoning_content": "2" }), None),
        text("4"),
        chunk(&json!({}), Some("length")),
        usage(),
        done(),
    ];
    let reasoning = |text: &str| StreamPart::Reasoning(text.to_owned());
    let expected = [reasoning("2 and "), reasoning("2"), part("4"), finished(FinishReason::Length)];
    assert_eq!(parts(pieces).await, expected);
}

fn tool_delta(call: &Value) -> Piece {
    chunk(&json!({ "tool_calls": [call] }), None)
}

fn tool(id: &str, city: &str) -> StreamPart {
    let (id, name) = (id.to_owned(), "weather".to_owned());
    StreamPart::ToolCall(ToolCall { id, name, input: json!({ "city": city }), signature: None })
}

#[tokio::test]
async fn tool_call_deltas_are_joined() {
    let begin = |index: u32, id: &str| {
        let function = json!({ "name": "weather", "arguments": "" });
        tool_delta(&json!({ "index": index, "id": id, "type": "function", "function": function }))
    };
    let more = |index: u32, arguments: &str| {
        tool_delta(&json!({ "index": index, "function": { "arguments": arguments } }))
    };
    let pieces = [
        begin(0, "call_1"),
        more(0, "{\"city\":"),
        begin(1, "call_2"),
        more(1, "{\"city\":\"Bergen\"}"),
        more(0, "\"Oslo\"}"),
        chunk(&json!({}), Some("tool_calls")),
        usage(),
        done(),
    ];
    let expected = [tool("call_1", "Oslo"), tool("call_2", "Bergen"), finished(FinishReason::ToolCalls)];
    assert_eq!(parts(pieces).await, expected);
}

#[tokio::test]
async fn tool_calls_with_equal_or_missing_indexes_are_distinguished() {
    let whole = |index: Option<u32>, id: &str, city: &str| {
        let function = json!({ "name": "weather", "arguments": json!({ "city": city }).to_string() });
        tool_delta(&json!({ "index": index, "id": id, "type": "function", "function": function }))
    };
    for index in [Some(0), None] {
        let pieces = [
            whole(index, "call_1", "Oslo"),
            whole(index, "call_2", "Bergen"),
            chunk(&json!({}), Some("stop")),
            usage(),
            done(),
        ];
        let expected = [tool("call_1", "Oslo"), tool("call_2", "Bergen"), finished(FinishReason::ToolCalls)];
        assert_eq!(parts(pieces).await, expected, "{index:?}");
    }
}

#[tokio::test]
async fn the_last_event_can_be_missing_and_usage_can_be_cumulative() {
    let counted = |content: &str, finish_reason: Option<&str>, tokens: u32| {
        let choices =
            json!([{ "index": 0, "delta": { "content": content }, "finish_reason": finish_reason }]);
        let usage = json!({ "prompt_tokens": 9, "completion_tokens": tokens, "prompt_tokens_details": { "cached_tokens": 1 } });
        Piece::data(&chunk_of(&choices, &usage))
    };
    let pieces = [counted("Hel", None, 1), counted("lo", Some("stop"), 2)];
    assert_eq!(parts(pieces).await, [part("Hel"), part("lo"), finished(FinishReason::Stop)]);
}

#[tokio::test]
async fn a_dropped_stream_closes_its_connection() {
    let (server, signal) = (FakeServer::start().await, Signal::default());
    server.on("POST", CHAT, Answer::events([text("Hel"), Piece::Wait(signal.clone()), text("lo")]));
    let mut stream = openai(&server).stream(&ask("Hi")).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), part("Hel"));
    drop(stream);
    tokio::time::timeout(LONG, server.idle()).await.expect("the connection is closed");
}
