//! The requests, field by field.

use serde_json::{Value, json};
use tests::http::Answer;
use tests::provider_requests::{city, model, weather};
use workflow_engine::ai::{
    AiErrorKind, AiProvider, EmbedRequest, GenerateRequest, Media, Message, Part, Role, ToolCall, ToolResult,
};

use super::fixture::{KEY, MESSAGES, answering, ask, said};

/// The body of the request.
async fn body(request: &GenerateRequest) -> Value {
    let (server, provider) = answering(Answer::json(200, &said("yes"))).await;
    provider.generate(request).await.unwrap();
    server.request().json()
}

#[tokio::test]
async fn a_plain_request() {
    let (server, provider) = answering(Answer::json(200, &said("yes"))).await;
    provider.generate(&ask("Is it?")).await.unwrap();

    let request = server.request();
    assert_eq!(
        (request.method.as_str(), request.path.as_str(), request.query.as_str()),
        ("POST", MESSAGES, "")
    );
    assert_eq!(request.header("x-api-key"), KEY);
    assert_eq!(request.header("anthropic-version"), "2023-06-01");
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("authorization"), "");
    let expected = json!({
        "model": "claude-sonnet-4-5",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Is it?"}]}],
    });
    assert_eq!(request.json(), expected);
}

#[tokio::test]
async fn instructions_temperature_and_max_tokens() {
    let mut request = ask("Is it?");
    request.instructions = Some("Be brief.".to_owned());
    request.temperature = Some(1.7);
    request.model.max_completion_tokens = Some(64_000);
    let sent = body(&request).await;
    assert_eq!(sent["system"], "Be brief.");
    assert_eq!(sent["temperature"], 1.0, "theirs ends at 1");
    assert_eq!(sent["max_tokens"], 64_000);

    request.temperature = Some(0.0);
    request.max_tokens = Some(100);
    let sent = body(&request).await;
    assert_eq!(sent["temperature"], 0.0);
    assert_eq!(sent["max_tokens"], 100);

    request.model.id = "claude-opus-4-8".to_owned();
    assert_eq!(body(&request).await.get("temperature"), None, "it would be refused");
}

#[tokio::test]
async fn images_and_documents() {
    let media = |kind: &str| Part::Media(Media { media_type: kind.to_owned(), data: "AAAA".to_owned() });
    let mut request = ask("");
    request.messages[0].parts.extend([media("image/png"), media("application/pdf")]);
    let block = |kind: &str, media_type: &str| json!({"type": kind, "source": {"type": "base64", "media_type": media_type, "data": "AAAA"}});
    let expected = json!([block("image", "image/png"), block("document", "application/pdf")]);
    assert_eq!(body(&request).await["messages"][0]["content"], expected, "an empty text would be refused");
}

