//! Gemini against a scripted server.

use serde_json::{Value, json};
use tests::http::{Answer, FakeServer};
use tests::provider_requests;
use workflow_engine::ai::GenerateRequest;
use workflow_engine::ai::providers::Gemini;

pub const KEY: &str = "AIzaTest0123456789";
pub const GENERATE: &str = "/v1beta/models/gemini-2.5-flash:generateContent";

pub async fn start() -> (FakeServer, Gemini) {
    let server = FakeServer::start().await;
    let provider = Gemini::new(KEY).unwrap().with_base_url(server.url()).unwrap();
    (server, provider)
}

/// A server with one response.
pub async fn answering(answer: Answer) -> (FakeServer, Gemini) {
    let (server, provider) = start().await;
    server.on("POST", GENERATE, answer);
    (server, provider)
}

pub fn ask(text: &str) -> GenerateRequest {
    provider_requests::ask(provider_requests::model("google", "gemini-2.5-flash"), text)
}

/// A response as documented, with these parts.
pub fn answer(parts: &Value, finish_reason: &str) -> Value {
    json!({
        "candidates": [{
            "content": {"parts": parts, "role": "model"},
            "finishReason": finish_reason,
            "index": 0,
            "safetyRatings": [],
        }],
        "usageMetadata": {
            "promptTokenCount": 1012,
            "cachedContentTokenCount": 1000,
            "toolUsePromptTokenCount": 5,
            "candidatesTokenCount": 7,
            "thoughtsTokenCount": 20,
            "totalTokenCount": 1044,
        },
        "modelVersion": "gemini-2.5-flash",
        "responseId": "mAitaLmkHPPlz7IPvtfUqQ4",
    })
}

pub fn said(text: &str) -> Value {
    answer(&json!([{"text": text}]), "STOP")
}

/// An error in the format of Google's APIs.
pub fn status(code: u16, status: &str, message: &str, details: &Value) -> Value {
    json!({"error": {"code": code, "message": message, "status": status, "details": details}})
}
