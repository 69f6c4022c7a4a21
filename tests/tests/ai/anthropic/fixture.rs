//! Anthropic against a scripted server.

use serde_json::{Value, json};
use tests::http::{Answer, FakeServer};
use tests::provider_requests;
use workflow_engine::ai::GenerateRequest;
use workflow_engine::ai::providers::Anthropic;

pub const KEY: &str = "sk-ant-test-0123456789";
pub const MESSAGES: &str = "/v1/messages";

pub async fn start() -> (FakeServer, Anthropic) {
    let server = FakeServer::start().await;
    let provider = Anthropic::new(KEY).unwrap().with_base_url(server.url()).unwrap();
    (server, provider)
}

/// A server with one response.
pub async fn answering(answer: Answer) -> (FakeServer, Anthropic) {
    let (server, provider) = start().await;
    server.on("POST", MESSAGES, answer);
    (server, provider)
}

pub fn ask(text: &str) -> GenerateRequest {
    provider_requests::ask(provider_requests::model("anthropic", "claude-sonnet-4-5"), text)
}

/// A response as documented, with this content.
pub fn message(content: &Value, stop_reason: &str) -> Value {
    json!({
        "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": {
            "input_tokens": 12,
            "cache_creation_input_tokens": 100,
            "cache_read_input_tokens": 1000,
            "output_tokens": 7,
            "service_tier": "standard",
        },
    })
}

pub fn said(text: &str) -> Value {
    message(&json!([{"type": "text", "text": text}]), "end_turn")
}
