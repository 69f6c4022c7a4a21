//! Error statuses and failed connections.

use std::time::Duration;

use serde_json::{Value, json};
use tests::http::{Answer, FakeServer, Piece};
use workflow_engine::ai::providers::OpenAi;
use workflow_engine::ai::{AiError, AiErrorKind, AiProvider};

use super::{CHAT, SHORT, ask, openai, said};

async fn fails(answer: Answer) -> AiError {
    let server = FakeServer::start().await;
    server.on("POST", CHAT, answer);
    openai(&server).generate(&ask("Hi")).await.unwrap_err()
}

/// An error's body as OpenAI documents it.
fn error(message: &str, kind: &str, code: Option<&str>) -> Value {
    json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
}

#[tokio::test]
async fn every_status_has_its_kind() {
    let kinds = [
        (301, AiErrorKind::InvalidRequest),
        (400, AiErrorKind::InvalidRequest),
        (401, AiErrorKind::Authentication),
        (402, AiErrorKind::Authentication),
        (403, AiErrorKind::Authentication),
        (404, AiErrorKind::NotFound),
        (408, AiErrorKind::Timeout),
        (409, AiErrorKind::InvalidRequest),
        (413, AiErrorKind::InvalidRequest),
        (422, AiErrorKind::InvalidRequest),
        (429, AiErrorKind::RateLimited),
        (500, AiErrorKind::Overloaded),
        (502, AiErrorKind::Overloaded),
        (503, AiErrorKind::Overloaded),
        (504, AiErrorKind::Overloaded),
        (529, AiErrorKind::Overloaded),
    ];
    for (status, kind) in kinds {
        for answer in [
            Answer::json(status, &error("No.", "some_error", None)),
            Answer::text(status, "text/html", "<html>No.</html>"),
            Answer::text(status, "application/json", ""),
        ] {
            let error = fails(answer).await;
            assert_eq!((error.kind(), error.status()), (kind, Some(status)), "{error}");
            assert_eq!(error.usage(), None);
        }
    }
}

#[tokio::test]
async fn the_providers_message_is_shown() {
    let error = fails(Answer::json(
        400,
        &error(
            "Unsupported value: 'temperature' does not support 0.7 with this model.",
            "invalid_request_error",
            Some("unsupported_value"),
        ),
    ))
    .await;
    assert_eq!(
        error.to_string(),
        "provider `openai` responded with status 400: Unsupported value: 'temperature' does not support 0.7 with this model. \
         (unsupported_value)",
    );
    let error = fails(Answer::json(404, &json!({ "error": "model 'llama9' not found" }))).await;
    assert_eq!(error.to_string(), "provider `openai` responded with status 404: model 'llama9' not found");
    let error = fails(Answer::text(502, "text/html", "<html><h1>Bad gateway</h1></html>")).await;
    assert_eq!(error.to_string(), "provider `openai` responded with status 502");
}

#[tokio::test]
async fn the_providers_code_takes_precedence_over_the_status() {
    let invalid = "invalid_request_error";
    let too_long =
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130013.";
    let cases = [
        (400, error(too_long, invalid, Some("context_length_exceeded")), AiErrorKind::ContextTooLong),
        // vLLM, llama.cpp.
        (
            400,
            json!({ "object": "error", "message": too_long, "type": "BadRequestError", "code": 400 }),
            AiErrorKind::ContextTooLong,
        ),
        (
            400,
            json!({ "error": { "code": 400, "type": "exceed_context_size_error", "message": "too large" } }),
            AiErrorKind::ContextTooLong,
        ),
        (
            413,
            error("prompt is too long: 210000 tokens > 200000 maximum", invalid, None),
            AiErrorKind::ContextTooLong,
        ),
        (400, error("filtered", invalid, Some("content_filter")), AiErrorKind::Refused),
        (
            403,
            json!({ "error": { "code": 403, "message": "flagged", "metadata": { "reasons": ["x"], "flagged_input": "Hi" } } }),
            AiErrorKind::Refused,
        ),
        // Waiting does not help.
        (
            429,
            error("You exceeded your current quota", "insufficient_quota", Some("insufficient_quota")),
            AiErrorKind::Authentication,
        ),
        (
            400,
            error("The model `gpt-9` does not exist", invalid, Some("model_not_found")),
            AiErrorKind::NotFound,
        ),
        (429, error("Rate limit reached", "tokens", Some("rate_limit_exceeded")), AiErrorKind::RateLimited),
    ];
    for (status, body, kind) in cases {
        let error = fails(Answer::json(status, &body)).await;
        assert_eq!(error.kind(), kind, "{body}");
    }
}

