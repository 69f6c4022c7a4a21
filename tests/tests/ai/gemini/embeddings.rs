//! Embeddings.

use std::time::Duration;

use serde_json::json;
use tests::http::Answer;
use tests::provider_requests::model;
use workflow_engine::ai::{AiErrorKind, AiProvider, EmbedRequest, EmbedResponse, TaskType, Usage};

use super::fixture::{KEY, start, status};

const EMBED: &str = "/v1beta/models/gemini-embedding-001:batchEmbedContents";

fn ask(texts: &[&str]) -> EmbedRequest {
    EmbedRequest {
        model: model("google", "gemini-embedding-001"),
        texts: texts.iter().map(ToString::to_string).collect(),
        dimensions: None,
        task_type: None,
        provider_options: None,
        timeout: Duration::from_secs(30),
    }
}

#[tokio::test]
async fn one_embedding_for_each_text() {
    let (server, provider) = start().await;
    let body = json!({
        "embeddings": [{"values": [0.5, -0.25]}, {"values": [1, 0]}],
        "usageMetadata": {"promptTokenCount": 9},
    });
    server.on("POST", EMBED, Answer::json(200, &body));
    let mut request = ask(&["Rome", "Ostia"]);
    request.dimensions = Some(2);
    request.task_type = Some(TaskType::RetrievalDocument);
    request.provider_options = Some(json!({"title": "Cities"}));
    let expected = EmbedResponse {
        embeddings: vec![vec![0.5, -0.25], vec![1.0, 0.0]],
        usage: Usage { input_tokens: 9, cached_input_tokens: 0, output_tokens: 0 },
    };
    assert_eq!(provider.embed(&request).await.unwrap(), expected);

    let sent = server.request();
    assert_eq!(sent.header("x-goog-api-key"), KEY);
    let one = |text: &str| {
        json!({
            "model": "models/gemini-embedding-001",
            "content": {"parts": [{"text": text}]},
            "taskType": "RETRIEVAL_DOCUMENT",
            "outputDimensionality": 2,
            "title": "Cities",
        })
    };
    assert_eq!(sent.json(), json!({"requests": [one("Rome"), one("Ostia")]}));
}

#[tokio::test]
async fn missing_token_counts_are_estimated() {
    let (server, provider) = start().await;
    server.on("POST", EMBED, Answer::json(200, &json!({"embeddings": [{"values": [0.5]}, {"values": [1]}]})));
    let response = provider.embed(&ask(&["Rome", "Ostia"])).await.unwrap();
    assert_eq!(response.usage, Usage { input_tokens: 3, cached_input_tokens: 0, output_tokens: 0 });
    let request = server.request().json();
    let plain = json!({"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "Rome"}]}});
    assert_eq!(request["requests"][0], plain);
}

#[tokio::test]
async fn fewer_vectors_than_texts_are_an_invalid_response() {
    for body in [json!({"embeddings": [{"values": [0.5]}]}), json!({}), json!({"embeddings": [{}, {}]})] {
        let (server, provider) = start().await;
        server.on("POST", EMBED, Answer::json(200, &body));
        let error = provider.embed(&ask(&["Rome", "Ostia"])).await.unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::InvalidResponse, "{error}");
    }
}

#[tokio::test]
async fn refused_texts() {
    let (server, provider) = start().await;
    let message = "at most 100 requests can be in one batch";
    server.on("POST", EMBED, Answer::json(400, &status(400, "INVALID_ARGUMENT", message, &json!([]))));
    let error = provider.embed(&ask(&["Rome"])).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::InvalidRequest, "{error}");
}
