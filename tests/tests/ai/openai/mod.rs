//! The provider for OpenAI and compatible servers, against a server that speaks its wire format.
//!
//! Requests are compared field by field with OpenAI's documentation, from which the responses are taken.

mod requests;
mod schemas;
mod responses;
mod streams;
mod broken_streams;
mod failures;
mod secrets;
mod embeddings;
mod batches;
mod batch_states;
mod batch_results;

use std::time::Duration;

use serde_json::{Value, json};
use tests::http::FakeServer;
use workflow_engine::ai::providers::OpenAi;
use workflow_engine::ai::{AiError, GenerateRequest, Message, ModelConfig};

const KEY: &str = "sk-test-4242424242";
const CHAT: &str = "/v1/chat/completions";
/// Longer than any response in these tests takes.
const LONG: Duration = Duration::from_secs(60);
/// For servers that never respond.
const SHORT: Duration = Duration::from_millis(50);

/// A provider for OpenAI at the test server.
fn openai(server: &FakeServer) -> OpenAi {
    OpenAi::new(KEY).unwrap().with_base_url(&format!("{}/v1", server.url())).unwrap()
}

fn model(id: &str) -> ModelConfig {
    serde_json::from_value(json!({
        "id": id,
        "name": id,
        "provider": "openai",
        "input_cost_per_million": "1",
        "output_cost_per_million": "2",
    }))
    .unwrap()
}

fn ask(text: &str) -> GenerateRequest {
    GenerateRequest {
        model: model("gpt-5-mini"),
        instructions: None,
        messages: vec![Message::user(text)],
        temperature: None,
        max_tokens: None,
        schema: None,
        tools: Vec::new(),
        provider_options: None,
        timeout: LONG,
    }
}

/// A response as documented, with this message.
fn completion(message: &Value, finish_reason: &str) -> Value {
    json!({
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion",
        "created": 1_741_569_952,
        "model": "gpt-5-mini-2025-08-07",
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason }],
        "usage": {
            "prompt_tokens": 19,
            "completion_tokens": 10,
            "total_tokens": 29,
            "prompt_tokens_details": { "cached_tokens": 3, "audio_tokens": 0 },
            "completion_tokens_details": { "reasoning_tokens": 4, "audio_tokens": 0 },
        },
        "service_tier": "default",
    })
}

fn said(text: &str) -> Value {
    completion(&json!({ "role": "assistant", "content": text, "refusal": null, "annotations": [] }), "stop")
}

/// Checks that an error contains no prompt, no response and no key.
#[track_caller]
fn shows_nothing_of(error: &AiError, secrets: &[&str]) {
    for shown in [error.to_string(), format!("{error:?}")] {
        for secret in secrets {
            assert!(!shown.contains(secret), "`{secret}` in: {shown}");
        }
    }
}