#[tokio::test]
async fn the_requested_retry_delay_is_read() {
    let limited = || Answer::json(429, &error("Slow down", "requests", Some("rate_limit_exceeded")));
    let after = async |answer: Answer| fails(answer).await.retry_after();
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(after(limited()).await, None);
    assert_eq!(after(limited().header("retry-after", "20")).await, seconds(20));
    assert_eq!(after(limited().header("retry-after", "1.5")).await, Some(Duration::from_millis(1500)));
    let both = limited().header("retry-after", "20").header("retry-after-ms", "250");
    assert_eq!(after(both).await, Some(Duration::from_millis(250)));
    let date = |date| limited().header("date", "Wed, 21 Oct 2015 07:28:00 GMT").header("retry-after", date);
    assert_eq!(after(date("Wed, 21 Oct 2015 07:29:30 GMT")).await, seconds(90));
    assert_eq!(after(date("Wed, 21 Oct 2015 07:00:00 GMT")).await, seconds(0));
    // A mistake of the server must not stop a run for years.
    assert_eq!(after(limited().header("retry-after", "9e99")).await, seconds(86_400));
    for nonsense in ["soon", "-1", "NaN", ""] {
        assert_eq!(after(limited().header("retry-after", nonsense)).await, None, "{nonsense}");
    }
    let overloaded = Answer::json(503, &error("Overloaded", "server_error", None)).header("retry-after", "3");
    assert_eq!(after(overloaded).await, seconds(3));
    // A delay is useless for an error that is not retryable.
    let wrong = Answer::json(400, &error("No.", "invalid_request_error", None)).header("retry-after", "3");
    assert_eq!(after(wrong).await, None);
}

#[tokio::test]
async fn refused_and_cut_connections() {
    // A bound port without a listener.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/v1", socket.local_addr().unwrap());
    let gone = OpenAi::compatible("local", &url).unwrap();
    assert_eq!(gone.generate(&ask("Hi")).await.unwrap_err().kind(), AiErrorKind::Connection);

    assert_eq!(fails(Answer::cut()).await.kind(), AiErrorKind::Connection);
    let half = said("Hello").to_string()[..40].to_owned();
    let cut = Answer::pieces(200, "application/json", [Piece::text(half), Piece::Cut]);
    assert_eq!(fails(cut.clone()).await.kind(), AiErrorKind::Connection);
    assert_eq!(fails(cut.header("content-length", "4000")).await.kind(), AiErrorKind::Connection);
    // The status is known even if the body is cut.
    let half = Answer::pieces(500, "application/json", [Piece::text("{\"err"), Piece::Cut]);
    assert_eq!(fails(half).await.kind(), AiErrorKind::Overloaded);
}

#[tokio::test]
async fn tls_needs_no_setup_by_the_program() {
    // The server does not speak TLS. The client tries with its own cryptography provider.
    let server = FakeServer::start().await;
    let url = server.url().replace("http://", "https://");
    let error = OpenAi::compatible("local", &url).unwrap().generate(&ask("Hi")).await.unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::Connection);
    assert!(error.to_string().contains("corrupt message"), "{error}");
}

#[tokio::test]
async fn a_response_that_does_not_arrive_in_time() {
    let never = Piece::Wait(tests::http::Signal::default());
    let half = Answer::pieces(200, "application/json", [Piece::text("{\"choices\":"), never]);
    for answer in [Answer::hang(), half] {
        let server = FakeServer::start().await;
        server.on("POST", CHAT, answer);
        let mut request = ask("Hi");
        request.timeout = SHORT;
        let error = openai(&server).generate(&request).await.unwrap_err();
        assert_eq!(error.kind(), AiErrorKind::Timeout);
        assert_eq!(error.to_string(), "provider `openai` did not respond within 50ms");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_key() {
    let elsewhere = FakeServer::start().await;
    let location = format!("{}{CHAT}", elsewhere.url());
    let error = fails(Answer::text(307, "text/plain", "").header("location", &location)).await;
    assert_eq!((error.kind(), error.status()), (AiErrorKind::InvalidRequest, Some(307)));
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn a_missing_key_error_names_the_variable() {
    // The variable is not set in this process.
    assert!(std::env::var_os("OPENROUTER_API_KEY").is_none());
    let error = OpenAi::openrouter_from_env().unwrap_err();
    assert_eq!(error.kind(), AiErrorKind::Authentication);
    assert!(error.to_string().contains("`OPENROUTER_API_KEY`"), "{error}");
}
