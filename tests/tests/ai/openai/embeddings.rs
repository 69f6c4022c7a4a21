//! Embeddings.

use serde_json::{Value, json};
use tests::http::{Answer, FakeServer};
use workflow_engine::ai::{AiError, AiErrorKind, AiProvider, EmbedRequest, EmbedResponse, TaskType, Usage};

use super::{KEY, LONG, model, openai, shows_nothing_of};

const EMBEDDINGS: &str = "/v1/embeddings";

fn ask(texts: &[&str]) -> EmbedRequest {
    EmbedRequest {
        model: model("text-embedding-3-small"),
        texts: texts.iter().map(ToString::to_string).collect(),
        dimensions: None,
        task_type: Some(TaskType::RetrievalQuery),
        provider_options: None,
        timeout: LONG,
    }
}

fn item(index: u32, embedding: &Value) -> Value {
    json!({ "object": "embedding", "index": index, "embedding": embedding })
}

async fn answer(request: &EmbedRequest, data: Value) -> Result<EmbedResponse, AiError> {
    let server = FakeServer::start().await;
    let body = json!({
        "object": "list",
        "data": data,
        "model": "text-embedding-3-small",
        "usage": { "prompt_tokens": 8, "total_tokens": 8 },
    });
    server.on("POST", EMBEDDINGS, Answer::json(200, &body));
    openai(&server).embed(request).await
}

#[tokio::test]
async fn vectors_are_returned_in_the_order_of_the_texts() {
    let server = FakeServer::start().await;
    let data = json!([item(1, &json!([-0.5, 1])), item(0, &json!([0.25, 1e-3]))]);
    let body = json!({ "object": "list", "data": data, "usage": { "prompt_tokens": 8, "total_tokens": 8 } });
    server.on("POST", EMBEDDINGS, Answer::json(200, &body));
    let mut request = ask(&["one", "two"]);
    request.dimensions = Some(2);
    request.provider_options = Some(json!({ "user": "7" }));
    let response = openai(&server).embed(&request).await.unwrap();
    assert_eq!(response.embeddings, [[0.25, 1e-3], [-0.5, 1.0]]);
    assert_eq!(response.usage, Usage { input_tokens: 8, cached_input_tokens: 0, output_tokens: 0 });
    let sent = server.request();
    assert_eq!(sent.header("authorization"), format!("Bearer {KEY}"));
    let expected = json!({
        "model": "text-embedding-3-small",
        "input": ["one", "two"],
        "dimensions": 2,
        "user": "7",
    });
    assert_eq!(sent.json(), expected);
}

#[tokio::test]
async fn vectors_can_be_base64() {
    // 0.5 and -2.0, little endian.
    let response = answer(&ask(&["one"]), json!([item(0, &json!("AAAAPwAAAMA="))])).await.unwrap();
    assert_eq!(response.embeddings, [[0.5, -2.0]]);
}

#[tokio::test]
async fn vectors_that_do_not_fit_the_texts_are_an_invalid_response() {
    let one = json!([0.5]);
    let wrong = [
        json!([item(0, &one)]),
        json!([item(0, &one), item(0, &one)]),
        json!([item(0, &one), item(1, &one), item(2, &one)]),
        json!([item(0, &one), item(1, &json!("AAA="))]),
        json!([item(0, &one), item(1, &json!("not base64"))]),
        json!([item(0, &one), item(1, &json!(["x"]))]),
        json!(null),
    ];
    for data in wrong {
        let error = answer(&ask(&["one", "two"]), data.clone()).await.unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::InvalidResponse, "{data}");
        shows_nothing_of(&error, &["not base64"]);
    }
}

#[tokio::test]
async fn embedding_errors_are_those_of_every_request() {
    let server = FakeServer::start().await;
    server.on(
        "POST",
        EMBEDDINGS,
        Answer::json(429, &json!({ "error": { "message": "Slow down" } })).header("retry-after", "1"),
    );
    let error = openai(&server).embed(&ask(&["one"])).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after().unwrap().as_secs()), (AiErrorKind::RateLimited, 1));
}
