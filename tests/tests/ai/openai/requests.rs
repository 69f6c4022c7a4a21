//! The requests.

use serde_json::{Value, json};
use tests::http::{Answer, FakeServer};
use workflow_engine::ai::providers::{OpenAi, TokenLimit};
use workflow_engine::ai::{
    AiErrorKind, AiProvider, GenerateRequest, Media, Message, Part, Role, Tool, ToolCall, ToolResult,
};

use super::{CHAT, KEY, ask, openai, said};

async fn body_of(request: &GenerateRequest) -> Value {
    let server = FakeServer::start().await;
    server.on("POST", CHAT, Answer::json(200, &said("ok")));
    openai(&server).generate(request).await.unwrap();
    server.request().json()
}

#[tokio::test]
async fn a_request_has_the_key_and_no_optional_fields() {
    let server = FakeServer::start().await;
    server.on("POST", CHAT, Answer::json(200, &said("Hello!")));
    openai(&server).generate(&ask("Hi")).await.unwrap();
    let request = server.request();
    assert_eq!((request.method.as_str(), request.path.as_str(), request.query.as_str()), ("POST", CHAT, ""));
    assert_eq!(request.header("authorization"), format!("Bearer {KEY}"));
    assert_eq!(request.header("content-type"), "application/json");
    assert!(request.header("user-agent").starts_with("workflow-engine/"));
    assert_eq!(
        request.json(),
        json!({ "model": "gpt-5-mini", "messages": [{ "role": "user", "content": "Hi" }] }),
    );
}

#[tokio::test]
async fn instructions_and_settings_have_their_fields() {
    let mut request = ask("Hi");
    request.instructions = Some("Be brief.".to_owned());
    request.temperature = Some(0.7);
    request.max_tokens = Some(300);
    request.messages.push(Message::assistant("Hello."));
    request.messages.push(Message::user("Again"));
    let expected = json!({
        "model": "gpt-5-mini",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "Hi" },
            { "role": "assistant", "content": "Hello." },
            { "role": "user", "content": "Again" },
        ],
        "temperature": 0.7,
        "max_completion_tokens": 300,
    });
    assert_eq!(body_of(&request).await, expected);
}

#[tokio::test]
async fn provider_options_are_merged_into_the_body() {
    let mut request = ask("Hi");
    request.temperature = Some(0.7);
    request.provider_options = Some(json!({
        "reasoning_effort": "low",
        "temperature": null,
        "metadata": { "run": "7" },
    }));
    let body = body_of(&request).await;
    assert_eq!(body["reasoning_effort"], "low");
    assert_eq!(body["metadata"], json!({ "run": "7" }));
    // For a model that refuses the field.
    assert_eq!(body.get("temperature"), None);

    request.provider_options = Some(json!("low"));
    let server = FakeServer::start().await;
    let error = openai(&server).generate(&request).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::InvalidRequest);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn media_are_sent_by_type() {
    let media =
        |media_type: &str| Part::Media(Media { media_type: media_type.to_owned(), data: "QUJD".to_owned() });
    let mut request = ask("What is this?");
    request.messages[0].parts.extend(["image/png", "application/pdf", "audio/mpeg", "audio/wav"].map(media));
    let body = body_of(&request).await;
    let expected = json!([
        { "type": "text", "text": "What is this?" },
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,QUJD" } },
        {
            "type": "file",
            "file": { "filename": "document.pdf", "file_data": "data:application/pdf;base64,QUJD" },
        },
        { "type": "input_audio", "input_audio": { "data": "QUJD", "format": "mp3" } },
        { "type": "input_audio", "input_audio": { "data": "QUJD", "format": "wav" } },
    ]);
    assert_eq!(body["messages"][0]["content"], expected);

    request.messages[0].parts.push(media("video/mp4"));
    let server = FakeServer::start().await;
    let error = openai(&server).generate(&request).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::Unsupported);
}

