//! The requests, field by field.

use serde_json::{Value, json};
use tests::http::Answer;
use tests::provider_requests::{city, weather};
use workflow_engine::ai::{AiProvider, GenerateRequest, Media, Message, Part, Role, ToolCall, ToolResult};

use super::fixture::{GENERATE, KEY, answering, ask, said, start};

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
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", GENERATE));
    assert_eq!(request.query, "", "no URL contains the key");
    assert_eq!(request.header("x-goog-api-key"), KEY);
    assert_eq!(request.json(), json!({"contents": [{"role": "user", "parts": [{"text": "Is it?"}]}]}));
}

#[tokio::test]
async fn instructions_and_limits() {
    let mut request = ask("Is it?");
    request.instructions = Some("Be brief.".to_owned());
    request.temperature = Some(1.7);
    request.max_tokens = Some(100);
    let sent = body(&request).await;
    assert_eq!(sent["systemInstruction"], json!({"parts": [{"text": "Be brief."}]}));
    assert_eq!(sent["generationConfig"], json!({"temperature": 1.7, "maxOutputTokens": 100}));
}

#[tokio::test]
async fn a_model_with_a_path() {
    let (server, provider) = start().await;
    let path = "/v1beta/tunedModels/mine-1:generateContent";
    server.on("POST", path, Answer::json(200, &said("yes")));
    let mut request = ask("Is it?");
    request.model.id = "tunedModels/mine-1".to_owned();
    provider.generate(&request).await.unwrap();
    assert_eq!(server.request().path, path);
}

#[tokio::test]
async fn images_audio_and_documents() {
    let kinds = ["image/png", "audio/mp3", "application/pdf", "video/mp4"];
    let mut request = ask("");
    request.messages[0].parts.extend(
        kinds.map(|kind| Part::Media(Media { media_type: kind.to_owned(), data: "AAAA".to_owned() })),
    );
    let expected = kinds.map(|kind| json!({"inlineData": {"mimeType": kind, "data": "AAAA"}}));
    assert_eq!(body(&request).await["contents"][0]["parts"], json!(expected));
}

#[tokio::test]
async fn an_object() {
    let mut request = ask("Which city?");
    request.schema = Some(city());
    let expected = json!({"responseMimeType": "application/json", "responseJsonSchema": city().schema});
    assert_eq!(body(&request).await["generationConfig"], expected);
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
    // A signature of Anthropic.
    let foreign = json!([{"type": "thinking", "thinking": "Rome.", "signature": "EqQB"}]).to_string();
    let mut request = ask("How is it in Rome?");
    request.tools = vec![weather()];
    request.messages.push(Message {
        role: Role::Assistant,
        parts: vec![
            call("call_1", Some("CpYBAb+/=")),
            call("call_2", Some(&foreign)),
            call("unnamed-x-2", None),
        ],
    });
    request.messages.push(Message {
        role: Role::User,
        parts: vec![
            result("call_1", json!("sunny"), false),
            result("call_2", json!({"degrees": 30}), false),
            result("unnamed-x-2", json!("no station"), true),
        ],
    });

    let sent = body(&request).await;
    let function = json!({
        "name": "weather",
        "description": "The weather in a city.",
        "parametersJsonSchema": weather().input_schema,
    });
    assert_eq!(sent["tools"], json!([{"functionDeclarations": [function]}]));
    let args = json!({"city": "Rome"});
    let expected = json!([
        {"role": "user", "parts": [{"text": "How is it in Rome?"}]},
        {"role": "model", "parts": [
            {
                "functionCall": {"id": "call_1", "name": "weather", "args": args},
                "thoughtSignature": "CpYBAb+/=",
            },
            {"functionCall": {"id": "call_2", "name": "weather", "args": args}},
            {"functionCall": {"name": "weather", "args": args}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "call_1", "name": "weather", "response": {"output": "sunny"}}},
            {"functionResponse": {"id": "call_2", "name": "weather", "response": {"output": {"degrees": 30}}}},
            {"functionResponse": {"name": "weather", "response": {"error": "no station"}}},
        ]},
    ]);
    assert_eq!(sent["contents"], expected);
}

#[tokio::test]
async fn provider_options_are_merged_into_the_body() {
    let mut request = ask("Is it?");
    request.temperature = Some(0.2);
    request.provider_options = Some(json!({
        "generationConfig": {"thinkingConfig": {"includeThoughts": true}},
        "safetySettings": [],
    }));
    let sent = body(&request).await;
    let expected = json!({"temperature": 0.2, "thinkingConfig": {"includeThoughts": true}});
    assert_eq!(sent["generationConfig"], expected);
    assert_eq!(sent["safetySettings"], json!([]));
}