#[tokio::test]
async fn unsupported_fields_and_media_are_not_sent() {
    let (server, provider) = answering(Answer::json(200, &said("yes"))).await;
    let mut request = ask("Listen.");
    request.messages[0]
        .parts
        .push(Part::Media(Media { media_type: "audio/mp3".into(), data: "AAAA".into() }));
    let error = provider.generate(&request).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::Unsupported);
    assert!(error.to_string().contains("audio/mp3"), "{error}");

    let embed = EmbedRequest {
        model: model("anthropic", "claude-sonnet-4-5"),
        texts: vec!["one".to_owned()],
        dimensions: None,
        task_type: None,
        provider_options: None,
        timeout: request.timeout,
    };
    assert_eq!(provider.embed(&embed).await.unwrap_err().kind(), AiErrorKind::Unsupported);
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn tools_and_their_results() {
    let call = |id: &str, signature: Option<&str>| {
        Part::ToolCall(ToolCall {
            id: id.to_owned(),
            name: "weather".to_owned(),
            input: json!({"city": "Rome"}),
            signature: signature.map(str::to_owned),
        })
    };
    let result = |id: &str, output: Value, is_error: bool| {
        Part::ToolResult(ToolResult { id: id.to_owned(), name: "weather".to_owned(), output, is_error })
    };
    let text = |text: &str| Part::Text { text: text.to_owned() };
    let first = json!([{"type": "thinking", "thinking": "Rome.", "signature": "EqQB"}]).to_string();
    let second = json!([{"type": "redacted_thinking", "data": "Em4="}]).to_string();
    let mut request = ask("How is it in Rome?");
    request.tools = vec![weather()];
    request.messages.push(Message {
        role: Role::Assistant,
        parts: vec![
            text("I look."),
            call("toolu_1", Some(&first)),
            call("toolu_2", Some(&second)),
            // A signature of Gemini.
            call("toolu_3", Some("CpYBAb")),
        ],
    });
    request.messages.push(Message {
        role: Role::User,
        parts: vec![
            text("And Ostia?"),
            result("toolu_1", json!("sunny"), false),
            result("toolu_2", json!({"degrees": 30}), false),
            result("toolu_3", json!("no station"), true),
        ],
    });

    let sent = body(&request).await;
    let tool = json!({
        "name": "weather",
        "description": "The weather in a city.",
        "input_schema": weather().input_schema,
    });
    assert_eq!(sent["tools"], json!([tool]));
    assert_eq!(sent.get("tool_choice"), None);
    let used = |id: &str| json!({"type": "tool_use", "id": id, "name": "weather", "input": {"city": "Rome"}});
    let expected = json!([
        {"role": "user", "content": [{"type": "text", "text": "How is it in Rome?"}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Rome.", "signature": "EqQB"},
            {"type": "text", "text": "I look."},
            used("toolu_1"),
            {"type": "redacted_thinking", "data": "Em4="},
            used("toolu_2"),
            used("toolu_3"),
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"},
            {"type": "tool_result", "tool_use_id": "toolu_2", "content": "{\"degrees\":30}"},
            {"type": "tool_result", "tool_use_id": "toolu_3", "content": "no station", "is_error": true},
            {"type": "text", "text": "And Ostia?"},
        ]},
    ]);
    assert_eq!(sent["messages"], expected);
}

#[tokio::test]
async fn an_object_through_structured_outputs() {
    let mut request = ask("Which city?");
    request.schema = Some(city());
    request.tools = vec![weather()];
    let sent = body(&request).await;
    let schema = json!({
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": false,
    });
    assert_eq!(sent["output_config"], json!({"format": {"type": "json_schema", "schema": schema}}));
    assert_eq!(sent["tools"].as_array().unwrap().len(), 1, "tools may be called before");
    assert_eq!(sent.get("tool_choice"), None);
}

#[tokio::test]
async fn an_object_through_a_tool() {
    let mut request = ask("Which city?");
    request.schema = Some(city());
    request.model.supports_structured_outputs = false;
    let sent = body(&request).await;
    assert_eq!(sent.get("output_config"), None);
    assert_eq!(sent["tools"][0]["name"], "answer_with_object");
    assert_eq!(sent["tools"][0]["input_schema"], city().schema);
    assert_eq!(sent["tool_choice"], json!({"type": "tool", "name": "answer_with_object"}));

    request.tools = vec![weather()];
    let sent = body(&request).await;
    assert_eq!(sent["tools"][0]["name"], "weather");
    assert_eq!(sent["tools"][1]["name"], "answer_with_object");
    assert_eq!(sent["tool_choice"], json!({"type": "any"}), "other tools may be called before");

    request.model.id = "claude-opus-5-5".to_owned();
    assert_eq!(body(&request).await["tool_choice"], json!({"type": "auto"}), "a call cannot be forced");
}

#[tokio::test]
async fn a_schema_that_structured_outputs_do_not_support() {
    let mut request = ask("How many where?");
    let mut counts = city();
    counts.schema = json!({"type": "object", "additionalProperties": {"type": "integer"}});
    request.schema = Some(counts.clone());
    let sent = body(&request).await;
    assert_eq!(sent.get("output_config"), None);
    assert_eq!(sent["tools"][0]["input_schema"], counts.schema);
}

#[tokio::test]
async fn provider_options_are_merged_into_the_body() {
    let mut request = ask("Is it?");
    request.schema = Some(city());
    request.temperature = Some(0.2);
    request.provider_options = Some(json!({
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "low"},
        "temperature": null,
    }));
    let sent = body(&request).await;
    assert_eq!(sent["thinking"], json!({"type": "adaptive"}));
    assert_eq!(sent["output_config"]["effort"], "low");
    assert_eq!(sent["output_config"]["format"]["type"], "json_schema", "objects are merged");
    assert_eq!(sent.get("temperature"), None);
}
