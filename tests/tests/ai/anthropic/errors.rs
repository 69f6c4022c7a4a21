//! Errors as Anthropic documents them.

use std::time::Duration;

use serde_json::json;
use tests::http::Answer;
use workflow_engine::ai::AiErrorKind::{
    self, Authentication, ContextTooLong, InvalidRequest, NotFound, Overloaded, RateLimited,
};
use workflow_engine::ai::providers::Anthropic;
use workflow_engine::ai::{AiError, AiProvider};

use super::fixture::{KEY, answering, ask};

fn refused(status: u16, kind: &str, message: &str) -> Answer {
    let error = json!({"type": kind, "message": message});
    Answer::json(
        status,
        &json!({"type": "error", "error": error, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"}),
    )
}

async fn failure(answer: Answer) -> AiError {
    let (_server, provider) = answering(answer).await;
    provider.generate(&ask("Is it a secret of mine?")).await.unwrap_err()
}

#[tokio::test]
async fn every_documented_error() {
    let long = "prompt is too long: 213000 tokens > 200000 maximum";
    let both = "input length and `max_tokens` exceed context limit: 199000 + 4096 > 200000";
    let errors: [(u16, &str, &str, AiErrorKind, bool); 13] = [
        (400, "invalid_request_error", "messages: at least one message is required", InvalidRequest, false),
        (400, "invalid_request_error", long, ContextTooLong, false),
        (400, "invalid_request_error", both, ContextTooLong, false),
        (401, "authentication_error", "invalid x-api-key", Authentication, false),
        (402, "billing_error", "Your credit balance is too low", Authentication, false),
        (403, "permission_error", "not allowed", Authentication, false),
        (404, "not_found_error", "model: claude-none", NotFound, false),
        (413, "request_too_large", "Request exceeds the maximum size", InvalidRequest, false),
        (429, "rate_limit_error", "This request would exceed your rate limit", RateLimited, true),
        (500, "api_error", "Internal server error", Overloaded, true),
        (503, "api_error", "Unavailable", Overloaded, true),
        (504, "timeout_error", "Request timed out", Overloaded, true),
        (529, "overloaded_error", "Overloaded", Overloaded, true),
    ];
    for (status, kind, message, expected, is_retryable) in errors {
        let error = failure(refused(status, kind, message)).await;
        assert_eq!(error.kind(), expected, "{error}");
        assert_eq!(error.status(), Some(status));
        assert_eq!(error.is_retryable(), is_retryable, "{error}");
        assert_eq!(error.retry_after(), None);
        assert!(error.to_string().contains("anthropic"), "{error}");
    }
}

#[tokio::test]
async fn the_requested_retry_delay() {
    let answer = refused(429, "rate_limit_error", "too many tokens per minute").header("retry-after", "37");
    let error = failure(answer).await;
    assert_eq!((error.kind(), error.retry_after()), (RateLimited, Some(Duration::from_secs(37))));
    let error = failure(refused(529, "overloaded_error", "Overloaded").header("retry-after", "2")).await;
    assert_eq!((error.kind(), error.retry_after()), (Overloaded, Some(Duration::from_secs(2))));
}

#[tokio::test]
async fn a_spend_limit_is_not_retryable() {
    let error = json!({
        "type": "rate_limit_error",
        "message": "You have reached your usage tier's monthly limit",
        "details": {"error_code": "enforced_spend_limit_reached"},
    });
    let error = failure(Answer::json(429, &json!({"type": "error", "error": error}))).await;
    assert_eq!(error.kind(), Authentication, "{error}");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_gateway_error_without_json() {
    let error = failure(Answer::text(502, "text/html", "<html>bad gateway</html>")).await;
    assert_eq!((error.kind(), error.status()), (Overloaded, Some(502)));
}

#[tokio::test]
async fn neither_key_nor_prompt_is_shown() {
    let message = format!("{KEY} may not ask: Is it a secret of mine?");
    let error = failure(refused(401, "authentication_error", &message)).await;
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(KEY) && !shown.contains("secret of mine"), "{shown}");
    let provider = Anthropic::new(KEY).unwrap();
    assert!(!format!("{provider:?}").contains(KEY), "{provider:?}");
}

#[tokio::test]
async fn invalid_keys_and_base_urls() {
    assert_eq!(Anthropic::new("a\nb").unwrap_err().kind(), Authentication);
    let provider = Anthropic::new(KEY).unwrap();
    assert_eq!(provider.with_base_url("ftp://example.com").unwrap_err().kind(), InvalidRequest);
}
