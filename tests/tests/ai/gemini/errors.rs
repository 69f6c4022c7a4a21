//! Errors as Google documents them.

use std::time::Duration;

use serde_json::{Value, json};
use tests::http::Answer;
use workflow_engine::ai::AiErrorKind::{
    self, Authentication, ContextTooLong, InvalidRequest, NotFound, Overloaded, RateLimited,
};
use workflow_engine::ai::providers::Gemini;
use workflow_engine::ai::{AiError, AiProvider};

use super::fixture::{KEY, answering, ask, status};

async fn failure(code: u16, body: &Value) -> AiError {
    let (_server, provider) = answering(Answer::json(code, body)).await;
    provider.generate(&ask("Is it a secret of mine?")).await.unwrap_err()
}

#[tokio::test]
async fn every_documented_error() {
    let long = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).";
    let errors: [(u16, &str, &str, AiErrorKind, bool); 9] = [
        (400, "INVALID_ARGUMENT", "Invalid JSON payload received", InvalidRequest, false),
        (400, "INVALID_ARGUMENT", long, ContextTooLong, false),
        (400, "FAILED_PRECONDITION", "User location is not supported", InvalidRequest, false),
        (403, "PERMISSION_DENIED", "The caller does not have permission", Authentication, false),
        (404, "NOT_FOUND", "models/none is not found", NotFound, false),
        (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", RateLimited, true),
        (500, "INTERNAL", "An internal error has occurred", Overloaded, true),
        (503, "UNAVAILABLE", "The model is overloaded", Overloaded, true),
        (504, "DEADLINE_EXCEEDED", "Deadline expired", Overloaded, true),
    ];
    for (code, word, message, expected, is_retryable) in errors {
        let error = failure(code, &status(code, word, message, &json!([]))).await;
        assert_eq!(error.kind(), expected, "{error}");
        assert_eq!(error.status(), Some(code));
        assert_eq!(error.is_retryable(), is_retryable, "{error}");
        assert_eq!(error.retry_after(), None);
        assert!(error.to_string().contains("google"), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_key_is_an_authentication_error() {
    let details = json!([{
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
    }]);
    let error = failure(400, &status(400, "INVALID_ARGUMENT", "API key not valid.", &details)).await;
    assert_eq!(error.kind(), Authentication, "{error}");
}

#[tokio::test]
async fn the_requested_retry_delay() {
    let details = json!([
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "PerMinute"}]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.074824224s"},
    ]);
    let error = failure(429, &status(429, "RESOURCE_EXHAUSTED", "Please retry in 34s", &details)).await;
    assert_eq!(
        (error.kind(), error.retry_after()),
        (RateLimited, Some(Duration::from_nanos(34_074_824_224)))
    );
}

#[tokio::test]
async fn a_gateway_error_without_json() {
    let (_server, provider) = answering(Answer::text(502, "text/html", "<html>bad gateway</html>")).await;
    let error = provider.generate(&ask("Is it?")).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (Overloaded, Some(502)));
}

#[tokio::test]
async fn neither_key_nor_prompt_is_shown() {
    let message = format!("{KEY} may not ask: Is it a secret of mine?");
    let error = failure(403, &status(403, "PERMISSION_DENIED", &message, &json!([]))).await;
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(KEY) && !shown.contains("secret of mine"), "{shown}");
    let provider = Gemini::new(KEY).unwrap();
    assert!(!format!("{provider:?}").contains(KEY), "{provider:?}");
}

#[tokio::test]
async fn invalid_keys_and_base_urls() {
    assert_eq!(Gemini::new("a\nb").unwrap_err().kind(), Authentication);
    let with_key = Gemini::new(KEY).unwrap().with_base_url("https://example.com/?key=1");
    assert_eq!(with_key.unwrap_err().kind(), InvalidRequest);
}
