//! The schemas of objects.

use serde_json::{Value, json};
use tests::http::{Answer, FakeServer};
use workflow_engine::ai::{AiProvider, ObjectSchema};

use super::{CHAT, ask, openai, said};

async fn format_of(schema: Value) -> Value {
    let server = FakeServer::start().await;
    server.on("POST", CHAT, Answer::json(200, &said(r#"{"city":"Oslo"}"#)));
    let mut request = ask("A city?");
    request.schema = Some(ObjectSchema { name: "city".to_owned(), schema });
    let response = openai(&server).generate(&request).await.unwrap();
    assert_eq!(response.text, r#"{"city":"Oslo"}"#);
    server.request().json()["response_format"].clone()
}

#[tokio::test]
async fn a_supported_schema_is_strict() {
    let format = format_of(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "city": { "type": "string", "minLength": 1 },
            "people": { "type": ["integer", "null"], "format": "uint32", "default": null },
        },
        "required": ["city"],
    }))
    .await;
    let expected = json!({
        "type": "json_schema",
        "json_schema": {
            "name": "city",
            "strict": true,
            "schema": {
                "type": "object",
                "properties": { "city": { "type": "string" }, "people": { "type": ["integer", "null"] } },
                "required": ["city", "people"],
                "additionalProperties": false,
            },
        },
    });
    assert_eq!(format, expected);
}

#[tokio::test]
async fn an_unsupported_schema_is_sent_unchanged() {
    let map = json!({ "type": "object", "additionalProperties": { "type": "integer" } });
    let format = format_of(map.clone()).await;
    let expected = json!({ "name": "city", "strict": false, "schema": map });
    assert_eq!(format, json!({ "type": "json_schema", "json_schema": expected }));
}