#[tokio::test]
async fn tools_their_calls_and_their_results_are_sent() {
    let call = |id: &str, city: &str| {
        let (id, name) = (id.to_owned(), "weather".to_owned());
        Part::ToolCall(ToolCall { id, name, input: json!({ "city": city }), signature: None })
    };
    let result = |id: &str, output: Value, is_error: bool| {
        Part::ToolResult(ToolResult { id: id.to_owned(), name: "weather".to_owned(), output, is_error })
    };
    let input_schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    let mut request = ask("The weather in Oslo, Bergen and Atlantis?");
    request.tools = vec![Tool {
        name: "weather".to_owned(),
        description: "Now".to_owned(),
        input_schema: input_schema.clone(),
    }];
    request.messages.push(Message {
        role: Role::Assistant,
        parts: vec![call("call_1", "Oslo"), call("call_2", "Bergen"), call("call_3", "Atlantis")],
    });
    request.messages.push(Message {
        role: Role::User,
        parts: vec![
            result("call_1", json!("rain"), false),
            Part::Text { text: "Be brief.".to_owned() },
            result("call_2", json!({ "sky": "rain" }), false),
            result("call_3", json!("no such city"), true),
        ],
    });
    let body = body_of(&request).await;
    let wire_call = |id: &str, arguments: &str| {
        let function = json!({ "name": "weather", "arguments": arguments });
        json!({ "id": id, "type": "function", "function": function })
    };
    let expected = json!([
        { "role": "user", "content": "The weather in Oslo, Bergen and Atlantis?" },
        {
            "role": "assistant",
            "content": null,
            "tool_calls": [
                wire_call("call_1", r#"{"city":"Oslo"}"#),
                wire_call("call_2", r#"{"city":"Bergen"}"#),
                wire_call("call_3", r#"{"city":"Atlantis"}"#),
            ],
        },
        { "role": "tool", "tool_call_id": "call_1", "content": "rain" },
        { "role": "tool", "tool_call_id": "call_2", "content": r#"{"sky":"rain"}"# },
        { "role": "tool", "tool_call_id": "call_3", "content": r#"{"error":"no such city"}"# },
        { "role": "user", "content": "Be brief." },
    ]);
    assert_eq!(body["messages"], expected);
    let function = json!({ "name": "weather", "description": "Now", "parameters": input_schema });
    assert_eq!(body["tools"], json!([{ "type": "function", "function": function }]));
}

#[tokio::test]
async fn a_stream_requests_its_usage() {
    let server = FakeServer::start().await;
    server.on("POST", CHAT, Answer::events([]));
    drop(openai(&server).stream(&ask("Hi")).await.unwrap());
    let expected = json!({
        "model": "gpt-5-mini",
        "messages": [{ "role": "user", "content": "Hi" }],
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    assert_eq!(server.request().json(), expected);
}

#[tokio::test]
async fn another_server_receives_max_tokens_and_no_key() {
    let server = FakeServer::start().await;
    server.always("POST", CHAT, Answer::json(200, &said("ok")));
    let url = format!("{}/v1/", server.url());
    let local = OpenAi::compatible("local", &url).unwrap().with_header("X-Title", "Tests").unwrap();
    assert_eq!(local.id(), "local");
    assert!(local.batches().is_none());
    let mut request = ask("Hi");
    request.max_tokens = Some(20);
    local.generate(&request).await.unwrap();
    local.with_token_limit(TokenLimit::MaxCompletionTokens).generate(&request).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].json()["max_tokens"], 20);
    assert_eq!(requests[1].json()["max_completion_tokens"], 20);
    assert_eq!(requests[0].header("authorization"), "");
    assert_eq!(requests[0].header("x-title"), "Tests");
}

#[tokio::test]
async fn openrouter_is_a_compatible_server_with_a_key() {
    let server = FakeServer::start().await;
    server.on("POST", CHAT, Answer::json(200, &said("ok")));
    let openrouter = OpenAi::openrouter("sk-or-1").unwrap();
    assert_eq!(openrouter.id(), "openrouter");
    let openrouter = openrouter.with_base_url(&format!("{}/v1", server.url())).unwrap();
    openrouter.generate(&ask("Hi")).await.unwrap();
    assert_eq!(server.request().header("authorization"), "Bearer sk-or-1");
}

#[test]
fn invalid_base_urls_are_refused() {
    let refused = [
        "",
        "api.openai.com/v1",
        "ftp://host/v1",
        "http://",
        "https://user:pass@host/v1",
        "http://host/v1?key=k",
    ];
    for url in refused {
        let error = OpenAi::compatible("local", url).unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::InvalidRequest, "{url}");
        assert!(!error.to_string().contains("pass@"), "{error}");
    }
}
