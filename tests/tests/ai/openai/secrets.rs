//! Keys and prompts that must not reach a log.

use serde_json::json;
use tests::http::{Answer, FakeServer};
use workflow_engine::ai::providers::OpenAi;
use workflow_engine::ai::{AiErrorKind, AiProvider};

use super::{CHAT, KEY, ask, openai, shows_nothing_of};

#[tokio::test]
async fn no_error_contains_the_key() {
    let server = FakeServer::start().await;
    let provider = openai(&server);
    assert!(!format!("{provider:?}").contains(KEY), "{provider:?}");
    let bad = "sk-line\nbreak";
    let error = OpenAi::new(bad).unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::Authentication);
    shows_nothing_of(&error, &["break"]);

    let echoes = [
        format!("Incorrect API key provided: {KEY}. You can find yours in the settings."),
        format!("Incorrect API key provided: {}****{}.", &KEY[..8], &KEY[14..]),
        format!("the token `{}…` is wrong", &KEY[..12]),
    ];
    for echo in echoes {
        let body = json!({ "error": { "message": echo, "type": "invalid_request_error", "code": "invalid_api_key" } });
        server.on("POST", CHAT, Answer::json(401, &body));
        let error = provider.generate(&ask("Hi")).await.unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::Authentication);
        shows_nothing_of(&error, &[&KEY[..8], &KEY[12..]]);
        assert!(error.to_string().contains("[…]"), "{error}");
    }
}

#[tokio::test]
async fn a_prompt_quoted_by_the_provider_is_not_shown() {
    let server = FakeServer::start().await;
    let prompt = "The merger is announced on Tuesday.";
    // Servers with pydantic quote the input like this.
    let echo = format!("1 validation error: input={{'role': 'user', 'content': '{prompt}'}} is not allowed");
    for body in [
        json!({ "error": { "message": echo, "type": "BadRequestError", "code": 400 } }),
        json!({ "detail": echo }),
        json!({ "error": { "message": "No.", "code": prompt } }),
        json!({ "error": echo }),
    ] {
        server.on("POST", CHAT, Answer::json(400, &body));
        let error = openai(&server).generate(&ask(prompt)).await.unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::InvalidRequest);
        shows_nothing_of(&error, &["merger", "Tuesday"]);
    }
}
